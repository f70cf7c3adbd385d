//! Allow-lists, which no namespace has.

use std::collections::BTreeMap;

use schemars::JsonSchema;

use super::document::{ApiVersion, Metadata};

#[derive(JsonSchema)]
enum AllowListKind {
    AllowList,
}

/// Which switches rule sets may have: for `graylane check --allow-list`.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
pub struct AllowList {
    /// The version of the language.
    api_version: ApiVersion,
    kind: AllowListKind,
    metadata: Metadata,
    spec: AllowListSpec,
}

#[derive(JsonSchema)]
#[schemars(deny_unknown_fields, rename_all = "camelCase")]
struct AllowListSpec {
    /// What becomes of each switch, by its name.
    gates: BTreeMap<String, Gate>,
    /// The mode of a switch that is not listed. Default: deny.
    default: Option<Mode>,
    /// The highest risk that may pass; then what is not listed is refused, too.
    max_risk: Option<Risk>,
}

/// What becomes of one switch.
#[derive(JsonSchema)]
#[schemars(deny_unknown_fields)]
struct Gate {
    mode: Mode,
    risk: Risk,
    /// Why, for whoever reads a finding.
    #[schemars(length(min = 1))]
    reason: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Mode {
    /// It passes.
    Allow,
    /// It passes with a warning.
    Audit,
    /// It is refused.
    Deny,
}

/// What it may do where it is open.
#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
enum Risk {
    Low,
    Medium,
    High,
    Critical,
}
