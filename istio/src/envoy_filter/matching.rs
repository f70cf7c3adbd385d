//! Where a patch applies: `match`.

use std::{collections::BTreeMap, ops::Range};

use regex::{Regex, RegexBuilder};

use crate::{form::Form, proxy::Context, report::Report, yaml::Node};

/// The longest `proxyVersion` that istiod compiles; longer ones match nothing.
pub const VERSION_LIMIT: usize = 1024;

/// The most bytes that a `proxyVersion` may be compiled to.
const REGEX_LIMIT: usize = 1 << 18;

/// Where a patch applies.
#[derive(Clone, Debug)]
pub struct Match {
    /// Which of a proxy's resources.
    pub context: Context,
    /// The versions of the proxy: None for all.
    pub version: Option<VersionMatch>,
    /// Metadata of the proxy that must be equal.
    pub metadata: BTreeMap<String, String>,
    /// Which object among the resources.
    pub object: Object,
    /// The bytes of the file; empty where there is no `match`.
    pub span: Range<usize>,
}

impl Default for Match {
    fn default() -> Self {
        let (metadata, object) = (BTreeMap::new(), Object::Any);
        Self { context: Context::Any, version: None, metadata, object, span: 0..0 }
    }
}

/// A regular expression that is looked for anywhere in the proxy's version.
#[derive(Clone, Debug)]
pub struct VersionMatch {
    /// As it is written.
    pub text: String,
    /// The bytes of the file.
    pub span: Range<usize>,
    /// None where it is too long to be compiled: it matches nothing then.
    pub regex: Option<Regex>,
}

/// Which object among the resources of a context.
#[derive(Clone, Debug)]
pub enum Object {
    /// All.
    Any,
    /// Of listeners.
    Listener(ListenerMatch),
    /// Of route configurations.
    Route(RouteMatch),
    /// Of clusters.
    Cluster(ClusterMatch),
    /// Of waypoints: no istiod implements it.
    Waypoint,
}

/// Of listeners; what is not said matches all.
#[derive(Clone, Debug, Default)]
pub struct ListenerMatch {
    /// The listener's name.
    pub name: Option<String>,
    /// Its port; of `virtualInbound` and `virtualOutbound` the destination port of the filter chain.
    pub port: Option<u32>,
    /// The name of a listener filter.
    pub listener_filter: Option<String>,
    /// Of its filter chains.
    pub chain: Option<FilterChainMatch>,
    /// The bytes of the file.
    pub span: Range<usize>,
}

/// Of filter chains; what is not said matches all.
#[derive(Clone, Debug, Default)]
pub struct FilterChainMatch {
    /// The chain's name.
    pub name: Option<String>,
    /// One of its server names.
    pub sni: Option<String>,
    /// Its transport protocol: `tls`, `raw_buffer`.
    pub transport_protocol: Option<String>,
    /// Each of these, between commas, must be among its application protocols.
    pub application_protocols: Option<String>,
    /// Its destination port.
    pub destination_port: Option<u32>,
    /// The name of a network filter; Some("") where a filter is asked for without one.
    pub filter: Option<String>,
    /// The name of an HTTP filter within it.
    pub sub_filter: Option<String>,
    /// The bytes of the file, of the innermost name.
    pub span: Range<usize>,
}

/// Of route configurations; what is not said matches all.
#[derive(Clone, Debug, Default)]
pub struct RouteMatch {
    /// Its name.
    pub name: Option<String>,
    /// The port it is for.
    pub port: Option<u32>,
    /// The name of the port of a gateway's server.
    pub port_name: Option<String>,
    /// The gateway, as `namespace/name`.
    pub gateway: Option<String>,
    /// Of its virtual hosts.
    pub vhost: Option<VhostMatch>,
    /// The bytes of the file.
    pub span: Range<usize>,
}

/// Of virtual hosts; what is not said matches all.
#[derive(Clone, Debug, Default)]
pub struct VhostMatch {
    /// Its name: `reviews.default.svc.cluster.local:8080`.
    pub name: Option<String>,
    /// One of its domains.
    pub domain: Option<String>,
    /// Whether routes are chosen among, and by which name and action.
    pub route: Option<(Option<String>, Action)>,
}

