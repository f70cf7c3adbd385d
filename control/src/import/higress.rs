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
/// The first that the plugin would refuse as well, or that is none of it; of Kubernetes resources, only where none is.
pub fn import(files: &[(String, String)], choices: &Choices) -> Result<Imported, Broken> {
    let mut imported = Imported::default();
    let mut taken = BTreeSet::new();
    let (mut known, mut foreign) = (false, None);
    for (file, text) in files {
        let documents = source::read(text).map_err(|why| Broken::new(file, why.place, why.why))?;
        for document in &documents {
            let mut about = About { file, report: &mut imported.report };
            let configurations = match Document::of(file, document)? {
                Document::Foreign(found) => {
                    about.note(document.place, "other-resource", found.as_str(), "nothing of it concerns traffic-tag");
                    foreign = foreign.or_else(|| Some(Broken::new(file, document.place, unexpected(&found))));
                    continue;
                }
                Document::Config => vec![(Scope::default(), document)],
                Document::Plugin => resource(document, &mut about),
            };
            known = true;
            for (scope, node) in configurations {
                let config = config::read(file, node)?;
                tell_unread(&config, &mut about);
                imported.rule_sets.extend(rules::rule_set(&config, scope, choices, &mut taken, &mut about));
            }
        }
    }
    if !known {
        let first = files.first().map_or("", |(file, _)| file);
        return Err(foreign.unwrap_or_else(|| Broken::new(first, Place::default(), unexpected("no document"))));
    }
    tell_nothing(&mut imported, files);
    Ok(imported)
}

/// What a document is.
enum Document {
    /// A configuration.
    Config,
    /// A WasmPlugin resource that has some.
    Plugin,
    /// Another Kubernetes resource, in words.
    Foreign(String),
}

impl Document {
    fn of(file: &str, document: &Node) -> Result<Self, Broken> {
        let kind = document.text_at("kind");
        match kind {
            Some("WasmPlugin") if may_tag(document) => Ok(Self::Plugin),
            Some("WasmPlugin") => Ok(Self::Foreign("a WasmPlugin with no field of the plugin".to_owned())),
            _ if config::is_one(document) => Ok(Self::Config),
            Some(kind) => Ok(Self::Foreign(format!("a document of kind {kind:?}"))),
            None => Err(Broken::new(file, document.place, unexpected("a document with no field of the plugin"))),
        }
    }
}

fn unexpected(found: &str) -> String {
    let fields = config::FIELDS.join(", ");
    format!(
        "found {found}, expected the configuration of traffic-tag, which has {fields}, or a WasmPlugin that has one"
    )
}

/// Whether a WasmPlugin has a configuration of traffic-tag, or none of anything.
fn may_tag(document: &Node) -> bool {
    let spec = document.at("spec");
    let rules = spec.and_then(|spec| spec.at("matchRules")).map(Node::items).unwrap_or_default();
    let default = spec.and_then(|spec| spec.at("defaultConfig"));
    let mut configs = rules.iter().filter_map(|rule| rule.at("config")).chain(default).peekable();
    configs.peek().is_none() || configs.any(config::is_one)
}

/// The configurations of a WasmPlugin resource.
fn resource<'n>(document: &'n Node, about: &mut About<'_>) -> Vec<(Scope, &'n Node)> {
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
