//! The same rules for unleash-yggdrasil: one toggle, a strategy for each rule, and the request as a context, made before.

use chrono::Utc;
use serde_json::{Value, json};
use unleash_types::client_features::{ClientFeatures, Context};
use unleash_yggdrasil::{EngineState, UpdateMessage};

use crate::{outcome::Outcome, request::Request, workload::Workload};

/// An engine with its toggle and its context.
pub struct Unleash {
    engine: EngineState,
    context: Context,
}

impl Unleash {
    /// Compiles the rules of `workload`.
    ///
    /// # Panics
    /// Where the engine refuses what it is given.
    pub fn of(workload: Workload, request: &Request) -> Self {
        let strategies: Vec<Value> =
            workload.document()["spec"]["rules"].as_array().expect("rules").iter().map(strategy).collect();
        let features = json!({"version": 2, "features": [{"name": "shop", "enabled": true, "strategies": strategies}]});
        let features: ClientFeatures = serde_json::from_value(features).expect("features");
        let engine = EngineState::initial_state(Utc::now());
        let warnings = engine.take_state(UpdateMessage::FullResponse(features));
        assert!(warnings.is_none(), "{:?}", warnings.map(|warnings| warnings.len()));
        let all = request.all().iter().copied().chain([("path", request.path())]);
        let properties = all.map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        let user = request.all().iter().find(|(name, _)| *name == "x-user-id").map(|(_, user)| (*user).to_owned());
        let context = Context { user_id: user, properties: Some(properties), ..Context::default() };
        Self { engine, context }
    }

    /// Decides. The engine gives the variant.
    pub fn decide(&self) -> Outcome<'static> {
        let variant = self.engine.get_variant("shop", &self.context, &None);
        let variant: &[u8] = if variant.name == "canary" { b"canary" } else { b"stable" };
        Outcome { rule: None, variant, reason: None }
    }
}

fn strategy(rule: &Value) -> Value {
    let (mut constraints, mut rollout) = (Vec::new(), 100);
    if let Some(when) = rule.get("when") {
        collect(when, &mut constraints, &mut rollout);
    }
    let variant =
        |name: &str, weight: u32| json!({"name": name, "weight": weight, "weightType": "fix", "stickiness": "userId"});
    let variants = match rule["split"].as_str() {
        Some(_) => vec![variant("stable", 500), variant("canary", 500)],
        None => vec![variant("canary", 1_000)],
    };
    json!({
        "name": "flexibleRollout",
        "parameters": {"rollout": rollout.to_string(), "stickiness": "userId", "groupId": "shop"},
        "constraints": constraints,
        "variants": variants,
    })
}

fn collect(when: &Value, constraints: &mut Vec<Value>, rollout: &mut u64) {
    let (kind, asked) = when.as_object().and_then(|when| when.iter().next()).expect("a match");
    match kind.as_str() {
        "all" => asked.as_array().expect("matches").iter().for_each(|one| collect(one, constraints, rollout)),
        "percent" => *rollout = asked.as_u64().or(asked["to"].as_u64()).expect("a percentage"),
        _ => {
            let name = asked["name"].as_str().unwrap_or(kind);
            let (operator, values) = match (asked.get("exact"), asked.get("in"), asked.get("prefix")) {
                (Some(exact), _, _) => ("IN", json!([exact])),
                (_, Some(list), _) => ("IN", list.clone()),
                (_, _, prefix) => ("STR_STARTS_WITH", json!([prefix.expect("an operator")])),
            };
            constraints.push(json!({"contextName": name, "operator": operator, "values": values}));
        }
    }
}
