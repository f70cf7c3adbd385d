//! Where the control planes are.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{SeqAccess, Visitor, value::SeqAccessDeserializer},
};

use super::{Invalid, is_visible, quoted};

/// The most control planes a fetcher knows.
const LIMIT: usize = 8;

/// Where a control plane is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase", default)]
pub struct Control {
    /// The name of Envoy's cluster. Default: `graylane_control`.
    pub cluster: String,
    /// The `:authority` of requests to it. Default: `graylane-control`.
    pub authority: String,
}

impl Default for Control {
    fn default() -> Self {
        Self { cluster: "graylane_control".to_owned(), authority: "graylane-control".to_owned() }
    }
}

/// Reads the list, and says of a single object, which it would be natural to write, that a list is wanted.
pub fn list<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Control>, D::Error> {
    from.deserialize_seq(List)
}

/// Checks the list and each of its entries.
pub fn check(list: &[Control]) -> Result<(), Invalid> {
    if !(1..=LIMIT).contains(&list.len()) {
        return Err(Invalid::new("control", &format!("{} control planes", list.len()), &format!("1 to {LIMIT}")));
    }
    for (place, control) in list.iter().enumerate() {
        let path = format!("control[{place}]");
        for (field, text) in [("cluster", &control.cluster), ("authority", &control.authority)] {
            if !is_visible(text) {
                let why = Invalid::new(field, &quoted(text), "1 to 256 bytes of visible ASCII");
                return Err(why.within(&path));
            }
        }
        if list.iter().take(place).any(|earlier| earlier == control) {
            return Err(Invalid::new(&path, &quoted(&control.cluster), "each control plane once"));
        }
    }
    Ok(())
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Vec<Control>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("`control` to be a list, [{\"cluster\": …, \"authority\": …}], in order of preference")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Self::Value, A::Error> {
        Vec::deserialize(SeqAccessDeserializer::new(list))
    }
}
