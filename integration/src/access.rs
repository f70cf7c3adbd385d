//! The shipped access log.

use serde::Deserialize;

/// One line of the access log; what was empty is None.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Access {
    /// Envoy's id of the request, which the upstream saw as `x-request-id`.
    pub request_id: Option<String>,
    /// The status.
    pub status: u16,
    /// Why Envoy itself answered, or what went wrong: `UF`, `NR` …
    pub flags: Option<String>,
    /// Which cluster the request went to.
    pub upstream_cluster: Option<String>,
    /// The variant decided for.
    pub variant: Option<String>,
    /// Rule set and rule.
    pub rule: Option<String>,
    /// Why.
    pub reason: Option<String>,
    /// The revision that decided.
    pub revision: Option<String>,
    /// The experiment whose split decided.
    pub experiment: Option<String>,
    /// When it did: RFC 3339 in UTC, to the millisecond.
    pub evaluated_at: Option<String>,
}

impl Access {
    /// The line, if it is about the request `id`.
    pub(crate) fn about(line: &str, id: &str) -> Option<Self> {
        if !line.contains(id) {
            return None;
        }
        let access: Self = serde_json::from_str(line).ok()?;
        (access.request_id.as_deref() == Some(id)).then_some(access)
    }
}

/// The number that an `x-request-id` is: it is a UUID.
pub(crate) fn id(text: &str) -> Option<u128> {
    u128::from_str_radix(&text.replace('-', ""), 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_number() {
        assert_eq!(id("00000000-0000-4000-8000-00000000000a"), Some(0x4000_8000_0000_0000_000a));
        assert_eq!(id("a-request"), None);
    }

    #[test]
    fn a_line_belongs_to_its_own_request_only() {
        let line = r#"{"request_id":"a-1","status":200,"path":"/b-2","variant":"canary","start_time":"x"}"#;
        assert_eq!(Access::about(line, "a-1").unwrap().variant.as_deref(), Some("canary"));
        assert_eq!(Access::about(line, "b-2"), None);
        assert_eq!(Access::about("[info] a-1", "a-1"), None);
    }
}
