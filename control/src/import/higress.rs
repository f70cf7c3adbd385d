//! Higress's traffic-tag plugin: a header by conditions, by lots, or by default.

mod condition;
mod config;
mod rules;

use std::collections::BTreeSet;

use super::{
    Broken, Imported,
    identity::Identity,
    report::About,
    source::{self, Node, Place},
};
use rules::Scope;

/// What the operator chooses, where the source says nothing.
#[derive(Clone, Debug)]
pub struct Choices {
    /// The name of the rule set.
    pub name: String,
    /// The variant of what gets no tag.
    pub default: String,
    /// What buckets requests by weight.
    pub identity: Vec<Identity>,
}

/// Imports the configurations of `files`, names and texts.
///
/// # Errors
/// The first that the plugin would refuse as well.
pub fn import(files: &[(String, String)], choices: &Choices) -> Result<Imported, Broken> {
    let mut imported = Imported::default();
    let mut taken = BTreeSet::new();
    for (file, text) in files {
        let documents = source::read(text).map_err(|why| Broken::new(file, why.place, why.why))?;
        for document in &documents {
            let mut about = About { file, report: &mut imported.report };
            for (scope, node) in configurations(document, &mut about) {
                let config = config::read(file, node)?;
                tell_unread(&config, &mut about);
                imported.rule_sets.extend(rules::rule_set(&config, scope, choices, &mut taken, &mut about));
            }
        }
    }
    tell_nothing(&mut imported, files);
    Ok(imported)
}

/// The configurations in a document: itself, or those of a WasmPlugin resource.
fn configurations<'n>(document: &'n Node, about: &mut About<'_>) -> Vec<(Scope, &'n Node)> {
    if document.text_at("kind") != Some("WasmPlugin") {
        return vec![(Scope::default(), document)];
    }
    let Some(spec) = document.at("spec") else { return Vec::new() };
    let is_off = |node: &Node, key| node.text_at(key) == Some("true");
    let default = spec.at("defaultConfig").filter(|_| !is_off(spec, "defaultConfigDisable"));
    let mut found: Vec<_> = default.map(|node| (Scope::default(), node)).into_iter().collect();
    for rule in spec.at("matchRules").map(Node::items).unwrap_or_default() {
        let Some(config) = rule.at("config").filter(|_| !is_off(rule, "configDisable")) else { continue };
        match scope(rule) {
            Ok(scope) => found.push((scope, config)),
            Err(why) => about.lost(rule.place, "match-rule", "spec.matchRules", why),
        }
    }
    found
}

fn scope(rule: &Node) -> Result<Scope, String> {
    if rule.at("ingress").or_else(|| rule.at("service")).is_some() {
        return Err(
            "a configuration for routes or services by name: scopes have hosts and paths, so say these by hand"
                .to_owned(),
        );
    }
    let hosts: Vec<_> = rule.at("domain").map(Node::items).unwrap_or_default().iter().filter_map(Node::text).collect();
    let label = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    let usable = |host: &&str| {
        let name = host.strip_prefix("*.").unwrap_or(host);
        *host == "*" || (!name.is_empty() && name.bytes().all(label) && !name.starts_with('.') && !name.ends_with('.'))
    };
    if hosts.is_empty() || !hosts.iter().all(usable) {
        return Err(format!("found the domains {hosts:?}, expected names, or names behind \"*.\""));
    }
    let any = hosts.contains(&"*");
    Ok(Scope { hosts: if any { Vec::new() } else { hosts.iter().map(|host| host.to_ascii_lowercase()).collect() } })
}

fn tell_unread(config: &config::Config, about: &mut About<'_>) {
    for (key, place) in &config.unread {
        if key == "_rules_" {
            let says = "configurations for single routes or domains: import each by itself and give it a scope";
            about.lost(*place, "rules", key.as_str(), says);
        } else {
            about.note(
                *place,
                "unknown-field",
                key.as_str(),
                "no field of the plugin: it has no effect there, nor here",
            );
        }
    }
}

fn tell_nothing(imported: &mut Imported, files: &[(String, String)]) {
    if imported.rule_sets.is_empty() {
        let file = files.first().map_or("", |(file, _)| file);
        let says = "no condition group, weight or default that could be carried over";
        About { file, report: &mut imported.report }.note(Place::default(), "nothing", "the configuration", says);
    }
}
