//! What is measured: the filters, how Envoy is told of each, and what each must answer.

use serde_json::{Value, json};

use crate::artefact;

/// One filter of the comparison.
#[derive(Clone, Copy, Debug)]
pub struct Filter {
    /// Its name in the table.
    pub name: &'static str,
    /// Whether it decides: then the answers are `stable` and `canary`, half of each, otherwise `undecided`.
    pub decides: bool,
    /// Whether it hashes as Graylane does, and so must give each user the same variant as Graylane.
    pub agrees: bool,
    /// What a reader of the table must know about it.
    pub note: &'static str,
    config: Config,
}

#[derive(Clone, Copy, Debug)]
enum Config {
    Nothing,
    Wasm { file: &'static str, root_id: &'static str, rules: bool },
    Lua,
}

/// The Envoy everything is compared with.
pub const NO_FILTER: &str = "no filter";
/// The bare ABI by hand.
pub const FLOOR: &str = "floor";
/// Graylane.
pub const OURS: &str = "graylane";
/// What people reach for first.
pub const LUA: &str = "lua";

const ALL: [Filter; 5] = [
    Filter {
        name: NO_FILTER,
        decides: false,
        agrees: false,
        note: "direct responses, three routes, no access log",
        config: Config::Nothing,
    },
    Filter {
        name: "sdk empty",
        decides: false,
        agrees: false,
        note: "the Rust SDK's own dispatch: all callbacks at their defaults, no work done",
        config: Config::Wasm { file: "dist/bench_sdk_empty.wasm", root_id: "", rules: false },
    },
    Filter {
        name: FLOOR,
        decides: true,
        agrees: true,
        note: "bare ABI, one export a request: strip, get, xxh3, set, four entries of filter state, one counter; \
               no scopes, duplicates, twins, updates or errors",
        config: Config::Wasm { file: "dist/bench_floor.wasm", root_id: "", rules: false },
    },
    Filter {
        name: OURS,
        decides: true,
        agrees: true,
        note: "one rule, 50/50 by x-user-id, embedded in the plugin configuration",
        config: Config::Wasm { file: "dist/graylane.wasm", root_id: "graylane", rules: true },
    },
    Filter {
        name: LUA,
        decides: true,
        agrees: false,
        note: "strip, get, set, four entries of dynamic metadata; an arithmetic hash over the bytes, as Lua has no xxh3; \
               no counter, as Lua cannot count",
        config: Config::Lua,
    },
];

impl Filter {
    /// The filters with these names and always the Envoy without one, which comes first; all where none is named.
    ///
    /// # Panics
    /// Where a name is none of theirs.
    pub fn choose(names: &[String]) -> Vec<Filter> {
        let known = ALL.map(|filter| filter.name);
        let unknown = names.iter().find(|name| !known.contains(&name.as_str()));
        assert!(unknown.is_none(), "found the filter {unknown:?}, expected one of {known:?}");
        let wanted = |filter: &Filter| {
            names.is_empty() || filter.name == NO_FILTER || names.iter().any(|name| name == filter.name)
        };
        ALL.into_iter().filter(wanted).collect()
    }

    /// Its entry in the list of HTTP filters; none for the Envoy without one.
    ///
    /// # Panics
    /// Where its module is not built.
    pub fn http_filter(&self) -> Option<Value> {
        let typed = match self.config {
            Config::Nothing => return None,
            Config::Wasm { file, root_id, rules } => wasm(file, root_id, rules),
            Config::Lua => json!({
                "@type": "type.googleapis.com/envoy.extensions.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": include_str!("split.lua")},
            }),
        };
        Some(json!({"name": "measured", "typed_config": typed}))
    }
}

fn wasm(file: &str, root_id: &str, rules: bool) -> Value {
    let code = json!({"local": {"filename": artefact(file)}});
    let mut config = json!({
        "name": "measured",
        "root_id": root_id,
        "vm_config": {"vm_id": "graylane", "runtime": "envoy.wasm.runtime.v8", "code": code},
    });
    if rules {
        config["configuration"] = json!({
            "@type": "type.googleapis.com/google.protobuf.StringValue",
            "value": json!({"ownedHeaders": ["x-gray-variant"], "ruleSets": [rule_set()]}).to_string(),
        });
    }
    json!({"@type": "type.googleapis.com/envoy.extensions.filters.http.wasm.v3.Wasm", "config": config})
}

/// The one rule that every deciding filter answers for.
fn rule_set() -> Value {
    json!({
        "apiVersion": "graylane.dev/v1",
        "kind": "RuleSet",
        "metadata": {"name": "bench"},
        "spec": {
            "identity": {"from": [{"header": "x-user-id"}]},
            "variants": ["stable", "canary"],
            "default": "stable",
            "splits": {"half": {"weights": {"stable": 50, "canary": 50}}},
            "rules": [{"id": "half", "split": "half"}],
        },
    })
}
