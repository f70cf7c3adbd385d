//! Where the identity came from, and what was tried before.

use super::words::{self, Shown};
use crate::{
    Attributes,
    identity::Origin,
    request::{Asked, Known},
    snapshot::section::Section,
};

/// A line for each source up to the one that yields.
pub(super) fn lines<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>, known: &Known<'s>) -> Vec<String> {
    let found = asked.identity(section, known).map(|identity| Shown(identity).to_string()).unwrap_or_default();
    let mut lines = Vec::new();
    let sticky = Shown(section.text(section.header.sticky.name)).to_string();
    match known.identity.origin() {
        Some(Origin::Remembered) => {
            lines.push(format!("  identity  ✓ \"{found}\" as cookie {sticky} remembers it: seen first"));
            return lines;
        }
        _ if !sticky.is_empty() => lines.push(format!("  identity  ✗ cookie {sticky} remembers none")),
        _ => {}
    }
    for (record, source) in section.identity().iter().zip(&section.asks.sources) {
        let source_in_words = words::attribute(section, record);
        if let Some(value) = asked.value_of(*source) {
            lines.push(format!("  identity  ✓ \"{}\" from {source_in_words}", Shown(&value)));
            return lines;
        }
        lines.push(format!("  identity  ✗ {source_in_words}: absent, repeated, empty or longer than 256 bytes"));
    }
    let issued = Shown(section.text(section.header.issued.name)).to_string();
    let minted = match known.identity.origin() {
        Some(_) => format!("  identity  ✓ \"{found}\", minted for cookie {issued}: another for every new visitor"),
        None if issued.is_empty() => return with_none(lines),
        None if asked.navigates() => {
            format!("  identity  ✗ none is minted for cookie {issued}: nothing random is at hand")
        }
        None => format!(
            "  identity  ✗ none is minted for cookie {issued}: no `sec-fetch-mode: navigate`, and no GET that accepts text/html"
        ),
    };
    lines.push(minted);
    if known.identity.origin().is_some() { lines } else { with_none(lines) }
}

fn with_none(mut lines: Vec<String>) -> Vec<String> {
    lines.push("  identity    none: no percent matches, a split gives the default".to_owned());
    lines
}
