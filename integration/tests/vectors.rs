//! The slot vectors of testdata, through Envoy: each is given the one slot it must fall into as its canary.
//!
//! Of 100,000 slots one is the canary's, so a hash that is wrong in a single bit shows.

use std::fmt::Write;

use graylane_integration::{Mesh, Request, from_hex, root};
use serde::Deserialize;

/// The slots of a salt.
const SLOTS: u32 = 100_000;
/// The longest identity.
const IDENTITY_LIMIT: usize = 256;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Vector {
    domain: String,
    salt: String,
    identity_hex: String,
    slot: u32,
}

impl Vector {
    fn identity(&self) -> Vec<u8> {
        from_hex(&self.identity_hex).expect("hexadecimal digits")
    }

    /// Whether the identity can stand in a header at all.
    fn is_header_value(&self) -> bool {
        let identity = self.identity();
        let inside = identity.iter().all(|&byte| byte == b' ' || byte > b' ' && byte != 0x7f);
        inside && !identity.starts_with(b" ") && !identity.ends_with(b" ")
    }

    /// The rule for requests with `x-vector: <number>`: canary only for identities of this very slot.
    fn rule(&self, number: usize) -> String {
        let asked = format!("{{header: {{name: x-vector, exact: \"{number}\"}}}}");
        if self.domain == "split" {
            return format!("    - {{id: v{number}, when: {asked}, split: v{number}}}\n");
        }
        let percent = |slot: u32| format!("{}.{:03}", slot / 1_000, slot % 1_000);
        let (from, to) = (percent(self.slot), percent(self.slot + 1));
        let slot = format!("{{percent: {{from: {from}, to: {to}, salt: {:?}}}}}", self.salt);
        format!("    - {{id: v{number}, when: {{all: [{asked}, {slot}]}}, variant: canary}}\n")
    }

    fn split(&self, number: usize) -> String {
        format!("    v{number}: {{salt: {:?}, weights: {{stable: {}, canary: 1}}}}\n", self.salt, SLOTS - 1)
    }

    fn lock(&self, number: usize) -> String {
        let mut ranges = Vec::new();
        if self.slot > 0 {
            ranges.push("{from: 0, variant: stable}".to_owned());
        }
        ranges.push(format!("{{from: {}, variant: canary}}", self.slot));
        if self.slot + 1 < SLOTS {
            ranges.push(format!("{{from: {}, variant: stable}}", self.slot + 1));
        }
        format!("    v{number}: {{ranges: [{}]}}\n", ranges.join(", "))
    }
}

#[test]
fn every_vector_falls_into_its_slot_in_envoy() {
    let text = std::fs::read_to_string(root().join("testdata/vectors/slots.json")).expect("slots.json");
    let vectors: Vec<Vector> = serde_json::from_str(&text).expect("a list of vectors");
    let vectors: Vec<_> = vectors.into_iter().filter(Vector::is_header_value).collect();
    assert!(vectors.len() >= 100, "found only {} vectors that fit into a header", vectors.len());
    let mut mesh = Mesh::new("vectors").start();
    mesh.publish(&documents(&vectors));
    let mut wrong = String::new();
    for (number, vector) in vectors.iter().enumerate() {
        let request = Request::get("/").header("x-vector", number.to_string()).header("x-user-id", vector.identity());
        let upstream = mesh.send(&request).seen().upstream;
        let expected = if vector.identity().len() > IDENTITY_LIMIT { "stable" } else { "canary" };
        if upstream != expected {
            writeln!(wrong, "{} {} {}: found {upstream}, expected {expected}", vector.domain, vector.salt, vector.slot)
                .expect("memory");
        }
    }
    assert!(wrong.is_empty(), "of {} vectors:\n{wrong}", vectors.len());
}

fn documents(vectors: &[Vector]) -> Vec<String> {
    let (mut rules, mut splits, mut locks) = (String::new(), String::new(), String::new());
    for (number, vector) in vectors.iter().enumerate() {
        rules += &vector.rule(number);
        if vector.domain == "split" {
            splits += &vector.split(number);
            locks += &vector.lock(number);
        }
    }
    let head = |kind: &str| format!("apiVersion: graylane.dev/v1\nkind: {kind}\nmetadata: {{name: vectors}}\nspec:\n");
    let identity = "  identity: {from: [{header: x-user-id}]}\n  variants: [stable, canary]\n  default: stable\n";
    let rule_set = format!("{}{identity}  splits:\n{splits}  rules:\n{rules}", head("RuleSet"));
    vec![rule_set, format!("{}  splits:\n{locks}", head("AllocationLock"))]
}
