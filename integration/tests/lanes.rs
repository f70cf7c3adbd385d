//! A lane that is given at the edge is kept over every hop of mTLS, and nobody forges one: 10,000 requests of mixed kinds through
//! the Envoys of envoy/lanes, each with what must come of it worked out before.

#[path = "lanes/app.rs"]
mod app;
#[path = "lanes/chain.rs"]
mod chain;
#[path = "lanes/client.rs"]
mod client;
#[path = "lanes/kinds.rs"]
mod kinds;

use std::{collections::BTreeMap, sync::Arc};

use graylane_integration::{Envoy, Seen};

use tokio::runtime::Runtime;

use app::Met;
use chain::{Chain, listener};
use client::{Connection, Route, Tls};
use graylane_integration::certificates::Identity;
use kinds::{Case, Entry, Fate, Step, Who, cases, name};

/// How many requests are under way at once.
const AT_ONCE: usize = 8;

#[test]
fn no_lane_is_lost_and_none_is_forged_in_ten_thousand_requests() {
    let runtime = Runtime::new().expect("a runtime");
    let chain = Chain::start(&runtime);
    let cases = Arc::new(cases());
    assert_eq!(cases.len(), 10_000);
    let routes = Arc::new(routes(&chain, &cases));
    let senders = (0..AT_ONCE).map(|place| runtime.spawn(send(cases.clone(), routes.clone(), place)));
    let mut wrong: BTreeMap<usize, Vec<String>> = BTreeMap::new();
    for sender in senders.collect::<Vec<_>>() {
        for (kind, why) in runtime.block_on(sender).expect("requests are sent") {
            wrong.entry(kind).or_default().push(why);
        }
    }
    let table = table(&cases, &wrong);
    println!("{table}");
    let examples: Vec<_> = wrong.values().filter_map(|found| found.first()).map(String::as_str).collect();
    assert!(wrong.is_empty(), "{table}\nfor example:\n{}", examples.join("\n"));
    // By each rule, and so by each reason, went exactly as many as were to.
    for (envoy, which) in [(&chain.gateway, 0), (&chain.first, 1), (&chain.next, 2)] {
        assert_eq!(counted(envoy), expected(&cases, which), "counted by Envoy, and to be counted");
    }
}

/// Sends every eighth request, from `place` on; what went wrong, by kind.
async fn send(cases: Arc<Vec<Case>>, routes: Arc<Routes>, place: usize) -> Vec<(usize, String)> {
    let mut connections = BTreeMap::new();
    let mut wrong = Vec::new();
    for case in cases.iter().skip(place).step_by(AT_ONCE) {
        let key = (case.entry, case.http2);
        let answer = async {
            let mut connection = match connections.remove(&key) {
                Some(connection) => connection,
                None => Connection::open(&routes[&key]).await?,
            };
            let answer = connection.get(case.host, case.path, &case.headers).await?;
            connections.insert(key, connection);
            Ok::<_, std::io::Error>(answer)
        };
        if let Err(why) = check(case, answer.await) {
            wrong.push((case.kind, format!("{}: {why}, of {case:?}", name(case.kind))));
        }
    }
    wrong
}

fn check(case: &Case, answer: std::io::Result<(u16, bytes::Bytes)>) -> Result<(), String> {
    let Fate::Decided { first, next, .. } = &case.fate else {
        return answer.map_or(Ok(()), |(status, _)| Err(format!("answered with {status}")));
    };
    let (status, body) = answer.map_err(|why| format!("no answer: {why}"))?;
    let text = String::from_utf8_lossy(&body);
    if status != 200 {
        return Err(format!("answered with {status} {text}"));
    }
    let met: Met = match first {
        Some(_) => serde_json::from_str(&text).map_err(|why| format!("{why}: {text}"))?,
        None => Met { first: None, next: serde_json::from_str(&text).map_err(|why| format!("{why}: {text}"))? },
    };
    for (step, seen, service) in [(first.as_ref(), &met.first, "a"), (Some(next), &Some(met.next), "b")] {
        if let Some((step, seen)) = step.zip(seen.as_ref()) {
            in_lane(step, seen, service)?;
        }
    }
    Ok(())
}