/// What a route does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the API's")]
pub enum Action {
    Any,
    Route,
    Redirect,
    DirectResponse,
}

/// Of clusters; what is not said matches all.
#[derive(Clone, Debug, Default)]
pub struct ClusterMatch {
    /// Its name; where it is said, nothing else counts.
    pub name: Option<String>,
    /// The port within its name.
    pub port: Option<u32>,
    /// The host within its name.
    pub service: Option<String>,
    /// The subset within its name.
    pub subset: Option<String>,
    /// The bytes of the file.
    pub span: Range<usize>,
}

impl Match {
    /// Reads `match`; None where istiod's webhook refuses it.
    pub(super) fn read(node: &Node, path: &str, report: &mut Report) -> Option<Self> {
        let known = ["context", "proxy", "listener", "routeConfiguration", "cluster", "waypoint"];
        let mut form = Form::open(node, path, &known, report)?;
        let context = form.one_of("context", &Context::NAMES).map_or(Context::Any, |(context, _)| context);
        let chosen: Vec<_> = known.iter().skip(2).filter(|key| form.node(key).is_some()).collect();
        if chosen.len() > 1 {
            let found = format!("{} of {chosen:?}", chosen.len());
            form.report.error("match-ambiguous", path, &node.span, found, "at most one of them");
            return None;
        }
        let (version, metadata) = match form.node("proxy") {
            Some(proxy) => proxy_match(proxy, &form.at("proxy"), form.report)?,
            None => (None, BTreeMap::new()),
        };
        let object = match (form.node("listener"), form.node("routeConfiguration"), form.node("cluster")) {
            (Some(node), ..) => Object::Listener(listener(node, &form.at("listener"), form.report)?),
            (_, Some(node), _) => Object::Route(route(node, &form.at("routeConfiguration"), form.report)?),
            (.., Some(node)) => Object::Cluster(cluster(node, &form.at("cluster"), form.report)?),
            _ if form.node("waypoint").is_some() => Object::Waypoint,
            _ => Object::Any,
        };
        Some(Self { context, version, metadata, object, span: node.span.clone() })
    }

    /// What it asks of listeners.
    pub fn listener(&self) -> Option<&ListenerMatch> {
        match &self.object {
            Object::Listener(listener) => Some(listener),
            _ => None,
        }
    }

    /// What it asks of filter chains.
    pub fn chain(&self) -> Option<&FilterChainMatch> {
        self.listener().and_then(|listener| listener.chain.as_ref())
    }

    /// What it asks of route configurations.
    pub fn route(&self) -> Option<&RouteMatch> {
        match &self.object {
            Object::Route(route) => Some(route),
            _ => None,
        }
    }

    /// What it asks of clusters.
    pub fn cluster(&self) -> Option<&ClusterMatch> {
        match &self.object {
            Object::Cluster(cluster) => Some(cluster),
            _ => None,
        }
    }
}

type ProxyMatch = (Option<VersionMatch>, BTreeMap<String, String>);

fn proxy_match(node: &Node, path: &str, report: &mut Report) -> Option<ProxyMatch> {
    let mut form = Form::open(node, path, &["proxyVersion", "metadata"], report)?;
    let metadata = form.texts("metadata").unwrap_or_default();
    let Some(text) = form.text("proxyVersion").map(str::to_owned) else { return Some((None, metadata)) };
    let span = form.node("proxyVersion").map(|node| node.span.clone()).unwrap_or_default();
    let regex =
        if text.len() > VERSION_LIMIT { None } else { Some(RegexBuilder::new(&text).size_limit(REGEX_LIMIT).build()) };
    if let Some(Err(why)) = &regex {
        let why = why.to_string();
        let reason = why.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
        let at = form.at("proxyVersion");
        form.report.error("version-refused", &at, &span, reason, "a regular expression of RE2");
        return None;
    }
    let regex = regex.and_then(Result::ok);
    Some((Some(VersionMatch { text, span, regex }), metadata))
}

