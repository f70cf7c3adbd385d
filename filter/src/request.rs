//! The request path: strip, decide, apply, continue. Nothing here waits, and nothing a client sends is logged.

use std::cell::OnceCell;

use graylane_rules::{Attributes as _, Decision, owned::SWITCHES, switches::join, timestamp};

#[cfg(feature = "hooks")]
use crate::hooks;
use crate::{
    cookies::Cookies,
    headers::Request,
    host::{self, Map},
    loaded::Loaded,
    metrics::Metrics,
    owned::Owned,
    pairs::Pairs,
    readiness::Readiness,
    switches::Switches,
};

const OUT_OF_SCOPE: &str = "reason=.=out_of_scope;.;graylane_requests_undecided_total";
const NO_RULES: &str = "reason=.=no_rules;.;graylane_requests_undecided_total";

/// What becomes of a request, in the host's numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum Action {
    /// It goes on.
    Continue = 0,
    /// It was answered here and goes no further.
    Stop = 1,
}

/// What decides, and what this Envoy makes of it.
#[derive(Clone, Copy, Debug)]
pub struct Rules<'a> {
    /// The rules.
    pub loaded: &'a Loaded,
    /// Their switches.
    pub switches: &'a Switches,
}

/// Decides the request that the host is asking about, or answers it where it asks for `readiness`.
///
/// Owned headers and their twins are removed whatever else happens; then the first rule that matches sets its own.
/// The ABI 0.2.1 has Envoy choose the route anew when a header was changed. A later ABI does not, and will need the
/// foreign function `clear_route_cache` here; today that would only cost a request about another microsecond.
pub fn handle(owned: &Owned, readiness: Option<&Readiness>, rules: Option<Rules<'_>>, metrics: &mut Metrics) -> Action {
    let loaded = rules.map(|rules| rules.loaded);
    let buffer = host::header_pairs(Map::Request).ok();
    let action = match buffer.as_deref().and_then(|buffer| Request::read(buffer, owned)) {
        Some(request) => {
            let request = request.at(loaded.map(|loaded| &loaded.labels));
            answer(&request, readiness, rules, metrics)
        }
        None => {
            strip_unseen(Map::Request, owned);
            Action::Continue
        }
    };
    // The next request's headers go into the same memory.
    buffer.into_iter().for_each(host::give_back);
    action
}

fn answer(
    request: &Request<'_>,
    readiness: Option<&Readiness>,
    rules: Option<Rules<'_>>,
    metrics: &mut Metrics,
) -> Action {
    let loaded = rules.map(|rules| rules.loaded);
    #[cfg(feature = "hooks")]
    hooks::obey_request(request);
    if readiness.is_some_and(|readiness| readiness.answers(request, loaded)) {
        return Action::Stop;
    }
    for name in request.spoofed() {
        let _ = host::remove_header(Map::Request, name);
    }
    match rules {
        Some(rules) => decide(request, rules, metrics),
        None => undecided(None, metrics),
    }
    Action::Continue
}

fn decide(request: &Request<'_>, rules: Rules<'_>, metrics: &mut Metrics) {
    let (loaded, mut switches) = (rules.loaded, None);
    let (mut first, mut further) = (None, Vec::new());
    let now = OnceCell::new();
    let mut cookies = Cookies::default();
    for decision in loaded.snapshot.decide(request) {
        decision.set().for_each(|(name, value)| _ = host::replace_header(name, value));
        // Only an experiment wants to know the time.
        let evaluated_at = decision.experiment().map(|_| now.get_or_init(|| time(request)).as_slice());
        if let Some((name, now)) = decision.evaluated_at_header().zip(evaluated_at) {
            let _ = host::replace_header(name, now);
        }
        cookies.join(&decision, request);
        if let Some(text) = rules.switches.text(&decision) {
            join(&mut switches, text);
        }
        metrics.count_decision(&loaded.series, &decision);
        match first {
            None => first = Some(decision),
            Some(_) => further.push(decision),
        }
    }
    cookies.tell();
    if let Some(switches) = switches {
        let _ = host::replace_header(SWITCHES.as_bytes(), &switches);
    }
    match first {
        Some(first) => tell_decisions(&first, &further, loaded, now.get()),
        None => undecided(Some(loaded), metrics),
    }
}

/// The time, as headers and logs carry it.
#[inline(never)]
fn time(request: &Request<'_>) -> [u8; timestamp::LENGTH] {
    timestamp::rfc3339(request.now().unwrap_or(i64::MAX))
}

/// Removes owned headers where the map could not be read; what cannot be seen must still not get through.
#[cold]
fn strip_unseen(map: Map, owned: &Owned) {
    for name in owned.names_and_twins() {
        let _ = host::remove_header(map, name.as_bytes());
    }
}

