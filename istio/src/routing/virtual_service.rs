//! VirtualService: for the sidecars (`mesh`) and for gateways.

use serde_json::{Value as Json, json};

use super::{Unroutable, cluster, demanded, header, only, replace, route, texts};
use crate::{
    message,
    patch::Resources,
    proxy::{Kind, Proxy},
    yaml::{Node, quoted},
};

/// One route: its name, its match, its cluster.
type Routed = (String, Json, String);

pub(super) fn apply(document: &Node, proxy: &Proxy, resources: &mut Resources) -> Result<(), Unroutable> {
    let spec = demanded(document, &["spec"])?;
    only(spec, &["hosts", "gateways", "http"])?;
    let gateways = texts(spec, "gateways");
    let in_mesh = gateways.is_empty() || gateways.iter().any(|gateway| gateway == "mesh");
    let at_edge = gateways.iter().any(|gateway| gateway != "mesh");
    let acts = match proxy.kind {
        Kind::Sidecar => in_mesh,
        Kind::Gateway => at_edge,
        Kind::Waypoint => false,
    };
    if !acts {
        return Ok(());
    }
    let mut routes: Vec<Routed> = Vec::new();
    for http in demanded(spec, &["http"])?.items() {
        only(http, &["name", "match", "route", "timeout"])?;
        let name = http.field("name").and_then(Node::text).unwrap_or("default");
        let to = destination(http, resources)?;
        let matches = http.field("match").map(Node::items).unwrap_or_default();
        let matches: Vec<Json> = matches.iter().map(matching).collect::<Result<_, _>>()?;
        let everything = vec![json!({"prefix": "/"})];
        let matches = if matches.is_empty() { everything } else { matches };
        routes.extend(matches.into_iter().map(|matches| (name.to_owned(), matches, to.clone())));
    }
    let hosts = texts(spec, "hosts");
    let meant =
        |host: &prost_reflect::DynamicMessage| message::texts(host, "domains").iter().any(|name| hosts.contains(name));
    let made = |like: &prost_reflect::DynamicMessage| {
        routes.iter().filter_map(|(name, matches, to)| route(like, name, matches.clone(), to)).collect()
    };
    if replace(resources, meant, made) == 0 {
        let node = demanded(spec, &["hosts"])?;
        return Err(Unroutable::at(node, hosts.join(", "), "a host that the proxy has routes for"));
    }
    Ok(())
}

fn destination(http: &Node, resources: &Resources) -> Result<String, Unroutable> {
    let routes = demanded(http, &["route"])?;
    let [only_one] = routes.items() else {
        return Err(Unroutable::at(routes, routes.describe(), "one destination: weights are not implemented here"));
    };
    only(only_one, &["destination"])?;
    let to = demanded(only_one, &["destination"])?;
    only(to, &["host", "subset", "port"])?;
    let host = demanded(to, &["host"])?.text().unwrap_or_default();
    let subset = to.field("subset").and_then(Node::text).unwrap_or_default();
    let port = to.at(&["port", "number"]).map(|node| node.to_json().to_string());
    cluster(resources, to, host, subset, port.as_deref())
}

/// A match as Envoy has it: of headers and a path.
fn matching(node: &Node) -> Result<Json, Unroutable> {
    only(node, &["headers", "uri"])?;
    let mut matches = match node.field("uri") {
        None => json!({"prefix": "/"}),
        Some(uri) => {
            only(uri, &["prefix", "exact"])?;
            let text = |key| uri.field(key).and_then(Node::text);
            match (text("prefix"), text("exact")) {
                (Some(prefix), _) => json!({"prefix": prefix}),
                (_, Some(path)) => json!({"path": path}),
                _ => return Err(Unroutable::at(uri, uri.describe(), "a prefix or an exact path")),
            }
        }
    };
    let mut headers = Vec::new();
    for entry in node.field("headers").map(Node::entries).unwrap_or_default() {
        only(&entry.node, &["exact"])?;
        if entry.key.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(Unroutable {
                span: entry.key_span.clone(),
                found: quoted(&entry.key),
                expected: "the header's name in lower case, as Istio demands".to_owned(),
            });
        }
        headers.push(header(&entry.key, demanded(&entry.node, &["exact"])?.text().unwrap_or_default()));
    }
    if let (Some(object), false) = (matches.as_object_mut(), headers.is_empty()) {
        object.insert("headers".to_owned(), headers.into());
    }
    Ok(matches)
}
