//! Whether a request keeps the variant that it came with: it is one of the rule set, and whoever sent it is trusted.

use crate::{
    Attributes, network,
    request::Asked,
    snapshot::{records::trust, section::Section},
    trust::is_within,
};

/// The number of the variant that the request inherits.
///
/// What came with the request is looked at first, so that nobody is asked who sent one that carries nothing.
#[inline(never)]
pub(crate) fn inherited<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>) -> Option<u16> {
    let place = carried(section, asked)?;
    is_trusted(section, asked).then_some(place)
}

/// The number of the variant that the request carries; bytes are compared, and a list of variants is none.
pub(crate) fn carried<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>) -> Option<u16> {
    let value = asked.request().carried(section.text(section.header.variant_header))?;
    let place = section.variants().iter().position(|variant| section.text(variant.name) == value)?;
    u16::try_from(place).ok()
}

fn is_trusted<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>) -> bool {
    let trusts = |whom: u8| section.header.trust & whom != 0;
    (trusts(trust::PEERS) && is_trusted_peer(section, asked))
        || (trusts(trust::OUTBOUND) && asked.request().is_outbound())
        || (trusts(trust::SOURCES) && source(section, asked) == Source::Trusted)
}

/// Whether the name in the sender's certificate is trusted.
pub(crate) fn is_trusted_peer<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>) -> bool {
    let is_of = |peer: &[u8]| section.peers().iter().any(|name| is_within(section.text(name.text), peer));
    asked.request().peer().is_some_and(is_of)
}

/// What a rule set makes of where a request comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// It is trusted.
    Trusted,
    /// Nobody says where it comes from, or not by an address.
    Unknown,
    /// It is none of the networks.
    Elsewhere,
    /// The proxy does not have the address from where the rule set expects it.
    OtherHops,
}

/// Asks for the sender's address, and whether that is as many proxies away as the rule set says.
///
/// An address out of a header has no port of its own: Envoy gives it 0. Without hops it must be that of the connection. With
/// some, it must be out of x-forwarded-for, and from just that place there: Envoy's own entry is the last, each proxy in between
/// has one before that, and then comes the sender's.
pub(crate) fn source<'s, A: Attributes>(section: &Section<'s>, asked: &Asked<'s, A>) -> Source {
    let Some((address, port)) = asked.request().source().and_then(network::address) else { return Source::Unknown };
    if !network::includes(section.text(section.header.sources), (address, address)) {
        return Source::Elsewhere;
    }
    let hops = usize::from(section.header.hops);
    let fits = match (hops, port) {
        (0, port) => port != Some(0),
        (hops, None | Some(0)) => forwarded(asked, hops) == Some(address),
        _ => false,
    };
    if fits { Source::Trusted } else { Source::OtherHops }
}

/// The address in x-forwarded-for that so many others follow.
fn forwarded<A: Attributes>(asked: &Asked<'_, A>, behind: usize) -> Option<u128> {
    let line = asked.only_header(b"x-forwarded-for")?;
    let entry = line.rsplit(|&byte| byte == b',').nth(behind)?;
    match network::address(entry.trim_ascii())? {
        (address, None) => Some(address),
        _ => None,
    }
}
