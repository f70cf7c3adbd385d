//! Overrides laid over the switches of a snapshot, where it is used and not where it is made.

use std::collections::{BTreeMap, BTreeSet};

use super::{Entry, Overrides, RefusedOverride, SwitchType, dictionary, fits, together};
use crate::{
    Decision, SNAPSHOT_LIMIT, Snapshot,
    report::listed,
    snapshot::{records::Switch, section::Section},
    tree::quote,
};

/// The dictionaries of a snapshot's variants under overrides, made once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SwitchOverlay {
    /// By rule set and variant; those without an overridden switch are not here.
    texts: BTreeMap<(u32, u16), String>,
}

impl SwitchOverlay {
    /// What [`owned::SWITCHES`](crate::owned::SWITCHES) is for `decision`, a decision by the snapshot that this was made
    /// for; None where its rule set has no switches.
    #[inline]
    pub fn text<'a>(&'a self, decision: &Decision<'a>) -> Option<&'a [u8]> {
        let overlaid = match self.texts.is_empty() {
            true => None,
            false => self.texts.get(&(decision.section.number, decision.place)),
        };
        overlaid.map(String::as_bytes).or_else(|| decision.switches())
    }
}

/// The items that take effect, by the name of their switch.
type Items<'o> = BTreeMap<&'o [u8], String>;

impl Snapshot {
    /// Lays `overrides` over the switches of this snapshot; gives those besides that take no effect, and why. An override
    /// that cannot be taken in one rule set is taken in none.
    pub fn overlay(&self, overrides: &Overrides) -> (SwitchOverlay, Vec<RefusedOverride>) {
        let (mut items, mut refused) = (Items::new(), Vec::new());
        if overrides.is_empty() {
            return (SwitchOverlay::default(), refused);
        }
        let kinds = self.kinds();
        for entry in &overrides.entries {
            match item(entry, &kinds) {
                Ok(item) => _ = items.insert(entry.name.as_bytes(), item),
                Err(why) => refused.push(why),
            }
        }
        let texts = self.texts(&items).unwrap_or_else(|found| {
            let expected = "at most 4096 bytes for a request, and 2 MiB for all variants";
            let taken = overrides.entries.iter().filter(|entry| items.contains_key(entry.name.as_bytes()));
            refused.extend(taken.map(|entry| refusal(entry, "too-large", &found, expected.to_owned())));
            BTreeMap::new()
        });
        (SwitchOverlay { texts }, refused)
    }

    /// The types of all switches by name: one each, unless somebody else than a compiler made the snapshot.
    fn kinds(&self) -> BTreeMap<&[u8], BTreeSet<SwitchType>> {
        let mut kinds = BTreeMap::<_, BTreeSet<_>>::new();
        for section in self.sections() {
            for switch in section.switches() {
                kinds.entry(section.text(switch.name)).or_default().extend(SwitchType::of_code(switch.kind));
            }
        }
        kinds
    }

    /// The dictionaries under `items`; or what of them is too large.
    fn texts(&self, items: &Items<'_>) -> Result<BTreeMap<(u32, u16), String>, String> {
        let (mut texts, mut bytes, mut longest) = (BTreeMap::new(), 0usize, BTreeMap::new());
        for section in self.sections() {
            let overlaid = Overlaid::of(section, items);
            let mut most = 0;
            // No place beyond these can be named.
            for (place, _) in (0..=u16::MAX).zip(section.variants()) {
                let text = overlaid.as_ref().map(|overlaid| overlaid.text(place));
                let as_it_is = || section.dictionary(place).map_or(0, <[u8]>::len);
                most = most.max(text.as_ref().map_or_else(as_it_is, String::len));
                bytes = bytes.saturating_add(text.as_ref().map_or(0, String::len));
                if bytes > SNAPSHOT_LIMIT || !fits(most) {
                    return Err(format!("{} bytes of switches", bytes.max(most)));
                }
                texts.extend(text.map(|text| ((section.number, place), text)));
            }
            let header = longest.entry(section.text(section.header.variant_header)).or_insert(0);
            *header = most.max(*header);
        }
        let together = together(longest.into_values());
        if fits(together) { Ok(texts) } else { Err(format!("{together} bytes of switches")) }
    }
}

/// The item that `entry` stands for, which must be a value of every type that switches of its name have.
fn item(entry: &Entry, kinds: &BTreeMap<&[u8], BTreeSet<SwitchType>>) -> Result<String, RefusedOverride> {
    let mut item = None;
    for kind in kinds.get(entry.name.as_bytes()).into_iter().flatten() {
        let bad = || refusal(entry, "bad-switch-value", &quote(&entry.value), kind.expected().to_owned());
        item = Some(kind.item(&entry.value).ok_or_else(bad)?);
    }
    item.ok_or_else(|| {
        let names: Vec<_> = kinds.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        refusal(entry, "unknown-switch", "a switch that no rule set has", known(&names))
    })
}

/// A rule set's switches under overrides.
struct Overlaid<'a> {
    section: &'a Section<'a>,
    /// For each switch the item that it has for all variants.
    items: Vec<Option<&'a str>>,
}

impl<'a> Overlaid<'a> {
    /// None where none of the switches is overridden.
    fn of(section: &'a Section<'a>, items: &'a Items<'_>) -> Option<Self> {
        let item = |switch: &Switch| items.get(section.text(switch.name)).map(String::as_str);
        let items: Vec<_> = section.switches().iter().map(item).collect();
        items.iter().any(Option::is_some).then_some(Self { section, items })
    }

    fn text(&self, place: u16) -> String {
        let text = |bytes| str::from_utf8(bytes).unwrap_or_default();
        let members = self.section.switches().iter().zip(&self.items);
        dictionary(members.map(|(switch, item)| {
            (text(self.section.text(switch.name)), item.unwrap_or_else(|| text(self.section.item(switch, place))))
        }))
    }
}

/// What would be right where a switch is none of `names`.
pub(crate) fn known(names: &[String]) -> String {
    match names {
        [] => "none: no rule set has switches".to_owned(),
        names => format!("one of {}", listed(names.iter())),
    }
}

fn refusal(entry: &Entry, code: &'static str, found: &str, expected: String) -> RefusedOverride {
    RefusedOverride { span: entry.span.clone(), name: entry.name.clone(), code, found: found.to_owned(), expected }
}
