//! The same rules for datalogic-rs: one JsonLogic expression, compiled once, and the request as a document, parsed before.

use datalogic_rs::{Engine, Logic, ParsedData, bumpalo::Bump};
use serde_json::{Value, json};

use crate::{outcome::Outcome, request::Request, workload::Workload};

/// An engine with its rules and its request.
pub struct Datalogic {
    engine: Engine,
    rules: Logic,
    request: ParsedData,
    arena: Bump,
    variants: [&'static [u8]; 2],
}

impl Datalogic {
    /// Compiles the rules of `workload`.
    ///
    /// # Panics
    /// Where the engine refuses what it is given.
    pub fn of(workload: Workload, request: &Request) -> Self {
        let engine = Engine::new();
        let rules = expression(&workload.document()["spec"]);
        let rules = engine.compile(rules.to_string().as_str()).expect("an expression");
        let mut document: serde_json::Map<String, Value> =
            request.all().iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
        document.insert("path".to_owned(), json!(request.path()));
        let request = ParsedData::from_json(&Value::Object(document).to_string()).expect("a document");
        Self { engine, rules, request, arena: Bump::new(), variants: [b"stable", b"canary"] }
    }

    /// Decides. The engine gives what the expression says: the variant.
    pub fn decide(&mut self) -> Outcome<'static> {
        self.arena.reset();
        let variant = self.engine.evaluate(&self.rules, &self.request, &self.arena).expect("a value");
        let canary = variant.as_str() == Some("canary");
        Outcome { rule: None, variant: self.variants[usize::from(canary)], reason: None }
    }
}

/// `if` one rule, its variant, else the next; at the end the default.
fn expression(spec: &Value) -> Value {
    let rules = spec["rules"].as_array().expect("rules").iter();
    let mut branches = Vec::new();
    for rule in rules {
        let then = match rule["split"].as_str() {
            Some(_) => json!({"fractional": [{"var": "x-user-id"}, ["stable", 50], ["canary", 50]]}),
            None => rule["variant"].clone(),
        };
        branches.extend([rule.get("when").map_or(json!(true), condition), then]);
    }
    branches.push(spec["default"].clone());
    json!({"if": branches})
}

fn condition(when: &Value) -> Value {
    let (kind, asked) = when.as_object().and_then(|when| when.iter().next()).expect("a match");
    match kind.as_str() {
        "all" => json!({"and": asked.as_array().expect("matches").iter().map(condition).collect::<Vec<_>>()}),
        "percent" => {
            let share = asked.as_u64().or(asked["to"].as_u64()).expect("a percentage");
            let lot = json!({"fractional": [{"var": "x-user-id"}, ["in", share], ["out", 100 - share]]});
            json!({"==": [lot, "in"]})
        }
        _ => {
            let value = json!({"var": asked["name"].as_str().unwrap_or(kind)});
            match (asked.get("exact"), asked.get("in"), asked.get("prefix")) {
                (Some(exact), _, _) => json!({"==": [value, exact]}),
                (_, Some(list), _) => json!({"in": [value, list]}),
                (_, _, prefix) => json!({"starts_with": [value, prefix.expect("an operator")]}),
            }
        }
    }
}
