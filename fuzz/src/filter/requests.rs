//! Requests and their trailers: what may go upstream.

use graylane::fuzzing::{Action, host};
use graylane_rules::{Decision, Snapshot, owned::SWITCHES, timestamp};

use super::envoy::Envoy;
use crate::request::Written;

/// Who sent the requests of this host, and by which kind of listener: an outbound one.
pub(super) const PEER: &str = "connection\0uri_san_peer_certificate";
pub(super) const DIRECTION: &str = "xds\0listener_direction";

type Headers = Vec<(Vec<u8>, Vec<u8>)>;

/// Sends a request through a root, and checks what goes upstream.
pub(super) fn request(envoy: &mut Envoy, vm: usize, root: u32, text: &[u8]) {
    let before = headers(text);
    host(|host| {
        host.request = Some(before.clone());
        host.state.clear();
        host.answers.clear();
    });
    let certain = envoy.vms[vm].vm.can_tell(root);
    let action = envoy.enter(vm, root, |vm| vm.request(root));
    let (after, answers) = host(|host| (host.request.take().unwrap_or_default(), std::mem::take(&mut host.answers)));
    let slot = &envoy.vms[vm];
    if !certain {
        // Nobody can say then which of several filters decided: of a root that is none, or where the host refuses to tell.
        return;
    }
    let fetched = slot.vm.rules(root).is_some_and(|rules| rules.revision.is_some());
    if action == Action::Stop {
        let status = if fetched { 200 } else { 503 };
        assert!(matches!(&answers[..], [answer] if answer.status == status), "{answers:?}");
        return;
    }
    assert!(answers.is_empty(), "answered, and went on: {answers:?}");
    let readable = host(|host| !host.refusals.contains_key("header_pairs"));
    let expected = if readable { expected(envoy, vm, root, &before) } else { Headers::new() };
    let owned = |name: &[u8]| if readable { owns(envoy, vm, root, name) } else { owns_plainly(envoy, vm, root, name) };
    let (mut ours, others): (Headers, Headers) = after.into_iter().partition(|(name, _)| owned(name));
    let sent: Headers = before.into_iter().filter(|(name, _)| !owned(name)).collect();
    assert_eq!(others, sent, "headers of others changed");
    ours.sort();
    assert_eq!(ours, expected, "owned headers that were not decided, or decided ones that are not there");
    check_told(envoy, vm, root);
}

/// The owned headers that go upstream, as an independent reading of the same rules has them.
fn expected(envoy: &Envoy, vm: usize, root: u32, sent: &Headers) -> Headers {
    let Some(rules) = envoy.vms[vm].vm.rules(root) else { return Vec::new() };
    let snapshot = Snapshot::load(rules.bytes.to_vec()).expect("what is in use");
    let first = |wanted: &[u8]| sent.iter().rev().find(|(name, _)| name == wanted).map(|(_, value)| value.clone());
    let mut request = Written::of(first(b":method"), first(b":path"), first(b":authority"));
    for (name, value) in sent {
        let carried = [b":carried:", &name[..]].concat();
        request.add(if owns(envoy, vm, root, name) { &carried } else { name }, value);
    }
    host(|host| {
        request.add(b":now", host.unix_time.saturating_mul(1_000).to_string().as_bytes());
        let told = [("source\0address", &b":source"[..]), (PEER, b":peer"), (DIRECTION, b":outbound")];
        for (property, name) in told.iter().filter(|_| !host.refusals.contains_key("property")) {
            host.properties.get(*property).into_iter().for_each(|value| request.add(name, value));
        }
    });
    let mut set = Headers::new();
    let now = timestamp::rfc3339(host(|host| i64::try_from(host.unix_time).unwrap_or(i64::MAX).saturating_mul(1_000)));
    let evaluated_at =
        |decision: &Decision<'_>| decision.evaluated_at_header().map(|header| (header.to_vec(), now.to_vec()));
    for decision in snapshot.decide(&request) {
        let own = decision.set().map(|(name, value)| (name.to_vec(), value.to_vec()));
        for (name, value) in own.chain(evaluated_at(&decision)) {
            set.retain(|(known, _)| *known != name);
            set.push((name, value));
        }
    }
    let switches = snapshot.decide(&request).filter_map(|decision| decision.switches()).collect::<Vec<_>>();
    if !switches.is_empty() {
        set.push((SWITCHES.as_bytes().to_vec(), switches.join(&b", "[..])));
    }
    set.sort();
    set
}

