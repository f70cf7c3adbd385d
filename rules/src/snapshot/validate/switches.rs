//! The switches of a section.

use std::collections::{BTreeMap, BTreeSet};

use super::{Parts, demand, unusable};
use crate::{
    owned,
    snapshot::{
        Opened, Unusable,
        records::{Switch, Text},
        section::Section,
        tables::slice,
    },
    switches::{SWITCHES_LIMIT, SwitchType, fits, is_name, together},
};

/// Checks switches, whose texts are within bounds.
pub(super) fn check(section: &Section<'_>) -> Result<(), Unusable> {
    let (switches, values, texts) = (section.switches(), section.switch_values(), section.switch_texts());
    demand(switches.len() <= SWITCHES_LIMIT, "too many switches")?;
    let complete = if switches.is_empty() { 0 } else { section.variants().len() };
    demand(texts.len() == complete, "switches without a text for each variant")?;
    let (mut names, mut parts) = (BTreeSet::new(), Parts::default());
    for switch in switches {
        demand(names.insert(section.text(switch.name)), "a switch a second time")?;
        check_switch(section, switch, &mut parts)?;
    }
    let items = switches.iter().map(|switch| switch.default).chain(values.iter().map(|value| value.item));
    check_values(section, items.chain(texts.iter().copied()))
}

fn check_switch(section: &Section<'_>, switch: &Switch, parts: &mut Parts) -> Result<(), Unusable> {
    let name = section.text(switch.name);
    demand(str::from_utf8(name).is_ok_and(is_name), "a switch without a proper name")?;
    demand(SwitchType::of_code(switch.kind).is_some(), "a switch of an unknown type")?;
    let (first, count) = (switch.first_value.get(), switch.values.get());
    demand(parts.follows(first, count), "values that two switches share")?;
    let values =
        slice(section.switch_values(), first, count).ok_or_else(|| unusable("values of a switch out of bounds"))?;
    let sorted = values.windows(2).all(|pair| match pair {
        [one, next] => one.variant.get() < next.variant.get(),
        _ => true,
    });
    let inside = values.last().is_none_or(|last| usize::from(last.variant.get()) < section.variants().len());
    demand(sorted && inside, "values of a switch out of order")
}

/// What would turn into an invalid request is refused here too. Texts that differ stand in different places: so all of them
/// together are no longer than the text of the section, and looking at each once takes no longer.
fn check_values(section: &Section<'_>, texts: impl Iterator<Item = Text>) -> Result<(), Unusable> {
    let places: BTreeSet<_> = texts.map(|text| (text.offset.get(), text.length.get())).collect();
    let bytes: u64 = places.iter().map(|(_, length)| u64::from(*length)).sum();
    demand(bytes <= u64::from(section.header.text.count.get()), "texts of switches that overlap")?;
    let sound = |&(offset, length): &(u32, u32)| {
        let value = section.texts.at(offset, length).and_then(|bytes| str::from_utf8(bytes).ok());
        value.is_some_and(|value| owned::check_value(value).is_ok())
    };
    demand(places.iter().all(sound), "a switch that is no header value")
}

/// Checks that no request gets more switches than a header carries, whatever decides it.
pub(super) fn check_together(opened: &Opened<'_>) -> Result<(), Unusable> {
    let mut longest = BTreeMap::new();
    for section in &opened.sections {
        let texts = section.switch_texts();
        let most = texts.iter().map(|text| text.length.get() as usize).max().unwrap_or(0);
        let header = longest.entry(section.text(section.header.variant_header)).or_insert(0);
        *header = most.max(*header);
    }
    demand(fits(together(longest.into_values())), "too many switches for one request")
}
