//! JSON objects whose names the operator chooses.

use std::{collections::BTreeMap, fmt, marker::PhantomData};

use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};

use super::quoted;

/// Reads an object, and refuses one that has a name twice, where otherwise the last would silently count. `place` is
/// where the object stands. Values that are no texts are those of JSON, as they are written.
pub fn unique<'de, D, V>(from: D, place: &'static str) -> Result<BTreeMap<String, Box<str>>, D::Error>
where
    D: Deserializer<'de>,
    V: Deserialize<'de> + Into<Box<str>>,
{
    from.deserialize_map(Entries::<V> { place, values: PhantomData })
}

struct Entries<V> {
    place: &'static str,
    values: PhantomData<V>,
}

impl<'de, V: Deserialize<'de> + Into<Box<str>>> Visitor<'de> for Entries<V> {
    type Value = BTreeMap<String, Box<str>>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "an object for {}", self.place)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        let mut read = BTreeMap::new();
        while let Some((name, value)) = entries.next_entry::<String, V>()? {
            if read.contains_key(&name) {
                let place = self.place;
                return Err(A::Error::custom(format!("{place}: found {} twice, expected it once", quoted(&name))));
            }
            read.insert(name, value.into());
        }
        Ok(read)
    }
}