fn owns(envoy: &Envoy, vm: usize, root: u32, name: &[u8]) -> bool {
    envoy.vms[vm].vm.owns(root, name)
}

/// Where the map cannot be read, only a name itself and its twin without any `-` can be removed.
fn owns_plainly(envoy: &Envoy, vm: usize, root: u32, name: &[u8]) -> bool {
    owns(envoy, vm, root, name) && !is_mixed(name)
}

fn is_mixed(name: &[u8]) -> bool {
    name.contains(&b'-') && name.contains(&b'_')
}

fn check_told(envoy: &Envoy, vm: usize, root: u32) {
    let told = host(|host| (!host.refusals.contains_key("set_filter_state")).then(|| host.state.clone()));
    let readable = host(|host| !host.refusals.contains_key("header_pairs"));
    let (Some(told), true) = (told, readable) else { return };
    let revision = told.get("graylane_revision").map(|revision| String::from_utf8_lossy(revision).into_owned());
    let rules = envoy.vms[vm].vm.rules(root);
    let label = rules.map(|rules| rules.revision.map_or("embedded".to_owned(), |revision| revision.to_string()));
    assert_eq!(revision, label, "access logs are told another revision than the one in use");
    assert!(told.contains_key("graylane_reason"), "{told:?}");
}

/// Sends trailers through a VM, and checks what goes upstream.
pub(super) fn trailers(envoy: &mut Envoy, vm: usize, text: &[u8]) {
    let before: Headers = headers(text).into_iter().filter(|(name, _)| !name.starts_with(b":")).collect();
    host(|host| host.trailers = before.clone());
    envoy.enter(vm, 0, |vm| vm.trailers());
    let after = host(|host| std::mem::take(&mut host.trailers));
    let readable = host(|host| !host.refusals.contains_key("header_pairs"));
    let slot = &envoy.vms[vm];
    let filters: Vec<u32> = slot.live_roots().filter(|root| !slot.roots[root].fetcher).collect();
    for (name, value) in &after {
        let owned = filters.iter().any(|&root| slot.vm.owns(root, name));
        // As with headers: what cannot be seen is stripped by its name and its plain twin.
        assert!(
            !owned || (is_mixed(name) && !readable),
            "{}: {} goes upstream",
            name.escape_ascii(),
            value.escape_ascii()
        );
    }
    assert!(after.iter().all(|header| before.contains(header)), "trailers that nobody sent: {after:?}");
}

/// `METHOD PATH HOST|name: value|…`, as Envoy shows it: names in lower case.
fn headers(text: &[u8]) -> Headers {
    let mut lines = text.split(|&byte| byte == b'|');
    let mut first = lines.next().unwrap_or_default().splitn(3, |&byte| byte == b' ');
    let pseudo = [&b":method"[..], b":path", b":authority"];
    let mut headers: Headers = pseudo.iter().filter_map(|name| Some((name.to_vec(), first.next()?.to_vec()))).collect();
    for line in lines.filter(|line| !line.is_empty()).take(60) {
        let at = line.iter().position(|&byte| byte == b':').unwrap_or(line.len());
        let value = line.get(at + 1..).unwrap_or_default();
        headers.push((line[..at].to_ascii_lowercase(), value.strip_prefix(b" ").unwrap_or(value).to_vec()));
    }
    headers
}