/// Whether a service's version saw its own lane, once, and no twin of the header.
fn in_lane((_, lane): &Step, seen: &Seen, service: &str) -> Result<(), String> {
    let told = seen.header("x-gray-variant");
    let twins = seen.headers.iter().filter(|(name, _)| name.contains('_')).count();
    if seen.upstream == format!("{service}-{lane}") && told == [lane.as_bytes()] && twins == 0 {
        return Ok(());
    }
    let what = if *lane == "canary" { "lost" } else { "forged" };
    Err(format!("{what}: expected {service}-{lane}, found {} with {:?}", seen.upstream, seen.headers))
}

type Routes = BTreeMap<(Entry, bool), Route>;

/// How each request's connection is made.
fn routes(chain: &Chain, cases: &[Case]) -> Routes {
    let mut routes = Routes::new();
    for case in cases {
        routes.entry((case.entry, case.http2)).or_insert_with(|| {
            let (envoy, port, who, host) = match case.entry {
                Entry::Gateway => (&chain.gateway, "front", Who::Plain, ""),
                Entry::Outbound => (&chain.first, "outbound", Who::Plain, ""),
                Entry::First(who) => (&chain.first, "inbound", who, "a.shop.svc"),
                Entry::Next(who) => (&chain.next, "inbound", who, "b.shop.svc"),
            };
            let identity = match who {
                Who::Known(uri) => Some(chain.authority.identity(uri, "client")),
                Who::Pretended(uri) => Some(Identity::pretended(uri)),
                Who::Plain | Who::Nobody => None,
            };
            let tls = || Tls::new(chain.authority.pem(), identity.as_ref(), host, case.http2);
            let tls = (who != Who::Plain).then(tls);
            Route { address: listener(envoy, port), tls, http2: case.http2 }
        });
    }
    routes
}

/// How often an Envoy counted each rule and variant.
fn counted(envoy: &Envoy) -> BTreeMap<Step, u64> {
    let text = envoy.admin().text("/stats/prometheus").expect("the admin interface answers");
    let lines = text.lines().filter_map(|line| line.strip_prefix("graylane_requests_total{rule=\""));
    let read = |line: &str| {
        let (rule, rest) = line.split_once("\",variant=\"")?;
        let (variant, count) = rest.split_once("\"} ")?;
        let variant = if variant == "canary" { "canary" } else { "stable" };
        Some(((rule.to_owned(), variant), count.parse().ok()?))
    };
    lines.map(|line| read(line).unwrap_or_else(|| panic!("found {line}"))).collect()
}

/// How often it is to: the gateway is 0, the first service's sidecar 1, the next one's 2.
fn expected(cases: &[Case], which: usize) -> BTreeMap<Step, u64> {
    let mut counts = BTreeMap::new();
    for case in cases {
        let Fate::Decided { gateway, first, outbound, next } = &case.fate else { continue };
        let passed = [vec![gateway.as_ref()], vec![first.as_ref(), outbound.as_ref()], vec![Some(next)]];
        for step in passed[which].iter().flatten() {
            *counts.entry((*step).clone()).or_default() += 1;
        }
    }
    counts
}

fn table(cases: &[Case], wrong: &BTreeMap<usize, Vec<String>>) -> String {
    let mut lines = vec![format!("{:<50} {:>6} {:>6} {:>6}", "kind", "sent", "HTTP/2", "wrong")];
    for kind in 0..kinds::count() {
        let of_kind = || cases.iter().filter(|case| case.kind == kind);
        let (sent, http2) = (of_kind().count(), of_kind().filter(|case| case.http2).count());
        let wrong = wrong.get(&kind).map_or(0, Vec::len);
        lines.push(format!("{:<50} {sent:>6} {http2:>6} {wrong:>6}", name(kind)));
    }
    lines.join("\n")
}
