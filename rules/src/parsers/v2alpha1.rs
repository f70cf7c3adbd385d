//! The next version of the language, beside the first: `when` may be a list, all of which must hold.
//!
//! Everything else is as in the first, so a document of that one means the same here.

use super::{Language, Rewritten};
use crate::{
    document,
    tree::{Entry, Node, Value},
};

/// The version's name in `apiVersion`; that of the first is taken as well.
const API_VERSION: &str = "graylane.dev/v2alpha1";

pub(super) const LANGUAGE: Language = Language { lower };

fn lower(tree: &mut Node) -> Option<Rewritten> {
    if let Some(version) = field(tree, "apiVersion").filter(|node| document::text(node) == Some(API_VERSION)) {
        version.value = Value::Text(document::API_VERSION.to_owned());
    }
    let Value::List(rules) = &mut field(field(tree, "spec")?, "rules")?.value else { return None };
    let mut lists = Vec::new();
    for (index, rule) in rules.iter_mut().enumerate() {
        if let Some(when) = field(rule, "when").filter(|when| matches!(when.value, Value::List(_))) {
            let span = when.span.clone();
            let list = Node { span: span.clone(), value: std::mem::replace(&mut when.value, Value::Null) };
            when.value = Value::Map(vec![Entry { key: "all".to_owned(), key_span: span, node: list }]);
            lists.push(format!("spec.rules[{index}].when"));
        }
    }
    Some(Box::new(move |path: &str| written(path, &lists)))
}

/// A path without the `all` that nobody wrote.
fn written(path: &str, lists: &[String]) -> Option<String> {
    lists.iter().find_map(|list| {
        let rest = path.strip_prefix(list.as_str())?.strip_prefix(".all")?;
        (rest.is_empty() || rest.starts_with('[')).then(|| format!("{list}{rest}"))
    })
}

fn field<'n>(node: &'n mut Node, name: &str) -> Option<&'n mut Node> {
    match &mut node.value {
        Value::Map(entries) => entries.iter_mut().find(|entry| entry.key == name).map(|entry| &mut entry.node),
        _ => None,
    }
}