/// Removes what any of `owned` covers from a request's headers, or from its trailers: an upstream may read them as headers.
pub fn strip(map: Map, owned: &[&Owned]) {
    let buffer = host::header_pairs(map).ok();
    let mut pairs = buffer.as_deref().and_then(Pairs::new);
    let names = pairs.iter_mut().flatten().map(|(name, _)| name);
    for name in names.filter(|name| owned.iter().any(|owned| owned.covers(name))) {
        let _ = host::remove_header(map, name);
    }
    if !pairs.is_some_and(|pairs| pairs.is_exhausted()) {
        owned.iter().for_each(|owned| strip_unseen(map, owned));
    }
}

#[inline(never)]
fn undecided(loaded: Option<&Loaded>, metrics: &mut Metrics) {
    let (reason, counter) = if loaded.is_some() { ("OUT_OF_SCOPE", OUT_OF_SCOPE) } else { ("NO_RULES", NO_RULES) };
    tell("graylane_reason", reason.as_bytes());
    if let Some(loaded) = loaded {
        tell("graylane_revision", loaded.label.as_bytes());
    }
    metrics.count(counter);
}

/// Tells access logs of the decisions; what they say of several variant headers is joined by commas.
fn tell_decisions(
    first: &Decision<'_>,
    further: &[Decision<'_>],
    loaded: &Loaded,
    evaluated_at: Option<&[u8; timestamp::LENGTH]>,
) {
    if further.is_empty() {
        tell("graylane_variant", first.variant());
        tell("graylane_rule", first.rule_path());
        tell("graylane_reason", first.reason.name().as_bytes());
    } else {
        tell_joined("graylane_variant", first, further, |decision| Some(decision.variant()));
        tell_joined("graylane_rule", first, further, |decision| Some(decision.rule_path()));
        tell_joined("graylane_reason", first, further, |decision| Some(decision.reason.name().as_bytes()));
    }
    tell("graylane_revision", loaded.label.as_bytes());
    if let Some(evaluated_at) = evaluated_at {
        tell_joined("graylane_experiment", first, further, |decision| decision.experiment());
        tell("graylane_evaluated_at", evaluated_at);
    }
}

#[inline(never)]
fn tell_joined<'s>(
    key: &str,
    first: &Decision<'s>,
    further: &[Decision<'s>],
    what: impl Fn(&Decision<'s>) -> Option<&'s [u8]>,
) {
    let texts: Vec<_> = std::iter::once(first).chain(further).filter_map(what).collect();
    tell(key, &texts.join(&b","[..]));
}

fn tell(key: &str, value: &[u8]) {
    let _ = host::set_filter_state(key, value);
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Format, Revision, Snapshot, Source};

    use super::*;
    use crate::host::fake::host;

    /// Sends a request for `path` through a filter that has no rules and `readiness`; what became of it, and whether the
    /// header that a client made up went on with it.
    fn send(path: &str, readiness: Option<&Readiness>) -> (Action, bool) {
        let header = |name: &str, value: &str| (name.into(), value.into());
        let headers = vec![header(":method", "GET"), header(":path", path), header("x-gray-variant", "canary")];
        host(|host| host.request = Some(headers));
        let action = handle(&Owned::new(vec!["x-gray-variant".to_owned()]), readiness, None, &mut Metrics::default());
        (action, host(|host| !host.request_header("x-gray-variant").is_empty()))
    }

    #[test]
    fn only_the_readiness_path_stops_and_what_stops_is_not_counted() {
        let readiness = Readiness::new("/ready".to_owned());
        assert_eq!(send("/ready", Some(&readiness)).0, Action::Stop);
        assert_eq!(host(|host| (host.answers.len(), host.metrics.len(), host.state.len())), (1, 0, 0));
        assert_eq!(send("/", Some(&readiness)), (Action::Continue, false));
        assert_eq!(send("/ready", None), (Action::Continue, false));
        assert_eq!(host(|host| (host.answers.len(), host.metric(NO_RULES))), (1, 2));
    }

    #[test]
    fn a_readiness_path_the_host_does_not_answer_is_a_request() {
        host(|host| host.answer_fails = Some(host::Status::BadArgument));
        assert_eq!(send("/ready", Some(&Readiness::new("/ready".to_owned()))), (Action::Continue, false));
        assert_eq!(host(|host| host.metric(NO_RULES)), 1);
    }

    const PEER: &str = "connection\0uri_san_peer_certificate";
    const DIRECTION: &str = "xds\0listener_direction";
    const NODE: &str = "xds\0node\0id";

    /// Sends a request with these lines of `x-gray-variant` and its twin to a rule set with `inherit`, where the host knows
    /// `properties`; the variant and the reason, and for which properties the host was asked.
    fn inherit(inherit: &str, carried: &[(&str, &str)], properties: &[(&str, &[u8])]) -> (String, String, Vec<String>) {
        let text = format!(
            r#"{{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {{"name": "shop"}}, "spec": {{
            "inherit": {inherit}, "variants": ["stable", "canary"], "default": "stable"}}}}"#
        );
        let compiled = graylane_rules::compile(&[Source { format: Format::Json, text: text.as_bytes() }]).unwrap();
        let snapshot = Snapshot::load(compiled.snapshot).unwrap();
        let loaded = Loaded::fetched(snapshot, Revision { epoch: 1, number: 1 });
        let headers = [(":method", "GET"), (":path", "/")].iter().chain(carried);
        let headers = headers.map(|(name, value)| (name.as_bytes().to_vec(), value.as_bytes().to_vec())).collect();
        host(|host| {
            host.request = Some(headers);
            host.properties = properties.iter().map(|(path, value)| ((*path).to_owned(), value.to_vec())).collect();
            host.properties_asked.clear();
        });
        let owned = Owned::new(vec!["x-gray-variant".to_owned()]);
        let rules = Rules { loaded: &loaded, switches: &Switches::default() };
        handle(&owned, None, Some(rules), &mut Metrics::default());
        host(|host| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
            let sent: Vec<_> = host.request_header("x-gray-variant").into_iter().map(text).collect();
            assert!(host.request_header("x_gray_variant").is_empty() && sent.len() == 1, "{sent:?}");
            (sent.concat(), text(&host.state["graylane_reason"]), host.properties_asked.clone())
        })
    }

    #[test]
    fn a_variant_is_kept_of_whoever_is_trusted() {
        let canary = ("x-gray-variant", "canary");
        let peers = r#"{"peers": ["spiffe://td/ns/a"]}"#;
        let kept = |carried: &[(&str, &str)], peer: &str| inherit(peers, carried, &[(PEER, peer.as_bytes())]);
        let outcome = |variant: &str, reason: &str, asked: &[&str]| {
            (variant.to_owned(), reason.to_owned(), asked.iter().map(|&path| path.to_owned()).collect::<Vec<_>>())
        };
        assert_eq!(kept(&[canary], "spiffe://td/ns/a/sa/x"), outcome("canary", "INHERITED", &[PEER]));
        assert_eq!(kept(&[canary], "spiffe://td/ns/ab"), outcome("stable", "DEFAULT", &[PEER]));
        assert_eq!(inherit(peers, &[canary], &[]), outcome("stable", "DEFAULT", &[PEER]));
        let twin = ("x_gray_variant", "canary");
        for carried in
            [&[][..], &[twin], &[canary, canary], &[("x-gray-variant", "canary,stable")], &[("x-gray-variant", "")]]
        {
            let found = kept(carried, "spiffe://td/ns/a");
            assert_eq!(found, outcome("stable", "DEFAULT", &[]), "{carried:?}: and nobody asks who it was");
        }
        assert_eq!(kept(&[canary, twin], "spiffe://td/ns/a"), outcome("canary", "INHERITED", &[PEER]));
        let label = "rule=.=shop/_inherited;.;variant=.=canary;.;graylane_requests_total";
        assert_eq!(host(|host| host.metric(label)), 2);
    }

    #[test]
    fn the_application_is_known_by_the_direction_of_the_listener() {
        let direction = |number: u64| number.to_le_bytes();
        let sent = |number: u64, node: &str| {
            let properties: [(&str, &[u8]); 2] = [(DIRECTION, &direction(number)), (NODE, node.as_bytes())];
            inherit(r#"{"outbound": true}"#, &[("x-gray-variant", "canary")], &properties).1
        };
        for node in ["edge-1", "", "sidecar~10.0.0.1~a-1.shop~shop.svc.cluster.local"] {
            assert_eq!([0, 1, 2].map(|number| sent(number, node)), ["DEFAULT", "DEFAULT", "INHERITED"], "{node}");
        }
        // Istio calls the listeners of its gateways outbound, and anybody reaches them.
        for node in
            ["router~10.0.0.1~gw-1.istio-ingress~istio-ingress.svc.cluster.local", "waypoint~10.0.0.1~w.x~x", "~"]
        {
            assert_eq!(sent(2, node), "DEFAULT", "{node}");
        }
        let unknown = inherit(r#"{"outbound": true}"#, &[("x-gray-variant", "canary")], &[(DIRECTION, b"outbound")]);
        assert_eq!(unknown.1, "DEFAULT");
        assert!(inherit(r#"{"outbound": true}"#, &[], &[]).2.is_empty());
    }

    #[cfg(feature = "hooks")]
    #[test]
    #[should_panic(expected = "ended by a test")]
    fn the_header_of_a_test_is_obeyed() {
        host(|host| host.request = Some(vec![("x-graylane-test".into(), "trap".into())]));
        handle(&Owned::new(Vec::new()), None, None, &mut Metrics::default());
    }

    #[cfg(not(feature = "hooks"))]
    #[test]
    fn what_is_shipped_obeys_no_header() {
        host(|host| host.request = Some(vec![("x-graylane-test".into(), "trap".into())]));
        let action = handle(&Owned::new(Vec::new()), None, None, &mut Metrics::default());
        assert_eq!(action, Action::Continue);
    }
}
