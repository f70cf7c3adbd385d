//! `spec.inherit`: from whom a request's own variant is believed.

use super::{Fields, NAMES_LIMIT, fields, names, operators};
use crate::{
    network,
    report::{Path, Report},
    tree::{Node, Value},
    trust::{HOPS, HOPS_LIMIT, PEER, PEERS_LIMIT, is_peer},
};

/// From whom a request's own variant is believed: any of these.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Inherit {
    /// Names in certificates: SPIFFE IDs, or their first segments.
    pub(crate) peers: Vec<String>,
    /// Networks, and how many proxies stand between them and the one that decides.
    pub(crate) sources: Option<(Vec<network::Range>, u8)>,
    /// The application that the proxy stands beside.
    pub(crate) outbound: bool,
}

/// Decodes `spec.inherit`; None where a part of it is wrong, having said why.
pub(crate) fn decode(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Inherit> {
    let problems = report.errors();
    let mut fields = Fields::open_such(node, path, "{peers: [spiffe://cluster.local/ns/istio-ingress]}", report)?;
    let peers = fields.optional("peers");
    let sources = fields.optional("sources");
    let hops = fields.optional("hops");
    let outbound = fields.optional("outbound");
    fields.finish(report);
    let nobody = peers.is_none() && sources.is_none() && outbound.is_none();
    let peers = peers.map(|node| self::peers(node, &path.field("peers"), report));
    let ranges = sources.map(|node| self::sources(node, &path.field("sources"), report));
    let hops_path = path.field("hops");
    let counted = hops.map(|node| self::hops(node, &hops_path, report));
    match (sources, hops) {
        (Some(_), None) => report.error("hops-missing", &hops_path, node.span.clone(), "nothing", HOPS),
        (None, Some(hops)) => report.wrong("hops-needless", &hops_path, hops, "no hops without sources"),
        _ => {}
    }
    let outbound = outbound.map(|node| operators::boolean(node, &path.field("outbound"), report));
    let nobody = nobody || (outbound == Some(Some(false)) && peers.is_none() && sources.is_none());
    // A field that is misspelt may be the one that is missing.
    if nobody && report.errors() == problems {
        let expected = "peers, sources with their hops, or `outbound: true`; without spec.inherit nobody is";
        report.error("nobody-trusted", path, node.span.clone(), "nobody who is trusted", expected);
    }
    let sources = match (ranges, counted) {
        (Some(ranges), Some(hops)) => Some((ranges?, hops?)),
        _ => None,
    };
    Some(Inherit { peers: peers.unwrap_or(Some(Vec::new()))?, sources, outbound: outbound.unwrap_or(Some(false))? })
}

fn peers(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Vec<String>> {
    let items = fields::items(node, path, report)?;
    limit(items.len(), PEERS_LIMIT, node, path, report)?;
    let mut peers = Vec::with_capacity(items.len());
    for (index, item) in items.iter().enumerate() {
        peers.push(peer(item, &path.item(index), report));
    }
    peers.into_iter().collect()
}

fn peer(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<String> {
    let text = names::string(node, path, report)?;
    // A slash at the end says what is meant anyway.
    let name = text.strip_suffix('/').unwrap_or(text);
    if !is_peer(name.as_bytes()) {
        report.wrong("bad-peer", path, node, PEER);
        return None;
    }
    Some(name.to_owned())
}

fn sources(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<Vec<network::Range>> {
    let count = fields::items(node, path, report)?.len();
    limit(count, NAMES_LIMIT, node, path, report)?;
    operators::networks(node, path, report)
}

fn limit(count: usize, most: usize, node: &Node, path: &Path<'_>, report: &mut Report) -> Option<()> {
    if count > most {
        report.error("too-many", path, node.span.clone(), format!("{count} items"), format!("at most {most}"));
        return None;
    }
    Some(())
}

fn hops(node: &Node, path: &Path<'_>, report: &mut Report) -> Option<u8> {
    let number = match &node.value {
        Value::Number(text) => text.parse().ok().filter(|&hops| hops <= HOPS_LIMIT),
        _ => None,
    };
    if number.is_none() {
        report.wrong("bad-hops", path, node, HOPS);
    }
    number
}
