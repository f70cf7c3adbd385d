//! VirtualServices that route on a header.

use crate::{
    report::Report,
    yaml::{Node, quoted},
};

pub(super) fn check(document: &Node, report: &mut Report) {
    let http = document.at(&["spec", "http"]).map(Node::items).unwrap_or_default();
    let mut default = None;
    for (index, route) in http.iter().enumerate() {
        let matches = route.field("match").map(Node::items).unwrap_or_default();
        let path = format!("spec.http[{index}]");
        if let Some(default) = default {
            let found = format!("a route behind spec.http[{default}], which takes everything");
            report.error(
                "route-unreachable",
                &path,
                &route.span,
                found,
                "the default as the last one: the first that matches is taken",
            );
        } else if matches.is_empty() {
            default = Some(index);
        }
        for (at, one) in matches.iter().enumerate() {
            for entry in one.field("headers").map(Node::entries).unwrap_or_default() {
                if entry.key.bytes().any(|byte| byte.is_ascii_uppercase()) {
                    let path = format!("{path}.match[{at}].headers");
                    report.error("header-case", &path, &entry.key_span, quoted(&entry.key), "the name in lower case");
                }
            }
        }
    }
    let gateways = document.at(&["spec", "gateways"]);
    let named: Vec<_> = gateways.map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
    if let Some(gateways) = gateways.filter(|_| !named.is_empty() && !named.contains(&"mesh")) {
        let found = format!("{} without mesh", named.join(", "));
        report.warning(
            "mesh-missing",
            "spec.gateways",
            &gateways.span,
            found,
            "mesh as well, if sidecars are to route by it",
        );
    }
}
