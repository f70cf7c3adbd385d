//! The kinds of requests, and what must come of each: worked out before any is sent.

use graylane_integration::root;
use graylane_rules::{Attributes, Format, Snapshot, Source, compile};

/// Where a request enters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Entry {
    /// At the gateway, as everybody from outside.
    Gateway,
    /// At the first service's sidecar, past the gateway.
    First(Who),
    /// At the second service's sidecar, past the first.
    Next(Who),
    /// At the outbound listener of the first service, as its application does.
    Outbound,
}

/// As whom somebody connects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// Without TLS.
    Plain,
    /// By TLS without a certificate.
    Nobody,
    /// As this SPIFFE ID, of the mesh's authority.
    Known(&'static str),
    /// As this SPIFFE ID, on his own authority.
    Pretended(&'static str),
}

/// A rule, by rule set and id, and the variant it gave.
pub type Step = (String, &'static str);

/// What comes of a request.
#[derive(Clone, Debug)]
pub enum Fate {
    /// Nobody answers.
    Refused,
    /// It is decided at each listener that it passes.
    Decided { gateway: Option<Step>, first: Option<Step>, outbound: Option<Step>, next: Step },
}

/// One request.
#[derive(Clone, Debug)]
pub struct Case {
    pub kind: usize,
    pub entry: Entry,
    pub http2: bool,
    pub host: &'static str,
    pub path: &'static str,
    pub headers: Vec<(String, String)>,
    pub fate: Fate,
}

/// A kind of request: what it is, how many there are, where they enter, for which service, with which headers.
struct Kind(&'static str, usize, Entry, &'static str, &'static [(&'static str, &'static str)], Given);

/// What the first listener that a request passes makes of it: the id of the rule, and the variant.
#[derive(Clone, Copy)]
enum Given {
    Lane(&'static str, &'static str),
    /// As the split says of the user.
    User,
    Nothing,
}

use Entry::{First, Gateway, Next, Outbound};
use Given::{Lane, Nothing, User};
use Who::{Known, Nobody, Plain, Pretended};

const EDGE: &str = "spiffe://cluster.local/ns/edge/sa/gateway";
const A: &str = "spiffe://cluster.local/ns/shop/sa/a";
const GRAY: (&str, &str) = ("x-env", "gray");
const CANARY: (&str, &str) = ("x-gray-variant", "canary");
const STABLE: (&str, &str) = ("x-gray-variant", "stable");
const TWIN: (&str, &str) = ("x_gray_variant", "canary");
const DEFAULT: Given = Lane("_default", "stable");
const KEPT: Given = Lane("_inherited", "canary");

#[rustfmt::skip]
const KINDS: &[Kind] = &[
    Kind("from outside, nothing said",                      900, Gateway, "/b", &[], DEFAULT),
    Kind("from outside, gray",                             2000, Gateway, "/b", &[GRAY], Lane("gray", "canary")),
    Kind("from outside, a user of the split",              2000, Gateway, "/b", &[], User),
    Kind("gray, to a service without a canary",             600, Gateway, "/c", &[GRAY], Lane("gray", "canary")),
    Kind("stable, to a service without a canary",           100, Gateway, "/c", &[], DEFAULT),
    Kind("gray, to a service without rules",                600, Gateway, "/d", &[GRAY], Lane("gray", "canary")),
    Kind("from outside, forged",                            500, Gateway, "/b", &[CANARY], DEFAULT),
    Kind("from outside, gray, forged stable",               300, Gateway, "/b", &[GRAY, STABLE], Lane("gray", "canary")),
    Kind("from outside, the twin forged",                   300, Gateway, "/b", &[TWIN], DEFAULT),
    Kind("from outside, forged twice and as a twin",        200, Gateway, "/b", &[CANARY, STABLE, TWIN], DEFAULT),
    Kind("from outside, forged, no variant",                100, Gateway, "/b", &[("x-gray-variant", "canary-b")], DEFAULT),
    Kind("as the gateway, canary",                          400, First(Known(EDGE)), "/b", &[CANARY], KEPT),
    Kind("as the gateway, canary, beside what rules ask",   100, First(Known(EDGE)), "/b", &[GRAY, STABLE], Lane("_inherited", "stable")),
    Kind("as the gateway, nothing, but what rules ask",     100, First(Known(EDGE)), "/b", &[GRAY], Lane("gray", "canary")),
    Kind("as the gateway, no variant",                      100, First(Known(EDGE)), "/b", &[("x-gray-variant", "canary-b")], DEFAULT),
    Kind("as the gateway, a list",                          100, First(Known(EDGE)), "/b", &[("x-gray-variant", "canary,stable")], DEFAULT),
    Kind("as the gateway, twice",                           100, First(Known(EDGE)), "/b", &[CANARY, CANARY], DEFAULT),
    Kind("as the gateway, the twin",                        100, First(Known(EDGE)), "/b", &[TWIN], DEFAULT),
    Kind("as somebody else of the mesh",                    300, First(Known("spiffe://cluster.local/ns/other/sa/x")), "/b", &[CANARY], DEFAULT),
    Kind("as a name that begins as the gateway's",          100, First(Known("spiffe://cluster.local/ns/edge/sa/gateway2")), "/b", &[CANARY], DEFAULT),
    Kind("as the second service, at the first",             100, First(Known("spiffe://cluster.local/ns/shop/sa/b")), "/b", &[CANARY], DEFAULT),
    Kind("pretending to be the gateway",                    100, First(Pretended(EDGE)), "/b", &[CANARY], Nothing),
    Kind("by TLS without a certificate",                    100, First(Nobody), "/b", &[CANARY], Nothing),
    Kind("in plain text, past the gateway",                 100, First(Plain), "/b", &[CANARY], Nothing),
    Kind("past the first service, as the gateway",          100, Next(Known(EDGE)), "/b", &[CANARY], DEFAULT),
    Kind("past the first service, as it",                   100, Next(Known(A)), "/b", &[CANARY], KEPT),
    Kind("past the first service, in plain text",           100, Next(Plain), "/b", &[CANARY], Nothing),
    Kind("of the application, without a lane",              100, Outbound, "/b", &[], DEFAULT),
    Kind("of the application, in a lane",                   100, Outbound, "/b", &[CANARY], KEPT),
    Kind("of the application, in a lane of nobody's",       100, Outbound, "/b", &[("x-gray-variant", "canary-b")], DEFAULT),
];

/// The name of a kind, by its number.
pub fn name(kind: usize) -> &'static str {
    KINDS[kind].0
}

/// How many kinds there are.
pub fn count() -> usize {
    KINDS.len()
}

/// All requests, of mixed kinds, half of them by HTTP/2.
pub fn cases() -> Vec<Case> {
    let users = Users::new();
    let mut cases = Vec::new();
    for (kind, &Kind(_, count, entry, path, headers, given)) in KINDS.iter().enumerate() {
        for number in 0..count {
            let mut headers: Vec<_> =
                headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
            let given = match given {
                Lane(rule, variant) => Some((rule, variant)),
                Nothing => None,
                User => {
                    let user = format!("user-{number}");
                    headers.push(("x-user-id".to_owned(), user.clone()));
                    Some(("users", users.variant(&user)))
                }
            };
            let host = if matches!(entry, Gateway | First(_)) { "shop.example.com" } else { "b.shop.svc" };
            let fate = given.map_or(Fate::Refused, |given| fate(entry, path, given));
            cases.push(Case { kind, entry, http2: number % 2 == 1, host, path, headers, fate });
        }
    }
    mixed(cases)
}

/// What comes of a request of which the first listener it passes makes this.
fn fate(entry: Entry, path: &str, (rule, variant): (&str, &'static str)) -> Fate {
    let of = |rule_set: &str| (format!("{rule_set}/{rule}"), variant);
    let inherited = || ("shop/_inherited".to_owned(), variant);
    let (gateway, first) = match entry {
        Gateway => (Some(of("shop")), Some(inherited())),
        First(_) => (None, Some(of("shop"))),
        Next(_) => return Fate::Decided { gateway: None, first: None, outbound: None, next: of("b") },
        Outbound => (None, None),
    };
    let outbound = if entry == Outbound { of("b") } else { passed_on(path, variant) };
    let next = passed_on(path, outbound.1);
    Fate::Decided { gateway, first, outbound: Some(outbound), next }
}

/// What a listener behind makes of a lane that comes from whom it trusts: `c` has no canary, `d` no rules of its own.
fn passed_on(path: &str, lane: &'static str) -> Step {
    match (path, lane) {
        ("/c", "canary") => ("c/_default".to_owned(), "stable"),
        ("/c", lane) => ("c/_inherited".to_owned(), lane),
        ("/d", lane) => ("lanes/_inherited".to_owned(), lane),
        (_, lane) => ("b/_inherited".to_owned(), lane),
    }
}

/// The same in another order, which is the same each time.
fn mixed(mut cases: Vec<Case>) -> Vec<Case> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    for last in (1..cases.len()).rev() {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        cases.swap(last, usize::try_from(state >> 33).expect("31 bits") % (last + 1));
    }
    cases
}

/// What the gateway's rules say of users, decided natively.
struct Users(Snapshot);

struct Visitor<'a>(&'a str);

impl Attributes for Visitor<'_> {
    fn method(&self) -> Option<&[u8]> {
        Some(b"GET")
    }

    fn target(&self) -> Option<&[u8]> {
        Some(b"/b")
    }

    fn authority(&self) -> Option<&[u8]> {
        Some(b"shop.example.com")
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        (name == b"x-user-id").then_some(self.0.as_bytes()).into_iter()
    }
}

impl Users {
    fn new() -> Self {
        let text = std::fs::read(root().join("envoy/lanes/rules/shop.yaml")).expect("the gateway's rules");
        let compiled = compile(&[Source { format: Format::Yaml, text: &text }]).expect("rules without errors");
        Self(Snapshot::load(compiled.snapshot).expect("a snapshot"))
    }

    fn variant(&self, user: &str) -> &'static str {
        let user = Visitor(user);
        let decision = self.0.decide(&user).next().expect("a decision");
        if decision.variant() == b"canary" { "canary" } else { "stable" }
    }
}
