//! `when`: a map of one key.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::operators::{Named, Nameless};

/// A predicate on the request: a map of one key.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
pub enum Match {
    /// A header; its name has no case.
    Header(Named),
    /// A cookie.
    Cookie(Named),
    /// A query parameter.
    Query(Named),
    /// The path, without the query.
    Path(Nameless),
    /// The method.
    Method(Nameless),
    /// The host, without port.
    Host(Nameless),
    /// What the request is bucketed by.
    Identity(Nameless),
    /// Labels of the Envoy node, all of which must be these.
    Labels(#[schemars(extend("minProperties" = 1))] BTreeMap<String, String>),
    /// A part of the identities.
    Percent(Percent),
    /// Every one of these.
    All(#[schemars(length(min = 1))] Vec<Match>),
    /// At least one of these.
    Any(#[schemars(length(min = 1))] Vec<Match>),
    /// Not this. What is absent then matches.
    Not(Box<Match>),
}

/// A part of the identities, in steps of 0.001.
#[derive(JsonSchema)]
#[schemars(untagged)]
pub enum Percent {
    /// So many from the beginning.
    UpTo(#[schemars(range(min = 0, max = 100))] f64),
    /// From one to another, half open.
    Range(PercentRange),
}

/// From one to another, half open.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct PercentRange {
    /// Included.
    #[schemars(range(min = 0, max = 100))]
    from: f64,
    /// Not included.
    #[schemars(range(min = 0, max = 100))]
    to: f64,
    /// Where it is the same, so are the slots. Default: rule set and rule.
    #[schemars(length(min = 1))]
    salt: Option<String>,
}
