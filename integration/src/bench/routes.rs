//! Workload W in Envoy's own words, and the routes of those who decide by a filter.

use serde_json::{Map, Value, json};

use crate::workload::{Ask, DEFAULT, Rule, VARIANT, Workload};

/// A route for each variant and one without a decision: an answer tells which route was taken.
pub fn by_variant() -> Value {
    let of_variant = |name: &str| {
        let header = json!({"name": "x-gray-variant", "string_match": {"exact": name}});
        route(Some(header), name)
    };
    json!([of_variant(VARIANT), of_variant(DEFAULT), route(None, "undecided")])
}

/// A route for each rule, in their order, and one for what none matches.
pub fn linear(workload: &Workload) -> Value {
    let routes = workload.rules.iter().map(of_rule).chain([route(None, DEFAULT)]);
    Value::Array(routes.collect())
}

fn of_rule(rule: &Rule) -> Value {
    let matching = match &rule.ask {
        Ask::Exact(value) | Ask::Percent(value, _) => json!({"exact": value}),
        Ask::In(values) => json!({"safe_regex": {"regex": values.join("|")}}),
        Ask::Prefix(prefix) => json!({"prefix": prefix}),
        Ask::Regex(pattern) => json!({"safe_regex": {"regex": pattern}}),
    };
    let mut route = route(Some(json!({"name": rule.header, "string_match": matching})), VARIANT);
    if let Ask::Percent(_, percent) = rule.ask {
        let fraction = json!({"numerator": percent, "denominator": "HUNDRED"});
        route["match"]["runtime_fraction"] = json!({"default_value": fraction});
    }
    route
}

/// A map for each header, one asked after the other.
pub fn tree(workload: &Workload) -> Value {
    let otherwise = json!({"action": action(DEFAULT)});
    workload.headers().iter().rev().fold(otherwise, |otherwise, header| {
        let values = workload.rules.iter().filter(|rule| rule.header == *header).flat_map(values);
        let map: Map<_, _> = values.map(|value| (value.to_owned(), json!({"action": action(VARIANT)}))).collect();
        if map.is_empty() {
            return otherwise;
        }
        let input = json!({
            "@type": "type.googleapis.com/envoy.type.matcher.v3.HttpRequestHeaderMatchInput",
            "header_name": header,
        });
        let tree = json!({
            "input": {"name": "header", "typed_config": input},
            "exact_match_map": {"map": map},
        });
        // What is asked where nothing matched: another matcher, or what there is to do.
        let next = match otherwise.get("matcher_tree") {
            Some(_) => json!({"matcher": otherwise}),
            None => otherwise,
        };
        json!({"matcher_tree": tree, "on_no_match": next})
    })
}

fn values(rule: &Rule) -> Vec<&str> {
    match &rule.ask {
        Ask::Exact(value) => vec![value],
        Ask::In(values) => values.iter().map(String::as_str).collect(),
        _ => Vec::new(),
    }
}

fn action(answer: &str) -> Value {
    let mut route = route(None, answer);
    route["@type"] = json!("type.googleapis.com/envoy.config.route.v3.Route");
    json!({"name": "route", "typed_config": route})
}

fn route(header: Option<Value>, answer: &str) -> Value {
    let mut matching = json!({"prefix": "/"});
    if let Some(header) = header {
        matching["headers"] = json!([header]);
    }
    json!({"match": matching, "direct_response": {"status": 200, "body": {"inline_string": answer}}})
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tree_asks_one_header_after_the_other_and_ends_with_the_default() {
        let tree = tree(&Workload::of(100));
        let mut place = &tree;
        let mut asked = Vec::new();
        while let Some(found) = place.get("matcher_tree") {
            asked.push(found["input"]["typed_config"]["header_name"].as_str().unwrap().to_owned());
            let next = &place["on_no_match"];
            place = next.get("matcher").unwrap_or(next);
        }
        assert_eq!(asked, ["x-tenant", "x-env", "x-app"]);
        let body = &place["action"]["typed_config"]["direct_response"]["body"]["inline_string"];
        assert_eq!(body, DEFAULT);
    }
}
