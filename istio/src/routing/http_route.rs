//! HTTPRoute of the Gateway API, for gateways: one Service for each variant, since it has no subsets.

use std::cmp::Reverse;

use serde_json::{Value as Json, json};

use super::{Unroutable, cluster, demanded, header, only, replace, route, texts};
use crate::{
    message,
    patch::Resources,
    proxy::{Kind, Proxy},
    yaml::Node,
};

/// A route, and how specific it is: the length of its path, the number of its headers.
struct Ranked {
    rank: Reverse<(usize, usize)>,
    name: String,
    matches: Json,
    cluster: String,
}

pub(super) fn apply(document: &Node, proxy: &Proxy, resources: &mut Resources) -> Result<(), Unroutable> {
    if proxy.kind != Kind::Gateway {
        return Ok(());
    }
    let namespace = document.at(&["metadata", "namespace"]).and_then(Node::text).unwrap_or("default");
    let name = document.at(&["metadata", "name"]).and_then(Node::text).unwrap_or_default();
    let spec = demanded(document, &["spec"])?;
    only(spec, &["parentRefs", "hostnames", "rules"])?;
    // The most specific first, as the Gateway API has it; then as they are written.
    let mut routes = Vec::new();
    for (at, rule) in demanded(spec, &["rules"])?.items().iter().enumerate() {
        only(rule, &["name", "matches", "backendRefs"])?;
        let to = backend(rule, namespace, resources)?;
        let matches = rule.field("matches").map(Node::items).unwrap_or_default();
        let mut read: Vec<(usize, usize, Json)> = matches.iter().map(matching).collect::<Result<_, _>>()?;
        if read.is_empty() {
            read.push((1, 0, json!({"prefix": "/"})));
        }
        for (path, headers, matches) in read {
            let name = format!("{namespace}.{name}.{at}");
            routes.push(Ranked { rank: Reverse((path, headers)), name, matches, cluster: to.clone() });
        }
    }
    routes.sort_by_key(|one| one.rank);
    let hosts = texts(spec, "hostnames");
    let meant =
        |host: &prost_reflect::DynamicMessage| message::texts(host, "domains").iter().any(|name| hosts.contains(name));
    let made = |like: &prost_reflect::DynamicMessage| {
        routes.iter().filter_map(|one| route(like, &one.name, one.matches.clone(), &one.cluster)).collect()
    };
    if replace(resources, meant, made) == 0 {
        return Err(Unroutable::at(spec, hosts.join(", "), "a host name that the gateway has routes for"));
    }
    Ok(())
}

fn backend(rule: &Node, namespace: &str, resources: &Resources) -> Result<String, Unroutable> {
    let refs = demanded(rule, &["backendRefs"])?;
    let [only_one] = refs.items() else {
        return Err(Unroutable::at(refs, refs.describe(), "one backend: weights are not implemented here"));
    };
    only(only_one, &["name", "port", "namespace", "kind", "group"])?;
    let name = demanded(only_one, &["name"])?.text().unwrap_or_default();
    let namespace = only_one.field("namespace").and_then(Node::text).unwrap_or(namespace);
    let port = demanded(only_one, &["port"])?.to_json().to_string();
    cluster(resources, only_one, &format!("{name}.{namespace}.svc.cluster.local"), "", Some(&port))
}

/// The length of its path, the number of its headers, and the match as Envoy has it.
fn matching(node: &Node) -> Result<(usize, usize, Json), Unroutable> {
    only(node, &["path", "headers"])?;
    let path = match node.field("path") {
        None => "/".to_owned(),
        Some(path) => {
            only(path, &["type", "value"])?;
            if path.field("type").and_then(Node::text).unwrap_or("PathPrefix") != "PathPrefix" {
                return Err(Unroutable::at(path, path.describe(), "a PathPrefix: others are not implemented here"));
            }
            path.field("value").and_then(Node::text).unwrap_or("/").to_owned()
        }
    };
    let mut headers = Vec::new();
    for one in node.field("headers").map(Node::items).unwrap_or_default() {
        only(one, &["type", "name", "value"])?;
        if one.field("type").and_then(Node::text).unwrap_or("Exact") != "Exact" {
            return Err(Unroutable::at(one, one.describe(), "an Exact match: others are not implemented here"));
        }
        let text = |key| demanded(one, &[key]).map(|node| node.text().unwrap_or_default().to_owned());
        headers.push(header(&text("name")?.to_ascii_lowercase(), &text("value")?));
    }
    let prefix =
        if path == "/" { json!({"prefix": "/"}) } else { json!({"path_separated_prefix": path.trim_end_matches('/')}) };
    let (length, count) = (path.len(), headers.len());
    let mut matches = prefix;
    if let (Some(object), true) = (matches.as_object_mut(), count > 0) {
        object.insert("headers".to_owned(), headers.into());
    }
    Ok((length, count, matches))
}
