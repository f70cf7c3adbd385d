//! Every decision case of testdata, through Envoy: the same answers as natively and in a browser's engine.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use graylane_integration::{Access, Answer, Control, Mesh, Request, Running, from_hex, root};
use serde::Deserialize;

/// The headers the shipped configuration lets rules set: none of them may reach an upstream but as decided.
const OWNED: [&str; 5] =
    ["x-gray-variant", "x-feature-flags", "x-gray-experiment", "x-gray-evaluated-at", "x-gray-switches"];

/// What stands in a case for the time of a decision.
const TIME: &str = "<time>";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Suite {
    documents: Vec<serde_json::Value>,
    cases: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    name: String,
    request: Asked,
    expect: Option<Expected>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Asked {
    #[serde(default = "get")]
    method: String,
    #[serde(default = "slash")]
    path: String,
    #[serde(default = "shop")]
    host: String,
    #[serde(default)]
    headers: Vec<(String, String)>,
    #[serde(default)]
    headers_hex: Vec<(String, String)>,
    // Another client, Envoy or time than there is here: such a case is decided natively alone.
    source: Option<String>,
    labels: Option<BTreeMap<String, String>>,
    unix_millis: Option<i64>,
    // Envoy draws its own: such a case earns the same whatever is drawn, but for the value of the cookie.
    minted: Option<String>,
    peer: Option<String>,
    direction: Option<String>,
}

impl Asked {
    fn is_from_here(&self) -> bool {
        let sender = self.source.is_none() && self.peer.is_none() && self.direction.is_none();
        sender && self.labels.is_none() && self.unix_millis.is_none()
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct Expected {
    rule_set: String,
    rule: Option<String>,
    variant: String,
    reason: String,
    // Not to be seen from outside; the native runner compares it.
    #[serde(rename = "slot")]
    _slot: Option<u32>,
    experiment: Option<String>,
    #[serde(default)]
    set: BTreeMap<String, String>,
    #[serde(default)]
    cookies: Vec<String>,
}

fn get() -> String {
    "GET".to_owned()
}

fn slash() -> String {
    "/".to_owned()
}

fn shop() -> String {
    "shop.example.com".to_owned()
}

#[test]
fn every_case_is_decided_in_envoy_as_it_says() {
    let files = files();
    let labels = [("env", "staging"), ("region", "us"), ("app.kubernetes.io/name", "edge")];
    let mut mesh = Mesh::new("cases").labels(&labels).start();
    let mut wrong = Vec::new();
    let (mut count, mut elsewhere) = (0, 0);
    for file in &files {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let text = std::fs::read_to_string(file).unwrap();
        let suite: Suite = serde_saphyr::from_str(&text).unwrap_or_else(|why| panic!("{name}: {why}"));
        assert!(!suite.cases.is_empty(), "{name}: found no cases");
        let documents: Vec<_> = suite.documents.iter().map(serde_json::Value::to_string).collect();
        let revision = mesh.publish(&documents);
        for case in &suite.cases {
            if !case.request.is_from_here() {
                elsewhere += 1;
                continue;
            }
            count += 1;
            wrong.extend(check(&mesh, case, &revision).map(|why| format!("{name}: {}: {why}", case.name)));
        }
    }
    assert!(wrong.is_empty(), "of {count} cases {} are decided otherwise:\n{}", wrong.len(), wrong.join("\n"));
    println!("{count} cases in {} files; {elsewhere} more are of other places or times", files.len());
}

/// The files of cases, sorted; anything else in their directory is an orphan and stops the run.
fn files() -> Vec<PathBuf> {
    let directory = root().join("testdata/cases");
    let entries = std::fs::read_dir(&directory).unwrap_or_else(|why| panic!("{}: {why}", directory.display()));
    let mut files: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "found no cases in {}", directory.display());
    for file in &files {
        assert!(file.extension().is_some_and(|kind| kind == "yaml"), "found {}, expected *.yaml", file.display());
    }
    files
}

/// What is wrong with Envoy's answer to `case`, if anything.
fn check(mesh: &Running<Control>, case: &Case, revision: &str) -> Option<String> {
    let answer = mesh.send(&request(&case.request));
    if answer.status != 200 {
        return Some(format!("found status {} {}", answer.status, String::from_utf8_lossy(&answer.body)));
    }
    let (headers, mut line) = (owned(&answer), mesh.access(&answer));
    // When an experiment was decided is told, and it is a time.
    let told = line.evaluated_at.take();
    if told.is_some() != line.experiment.is_some() || told.as_deref().is_some_and(|told| plain(told) != TIME) {
        return Some(format!("found the time {told:?} of the experiment {:?}", line.experiment));
    }
    let expected = case.expect.as_ref().map_or_else(|| nothing(revision), |expected| expected.seen(revision));
    let cookies = case.expect.as_ref().map(|expected| shown(&expected.cookies, &case.request)).unwrap_or_default();
    let found = shown(&answer.all("set-cookie"), &case.request);
    if found != cookies {
        return Some(format!("\n   found the cookies {found:?}\nexpected {cookies:?}"));
    }
    let found = (headers, Access { request_id: None, status: 0, flags: None, upstream_cluster: None, ..line });
    (found != expected).then(|| format!("\n   found {found:?}\nexpected {expected:?}"))
}

/// Cookies as far as they can be compared: of those that are random, the names and what follows the value.
fn shown(cookies: &[String], asked: &Asked) -> Vec<String> {
    let without_value = |cookie: &String| {
        let (pair, rest) = cookie.split_once(';').unwrap_or((cookie, ""));
        format!("{};{rest}", pair.split('=').next().unwrap_or_default())
    };
    cookies.iter().map(|cookie| if asked.minted.is_some() { without_value(cookie) } else { cookie.clone() }).collect()
}

fn request(asked: &Asked) -> Request {
    let request = Request::new(&asked.method, &asked.path).host(&asked.host);
    let request = asked.headers.iter().fold(request, |request, (name, value)| request.header(name, value));
    asked.headers_hex.iter().fold(request, |request, (name, hex)| {
        request.header(name, from_hex(hex).unwrap_or_else(|| panic!("found {hex:?}, expected hexadecimal digits")))
    })
}

/// The owned headers that the upstream saw.
fn owned(answer: &Answer) -> BTreeSet<(String, String)> {
    let seen = answer.seen();
    let owned = OWNED.iter().flat_map(|name| seen.header(name).into_iter().map(move |value| (name, value)));
    owned.map(|(name, value)| ((*name).to_owned(), plain(&String::from_utf8_lossy(value)).to_owned())).collect()
}

/// What a case calls `value`: a time is any time, to the millisecond.
fn plain(value: &str) -> &str {
    let shape = |(byte, shape): (u8, u8)| if shape == b'0' { byte.is_ascii_digit() } else { byte == shape };
    let is_time = value.len() == 24 && value.bytes().zip(*b"0000-00-00T00:00:00.000Z").all(shape);
    if is_time { TIME } else { value }
}

impl Expected {
    fn seen(&self, revision: &str) -> (BTreeSet<(String, String)>, Access) {
        let headers = self.set.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
        let line = Access {
            variant: Some(self.variant.clone()),
            rule: Some(format!("{}/{}", self.rule_set, self.rule.as_deref().unwrap_or("_default"))),
            reason: Some(self.reason.clone()),
            revision: Some(revision.to_owned()),
            experiment: self.experiment.clone(),
            ..Access::default()
        };
        (headers, line)
    }
}

fn nothing(revision: &str) -> (BTreeSet<(String, String)>, Access) {
    let reason = Some("OUT_OF_SCOPE".to_owned());
    (BTreeSet::new(), Access { reason, revision: Some(revision.to_owned()), ..Access::default() })
}
