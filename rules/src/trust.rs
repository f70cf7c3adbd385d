//! Whom a request's variant is believed from: the names of peers, and bounds on what rule sets may trust.

use crate::{
    Format, Problem, Snapshot,
    document::{self, Inherit},
    network,
    report::{Path, Report},
    snapshot::{records::trust, section::Section},
    tree,
};

/// The most peers of a rule set.
pub(crate) const PEERS_LIMIT: usize = 100;

/// The most proxies that may stand between a source and the proxy that decides.
pub(crate) const HOPS_LIMIT: u8 = 32;

/// The longest name of a peer, in bytes, as SPIFFE has it.
const PEER_LIMIT: usize = 2_048;

/// What is right where the name of a peer is not.
pub(crate) const PEER: &str = "a SPIFFE ID or its first whole segments, such as spiffe://cluster.local/ns/istio-ingress, its trust domain in lower case";

/// Whether `name` is a SPIFFE ID, or its first segments: `spiffe://cluster.local/ns/istio-ingress`.
pub(crate) fn is_peer(name: &[u8]) -> bool {
    let Some(rest) = name.strip_prefix(b"spiffe://").filter(|_| name.len() <= PEER_LIMIT) else { return false };
    let mut parts = rest.split(|&byte| byte == b'/');
    let domain = parts.next().unwrap_or_default();
    let in_domain = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-._".contains(byte);
    let in_segment = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._".contains(byte);
    let is_segment = |part: &[u8]| !matches!(part, b"" | b"." | b"..") && part.iter().all(in_segment);
    !domain.is_empty() && domain.iter().all(in_domain) && parts.all(is_segment)
}

/// Whether `peer` is the one called `name`, or has more segments behind those of `name`.
pub(crate) fn is_within(name: &[u8], peer: &[u8]) -> bool {
    peer.strip_prefix(name).is_some_and(|rest| rest.first().is_none_or(|&next| next == b'/'))
}

/// What is right where a number of proxies is not.
pub(crate) const HOPS: &str = "the number of proxies between these sources and the Envoy that decides, from 0 to 32: `hops: 0` where there is none";

/// Whom rule sets may trust at most: a bound that is set where they run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trust {
    bound: Inherit,
    /// Those of the bound, as a snapshot keeps them.
    sources: Vec<u8>,
}

impl Trust {
    /// Reads what could be the `spec.inherit` of a rule set, in JSON.
    ///
    /// # Errors
    /// What is wrong with it, all of it; paths begin below it.
    pub fn read(json: &str) -> Result<Self, Vec<Problem>> {
        let mut report = Report::default();
        let tree = tree::read(Format::Json, json.as_bytes(), &mut report);
        match tree.and_then(|tree| document::inherit(&tree, &Path::DOCUMENT, &mut report)) {
            Some(bound) if !report.has_errors() => {
                let sources = bound.sources.as_ref().map(|(ranges, _)| network::bytes(ranges.clone()));
                Ok(Self { bound, sources: sources.unwrap_or_default() })
            }
            _ => Err(report.into_problems()),
        }
    }

    fn includes(&self, section: &Section<'_>) -> bool {
        let (header, bound) = (section.header, &self.bound);
        let is_among = |peer: &[u8]| bound.peers.iter().any(|name| is_within(name.as_bytes(), peer));
        let mut sources = network::ranges(section.text(header.sources));
        section.peers().iter().all(|peer| is_among(section.text(peer.text)))
            && sources.all(|range| network::includes(&self.sources, range))
            && (header.trust & trust::SOURCES == 0
                || bound.sources.as_ref().is_some_and(|(_, hops)| *hops == header.hops))
            && (header.trust & trust::OUTBOUND == 0 || bound.outbound)
    }
}

impl Snapshot {
    /// The name of a rule set that inherits variants from somebody beyond `bound`; None where there is none.
    pub fn trusting_beyond(&self, bound: &Trust) -> Option<&[u8]> {
        self.sections().find(|section| !bound.includes(section)).map(|section| section.text(section.header.name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_peers_are_spiffe_ids_or_their_first_segments() {
        for name in ["spiffe://td", "spiffe://cluster.local/ns/a_b/sa/Web-1", "spiffe://1.2/x.y/..."] {
            assert!(is_peer(name.as_bytes()), "{name}");
        }
        let long = format!("spiffe://td/{}", "a".repeat(PEER_LIMIT));
        let wrong = [
            "",
            "spiffe:/td",
            "spiffe://",
            "spiffe:///ns",
            "https://td",
            "SPIFFE://td",
            "spiffe://TD",
            "spiffe://td/",
            "spiffe://td//ns",
            "spiffe://td/.",
            "spiffe://td/../ns",
            "spiffe://td/n s",
            "spiffe://td/ns%2f",
            "spiffe://td:80",
            "spiffe://td/*",
            "spiffe://u@td",
            "spiffe://td/\u{e9}",
            &long,
        ];
        for name in wrong {
            assert!(!is_peer(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn whole_segments_alone_are_within() {
        for (name, peer, within) in [
            ("spiffe://td/ns/a", "spiffe://td/ns/a", true),
            ("spiffe://td/ns/a", "spiffe://td/ns/a/sa/b", true),
            ("spiffe://td/ns/a", "spiffe://td/ns/ab", false),
            ("spiffe://td/ns/a", "spiffe://td/ns/A", false),
            ("spiffe://td/ns/a", "spiffe://td/ns", false),
            ("spiffe://td", "spiffe://td/ns/a", true),
            ("spiffe://td", "spiffe://td.evil/ns/a", false),
            ("spiffe://td", "spiffe://td2", false),
            ("spiffe://td", "", false),
        ] {
            assert_eq!(is_within(name.as_bytes(), peer.as_bytes()), within, "{peer} in {name}");
        }
    }
}
