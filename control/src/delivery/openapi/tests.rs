use std::collections::BTreeSet;

use super::*;
use crate::access::Need;

/// What the document says of an operation: its path, method and who may.
fn operations() -> BTreeSet<(String, String, String)> {
    let paths = document()["paths"].as_object().unwrap();
    let of_path = |(path, item): (&String, &Value)| {
        let operations = item.as_object().unwrap().iter().filter(|(method, _)| *method != "parameters");
        let path = path.clone();
        let who = |operation: &Value| {
            let summary = operation["summary"].as_str().unwrap();
            let inside = summary.rsplit_once(" (").and_then(|(_, rest)| rest.strip_suffix(')'));
            inside.unwrap_or_else(|| panic!("{summary}: expected who may at its end")).to_owned()
        };
        operations.map(|(method, operation)| (path.clone(), method.to_uppercase(), who(operation))).collect::<Vec<_>>()
    };
    paths.iter().flat_map(of_path).collect()
}

#[test]
fn what_is_described_is_what_there_is_and_for_whom() {
    let who = |need| match need {
        Need::Nobody => "anybody",
        Need::Fetch => "fetcher",
        Need::Read => "reader",
        Need::Publish => "publisher",
        Need::Operate => "operator",
    };
    let routes = crate::delivery::routes();
    let table = routes.table().iter();
    let there: BTreeSet<_> =
        table.map(|route| (route.path.to_owned(), route.method.to_string(), who(route.need).to_owned())).collect();
    assert_eq!(operations(), there);
}

#[test]
fn whatever_is_referred_to_is_there() {
    fn walk(value: &Value, all: &mut Vec<String>) {
        match value {
            Value::Object(members) => {
                all.extend(members.get("$ref").and_then(Value::as_str).map(str::to_owned));
                members.values().for_each(|value| walk(value, all));
            }
            Value::Array(items) => items.iter().for_each(|value| walk(value, all)),
            _ => {}
        }
    }
    let mut all = Vec::new();
    walk(document(), &mut all);
    assert!(all.len() > 100, "{}", all.len());
    for reference in all {
        let pointer = reference.strip_prefix('#').unwrap();
        assert!(document().pointer(pointer).is_some(), "{reference}");
    }
    // Merged, not a member of this name.
    assert!(document().pointer("/components/schemas/Rollback/properties/reason").is_some());
}

#[test]
fn a_field_that_is_called_off_is_not_read_as_false() {
    let schemas = &document()["components"]["schemas"];
    assert!(schemas["Status"]["required"].as_array().unwrap().iter().all(Value::is_string));
    assert!(schemas["Status"]["properties"]["off"].is_object());
    assert!(schemas["Overlay"]["properties"]["off"].is_object());
}
