//! Why a request keeps the variant that it came with, or does not.

use super::words::{Shown, networks};
use crate::{
    Attributes,
    decide::inherit::{self, Source},
    request::Asked,
    snapshot::{records::trust, section::Section},
};

/// So many names are told, of more their number.
const MOST: usize = 5;

/// Lines about what the request carries and who sent it; none where it carries nothing and the rule set inherits nothing.
pub(super) fn lines<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>) -> Vec<String> {
    let header = section.text(section.header.variant_header);
    let carried = asked.request().carried(header);
    if section.header.trust == 0 {
        let nobody = || "  inherit   ✗ this rule set trusts nobody: it has no spec.inherit".to_owned();
        return carried.map(|_| nobody()).into_iter().collect();
    }
    let Some(carried) = carried else {
        return vec![format!("  inherit   ✗ the request carries no {}, or more than one", Shown(header))];
    };
    if inherit::carried(section, asked).is_none() {
        return vec![format!("  inherit   ✗ \"{}\" is none of this rule set's variants", Shown(carried))];
    }
    let mut lines = Vec::new();
    for whom in [trust::PEERS, trust::OUTBOUND, trust::SOURCES] {
        let (trusted, why) = match section.header.trust & whom {
            trust::PEERS => peer(section, asked),
            trust::OUTBOUND => outbound(asked),
            trust::SOURCES => source(section, asked),
            _ => continue,
        };
        let mark = if trusted { "✓" } else { "✗" };
        lines.push(format!("  inherit   {mark} {why}"));
        if trusted {
            break;
        }
    }
    lines
}

fn peer<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>) -> (bool, String) {
    let names: Vec<_> =
        section.peers().iter().take(MOST).map(|peer| Shown(section.text(peer.text)).to_string()).collect();
    let more = section.peers().len().saturating_sub(MOST);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let found = match asked.request().peer() {
        Some(peer) => format!("found {}", Shown(peer)),
        None => "no certificate with a name".to_owned(),
    };
    (inherit::is_trusted_peer(section, asked), format!("peers [{}]{more}: {found}", names.join(", ")))
}

fn outbound<A: Attributes>(asked: &Asked<'_, A>) -> (bool, String) {
    let trusted = asked.request().is_outbound();
    let found = if trusted { "sent by the application beside this proxy" } else { "not by an outbound listener" };
    (trusted, format!("outbound: {found}"))
}

fn source<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>) -> (bool, String) {
    let found = inherit::source(section, asked);
    let hops = section.header.hops;
    let address = asked.request().source().map(|source| format!("found \"{}\"", Shown(source)));
    let address = address.unwrap_or_else(|| "the source is not known".to_owned());
    let why = match found {
        Source::OtherHops if hops == 0 => ", which is out of a header: no peer's address has port 0",
        Source::OtherHops => ", which does not stand at that place of x-forwarded-for",
        Source::Trusted | Source::Unknown | Source::Elsewhere => "",
    };
    let networks = networks(section.text(section.header.sources));
    (found == Source::Trusted, format!("sources {networks}, hops {hops}: {address}{why}"))
}
