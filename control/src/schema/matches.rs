//! `when`: a map of one key.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::operators::{Claim, Named, Nameless};

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
    /// Who is taken to have sent the request.
    Source(Source),
    /// A claim of a JSON Web Token. Put it behind jwt_authn.
    JwtClaim(Claim),
    /// What the request is bucketed by.
    Identity(Nameless),
    /// Labels of the Envoy node, all of which must be these.
    Labels(#[schemars(extend("minProperties" = 1))] BTreeMap<String, String>),
    /// A part of the identities.
    Percent(Percent),
    /// The identity is a member of the audience of this name.
    Audience(#[schemars(length(min = 1))] String),
    /// It is then.
    Time(Window),
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

/// Where a request comes from.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Source {
    /// One of these networks: `10.0.0.0/8`, `2001:db8::/32`.
    #[schemars(length(min = 1))]
    cidr: Vec<String>,
}

/// A time of RFC 3339 with its offset, such as `2026-01-01T09:00:00+09:00`; one may be left out.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, extend("minProperties" = 1))]
pub struct Window {
    /// From then on.
    after: Option<String>,
    /// Until then; it does not belong to it.
    before: Option<String>,
}