fn listener(node: &Node, path: &str, report: &mut Report) -> Option<ListenerMatch> {
    let known = ["portNumber", "portName", "filterChain", "listenerFilter", "name"];
    let mut form = Form::open(node, path, &known, report)?;
    let chain = match form.node("filterChain") {
        Some(node) => Some(filter_chain(node, &form.at("filterChain"), form.report)?),
        None => None,
    };
    Some(ListenerMatch {
        name: form.text("name").map(str::to_owned),
        port: form.number("portNumber").filter(|&port| port != 0),
        listener_filter: form.text("listenerFilter").map(str::to_owned),
        chain,
        span: node.span.clone(),
    })
}

fn filter_chain(node: &Node, path: &str, report: &mut Report) -> Option<FilterChainMatch> {
    let known = ["name", "sni", "transportProtocol", "applicationProtocols", "filter", "destinationPort"];
    let mut form = Form::open(node, path, &known, report)?;
    let owned = |text: Option<&str>| text.map(str::to_owned);
    let mut chain = FilterChainMatch {
        name: owned(form.text("name")),
        sni: owned(form.text("sni")),
        transport_protocol: owned(form.text("transportProtocol")),
        application_protocols: owned(form.text("applicationProtocols")),
        destination_port: form.number("destinationPort").filter(|&port| port != 0),
        span: node.span.clone(),
        ..FilterChainMatch::default()
    };
    let Some(filter) = form.node("filter") else { return Some(chain) };
    chain.span = filter.span.clone();
    let filter_path = form.at("filter");
    let mut filter_form = Form::open(filter, &filter_path, &["name", "subFilter"], form.report)?;
    chain.filter = Some(filter_form.text("name").unwrap_or_default().to_owned());
    let Some(sub_filter) = filter_form.node("subFilter") else { return Some(chain) };
    chain.span = sub_filter.span.clone();
    let sub_path = filter_form.at("subFilter");
    let mut sub_form = Form::open(sub_filter, &sub_path, &["name"], filter_form.report)?;
    chain.sub_filter = Some(sub_form.text("name").unwrap_or_default().to_owned());
    Some(chain)
}

fn route(node: &Node, path: &str, report: &mut Report) -> Option<RouteMatch> {
    let mut form = Form::open(node, path, &["portNumber", "portName", "gateway", "vhost", "name"], report)?;
    let vhost = match form.node("vhost") {
        Some(node) => Some(virtual_host(node, &form.at("vhost"), form.report)?),
        None => None,
    };
    Some(RouteMatch {
        name: form.text("name").map(str::to_owned),
        port: form.number("portNumber").filter(|&port| port != 0),
        port_name: form.text("portName").map(str::to_owned),
        gateway: form.text("gateway").map(str::to_owned),
        vhost,
        span: node.span.clone(),
    })
}

fn virtual_host(node: &Node, path: &str, report: &mut Report) -> Option<VhostMatch> {
    let mut form = Form::open(node, path, &["name", "domainName", "route"], report)?;
    let (name, domain) = (form.text("name").map(str::to_owned), form.text("domainName").map(str::to_owned));
    let Some(route) = form.node("route") else { return Some(VhostMatch { name, domain, route: None }) };
    let mut form = Form::open(route, &form.at("route"), &["name", "action"], form.report)?;
    let actions = [
        ("ANY", Action::Any),
        ("ROUTE", Action::Route),
        ("REDIRECT", Action::Redirect),
        ("DIRECT_RESPONSE", Action::DirectResponse),
    ];
    let action = form.one_of("action", &actions).map_or(Action::Any, |(action, _)| action);
    Some(VhostMatch { name, domain, route: Some((form.text("name").map(str::to_owned), action)) })
}

fn cluster(node: &Node, path: &str, report: &mut Report) -> Option<ClusterMatch> {
    let mut form = Form::open(node, path, &["portNumber", "service", "subset", "name"], report)?;
    Some(ClusterMatch {
        name: form.text("name").map(str::to_owned),
        port: form.number("portNumber").filter(|&port| port != 0),
        service: form.text("service").map(str::to_owned),
        subset: form.text("subset").map(str::to_owned),
        span: node.span.clone(),
    })
}
