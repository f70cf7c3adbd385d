//! An AuthorizationPolicy as Envoy's RBAC, for as much of it as the shipped one uses.
//!
//! It follows what istiod does (`pilot/pkg/security/authz`): a policy for each rule, whose permissions are the operations and
//! whose principals the sources; methods are matched on `:method`, paths without the query, principals on the URI in the
//! client's certificate.

use serde_json::{Map, Value, json};

use super::items;

/// The HTTP filter that istiod makes of `policy`.
///
/// # Errors
/// What of it is not translated here.
pub fn filter(policy: &Value) -> Result<Value, String> {
    let spec = object(&policy["spec"], &["selector", "action", "rules"])?;
    if spec.get("action") != Some(&json!("ALLOW")) {
        return Err(format!("found the action {:?}, expected ALLOW", spec.get("action")));
    }
    let (name, namespace) = (&policy["metadata"]["name"], &policy["metadata"]["namespace"]);
    let [name, namespace] = [name, namespace].map(|text| text.as_str().unwrap_or_default());
    let mut policies = Map::new();
    for (number, rule) in items(&policy["spec"]["rules"]).into_iter().enumerate() {
        let rule = object(rule, &["from", "to"])?;
        let [to, from] = ["to", "from"].map(|field| items(rule.get(field).unwrap_or(&Value::Null)));
        let permissions: Vec<_> = to.into_iter().map(permission).collect::<Result<_, _>>()?;
        let principals: Vec<_> = from.into_iter().map(principal).collect::<Result<_, _>>()?;
        if permissions.is_empty() || principals.is_empty() {
            return Err(format!("rule {number}: found nothing in to or from, which means anything"));
        }
        let name = format!("ns[{namespace}]-policy[{name}]-rule[{number}]");
        policies.insert(name, json!({"permissions": permissions, "principals": principals}));
    }
    Ok(json!({"name": "envoy.filters.http.rbac", "typed_config": {
        "@type": "type.googleapis.com/envoy.extensions.filters.http.rbac.v3.RBAC",
        "rules": {"action": "ALLOW", "policies": policies}}}))
}

fn permission(to: &Value) -> Result<Value, String> {
    let to = object(to, &["operation"])?;
    let operation = object(&to["operation"], &["methods", "paths"])?;
    let method = |text: &str| json!({"header": {"name": ":method", "string_match": {"exact": text}}});
    let path = |text: &str| json!({"url_path": {"path": {"exact": text}}});
    let any = |rules: Vec<Value>| json!({"or_rules": {"rules": rules}});
    let methods = any(texts(operation, "methods")?.into_iter().map(method).collect());
    let paths = any(texts(operation, "paths")?.into_iter().map(path).collect());
    Ok(json!({"and_rules": {"rules": [methods, paths]}}))
}

fn principal(from: &Value) -> Result<Value, String> {
    let from = object(from, &["source"])?;
    let source = object(&from["source"], &["principals"])?;
    let identity = |text: &str| json!({"authenticated": {"principal_name": {"exact": format!("spiffe://{text}")}}});
    let identities: Vec<_> = texts(source, "principals")?.into_iter().map(identity).collect();
    Ok(json!({"and_ids": {"ids": [{"or_ids": {"ids": identities}}]}}))
}

fn object<'v>(value: &'v Value, known: &[&str]) -> Result<&'v Map<String, Value>, String> {
    let object = value.as_object().ok_or_else(|| format!("found {value}, expected a map"))?;
    match object.keys().find(|key| !known.contains(&key.as_str())) {
        Some(unknown) => Err(format!("found {unknown}, expected one of {known:?}: nothing else is translated")),
        None => Ok(object),
    }
}

/// Exact texts: a star at either end, or alone, means more than the text.
fn texts<'v>(object: &'v Map<String, Value>, field: &str) -> Result<Vec<&'v str>, String> {
    let texts = items(object.get(field).unwrap_or(&Value::Null));
    let exact = |text: &&'v Value| text.as_str().filter(|text| !text.contains('*'));
    let found: Vec<_> = texts.iter().filter_map(exact).collect();
    if found.is_empty() || found.len() != texts.len() {
        return Err(format!("found {field} {texts:?}, expected texts without a star, and one at least"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(spec: Value) -> Value {
        json!({"metadata": {"name": "p", "namespace": "n"}, "spec": spec})
    }

    #[test]
    fn what_is_not_translated_is_refused() {
        let from = json!([{"source": {"principals": ["cluster.local/ns/a/sa/b"]}}]);
        let to = json!([{"operation": {"methods": ["GET"], "paths": ["/a"]}}]);
        let rule = |from: &Value, to: &Value| policy(json!({"action": "ALLOW", "rules": [{"from": from, "to": to}]}));
        assert!(filter(&rule(&from, &to)).is_ok());
        for (policy, said) in [
            (policy(json!({"action": "DENY", "rules": []})), "expected ALLOW"),
            (policy(json!({"action": "ALLOW", "rules": [{"from": from}]})), "which means anything"),
            (policy(json!({"action": "ALLOW", "rules": [{"from": from, "to": to, "when": []}]})), "found when"),
            (rule(&json!([{"source": {"principals": ["*"]}}]), &to), "without a star"),
            (rule(&json!([{"source": {"namespaces": ["a"]}}]), &to), "found namespaces"),
            (rule(&from, &json!([{"operation": {"methods": ["GET"]}}])), "found paths []"),
            (rule(&from, &json!([{"operation": {"methods": ["GET"], "paths": ["/a*"]}}])), "without a star"),
        ] {
            let why = filter(&policy).unwrap_err();
            assert!(why.contains(said), "{why}");
        }
    }
}
