//! The rule sets that are measured, and the request that each of them is asked about.

use graylane_rules::{Format, Snapshot, Source, compile};
use serde_json::{Value, json};

use crate::request::Request;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Workload {
    /// Half of the users each, by a header.
    HalfByUser,
    /// Three exact headers and a percentage.
    ThreeHeaders,
    /// The last of so many rules of many kinds.
    LastOf(usize),
}

/// A request with ten headers: those a browser sends, those a gateway adds, and four that rules ask about.
pub static REQUEST: Request = Request::new(
    "/shop/cart?item=17",
    &[
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"),
        ("accept", "text/html,application/xhtml+xml"),
        ("accept-encoding", "gzip, deflate, br"),
        ("x-request-id", "0b7e6a52-8f44-4d6e-9d0c-2a0c6b6f3a11"),
        ("x-forwarded-proto", "https"),
        ("x-user-id", "user-217-user-217"),
        ("x-tenant", "acme"),
        ("x-env", "staging"),
        ("x-app", "web-2.4.1"),
        ("cookie", "sid=6f1d; theme=dark"),
    ],
);

impl Workload {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::HalfByUser, Self::ThreeHeaders, Self::LastOf(1_000), Self::LastOf(10_000)];

    /// The name in the table, and on the command line.
    pub fn name(self) -> String {
        match self {
            Self::HalfByUser => "half-by-user".to_owned(),
            Self::ThreeHeaders => "three-headers-and-a-percentage".to_owned(),
            Self::LastOf(rules) => format!("last-of-{rules}"),
        }
    }

    /// The rule set as a document.
    pub fn document(self) -> Value {
        let rules = self.rules();
        json!({
            "apiVersion": "graylane.dev/v1",
            "kind": "RuleSet",
            "metadata": {"name": "shop"},
            "spec": {
                "identity": {"from": [{"header": "x-user-id"}]},
                "variants": ["stable", "canary"],
                "default": "stable",
                "splits": {"half": {"weights": {"stable": 50, "canary": 50}}},
                "rules": rules,
            },
        })
    }

    /// The rule set as a worker has it: from the bytes of a snapshot.
    ///
    /// # Panics
    /// Where it does not compile.
    pub fn snapshot(self) -> Snapshot {
        let document = self.document().to_string();
        let compiled = compile(&[Source { format: Format::Json, text: document.as_bytes() }]);
        let compiled = compiled.unwrap_or_else(|problems| panic!("{problems:#?}"));
        Snapshot::load(compiled.snapshot).expect("what was compiled loads")
    }

    fn rules(self) -> Vec<Value> {
        match self {
            Self::HalfByUser => vec![json!({"id": "half", "split": "half"})],
            Self::ThreeHeaders => {
                let percent = json!({"percent": {"from": 0, "to": 50, "salt": "three"}});
                let all = [exact("x-tenant", "acme"), exact("x-env", "staging"), exact("x-app", "web-2.4.1"), percent];
                vec![json!({"id": "three", "when": {"all": all}, "variant": "canary"})]
            }
            Self::LastOf(rules) => (0..rules).map(|at| one_of_many(at, rules)).collect(),
        }
    }
}

/// Of 20 rules 14 ask for one value of one of three headers, 3 for one of several, 2 for a prefix of the path, and one for a
/// value and a percentage. The last one asks for what the request has.
fn one_of_many(at: usize, rules: usize) -> Value {
    let header = ["x-tenant", "x-env", "x-app"][at % 3];
    let when = if at + 1 == rules {
        exact("x-tenant", "acme")
    } else {
        match at % 20 {
            0..14 => exact(header, &format!("v-{at}")),
            14..17 => json!({"header": {"name": header, "in": [format!("v-{at}"), format!("w-{at}")]}}),
            17 | 18 => json!({"path": {"prefix": format!("/shop/v-{at}/")}}),
            _ => json!({"all": [exact(header, &format!("v-{at}")), {"percent": 20}]}),
        }
    };
    json!({"id": format!("r{at}"), "when": when, "variant": "canary"})
}

fn exact(name: &str, value: &str) -> Value {
    json!({"header": {"name": name, "exact": value}})
}
