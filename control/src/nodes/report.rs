//! The report an Envoy sends about its live VMs: the acks.

use graylane_rules::Revision;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{DeserializeOwned, Error as _},
};
use serde_json::Value;

use crate::json;

/// The most workers in a report.
const WORKERS: usize = 10_000;

/// The most bytes of a name, and of what a worker or a fetcher tells of its errors.
const NAME: usize = 256;
const ERROR: usize = 4_096;

/// All the live VMs of one Envoy.
///
/// What a later filter says besides is passed over: no Envoy is to go unheard for the time until this is upgraded, too.
#[derive(Debug, Deserialize)]
pub struct Report {
    /// Which Envoy.
    #[serde(deserialize_with = "json::object")]
    pub node: Node,
    /// What fetches for it; older filters do not say.
    #[serde(default, deserialize_with = "known")]
    pub fetcher: Option<Fetcher>,
    /// Why what fetches for it takes nothing at present, at most 4,096 bytes; older filters do not say.
    #[serde(default)]
    pub trouble: Option<String>,
    /// Its VMs: one a worker, and the one on the main thread.
    #[serde(deserialize_with = "json::objects")]
    pub workers: Vec<Worker>,
}

/// An Envoy's own names.
#[derive(Debug, Deserialize)]
pub struct Node {
    /// Its `--service-node`.
    pub id: String,
    /// Its `--service-cluster`.
    #[serde(default)]
    pub cluster: String,
}

/// What fetches for an Envoy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fetcher {
    /// The service of its bootstrap.
    Bootstrap,
    /// One of its VMs, as no service lives.
    Elected,
}

/// One VM.
#[derive(Clone, Debug, Deserialize)]
pub struct Worker {
    /// A random name, hexadecimal.
    pub id: String,
    /// The revision it runs.
    #[serde(default, deserialize_with = "revision")]
    pub revision: Option<Revision>,
    /// The snapshot formats it reads.
    #[serde(default)]
    pub formats: Vec<u16>,
    /// Why it refused the last snapshot.
    #[serde(default)]
    pub error: Option<String>,
    /// The revision it refused.
    #[serde(default, deserialize_with = "revision")]
    pub refused: Option<Revision>,
    /// What it does.
    #[serde(default, deserialize_with = "known")]
    pub role: Option<Role>,
}

/// What a VM does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// It serves requests.
    Worker,
    /// It lives on Envoy's main thread and serves none.
    Main,
}

impl Role {
    /// Whether a VM of this role serves requests; the one on the main thread does not, and one of which nothing is known
    /// counts as if it did.
    pub fn serves(role: Option<Self>) -> bool {
        role != Some(Self::Main)
    }
}

/// None where it is nothing that this build has a word for.
fn known<'de, D: Deserializer<'de>, T: DeserializeOwned>(deserializer: D) -> Result<Option<T>, D::Error> {
    Ok(serde_json::from_value(Value::deserialize(deserializer)?).ok())
}

fn revision<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Revision>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    let parse = |text: String| {
        let wrong = |why| D::Error::custom(format!("invalid value: revision {text:?}, {why}"));
        text.parse().map_err(wrong)
    };
    text.map(parse).transpose()
}

impl Report {
    /// Reads a report and checks every bound.
    ///
    /// # Errors
    /// Where the first fault is, what was found and what would be right.
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        let shape = r#"{"node":{"id","cluster"},"fetcher","trouble","workers":[{"id","revision","formats","error","refused","role"}]}"#;
        let place = |why: serde_json::Error| {
            format!("line {}, column {}: {}", why.line(), why.column().max(1), json::reading(&why, shape))
        };
        let report: Self = json::read(body).map_err(place)?;
        bounded("node.id", "bytes", report.node.id.len(), NAME)?;
        bounded("node.cluster", "bytes", report.node.cluster.len(), NAME)?;
        bounded("trouble", "bytes", report.trouble.as_ref().map_or(0, String::len), ERROR)?;
        bounded("workers", "workers", report.workers.len(), WORKERS)?;
        for (index, worker) in report.workers.iter().enumerate() {
            worker.check(&format!("workers[{index}]"))?;
        }
        Ok(report)
    }
}

impl Worker {
    /// Whether it serves requests, as far as is known.
    pub fn serves(&self) -> bool {
        Role::serves(self.role)
    }

    /// Whether it refuses a revision, or cannot use its own everywhere.
    pub fn refuses(&self) -> bool {
        self.refused.is_some() || self.error.is_some()
    }

    fn check(&self, path: &str) -> Result<(), String> {
        let hexadecimal = |byte: u8| byte.is_ascii_hexdigit();
        if self.id.is_empty() || self.id.len() > NAME || !self.id.bytes().all(hexadecimal) {
            return Err(format!("{path}.id: found {:?}, expected hexadecimal digits", self.id));
        }
        bounded(&format!("{path}.formats"), "formats", self.formats.len(), 16)?;
        bounded(&format!("{path}.error"), "bytes", self.error.as_ref().map_or(0, String::len), ERROR)
    }
}

fn bounded(path: &str, unit: &str, found: usize, most: usize) -> Result<(), String> {
    if found <= most {
        return Ok(());
    }
    Err(format!("{path}: found {found} {unit}, expected at most {most}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"node":{"id":"e","cluster":"c"},"workers":[
        {"id":"0a","revision":"3.4","formats":[1],"error":null,"refused":null,"role":"worker"},
        {"id":"ff","revision":null,"formats":[1],"error":"no","refused":"3.5","role":null}]}"#;

    #[test]
    fn a_report_is_read() {
        let report = Report::parse(WHOLE.as_bytes()).unwrap();
        assert_eq!(report.workers[0].revision, Some(Revision { epoch: 3, number: 4 }));
        assert_eq!(report.workers[1].refused, Some(Revision { epoch: 3, number: 5 }));
        assert_eq!((report.workers[0].role, report.workers[1].role), (Some(Role::Worker), None));
        assert_eq!(report.fetcher, None);
        let report =
            Report::parse(WHOLE.replace("\"workers\"", "\"fetcher\":\"elected\",\"workers\"").as_bytes()).unwrap();
        assert_eq!(report.fetcher, Some(Fetcher::Elected));
    }

    #[test]
    fn what_a_later_filter_says_besides_is_passed_over() {
        let body = r#"{"node":{"id":"e","zone":"z"},"fetcher":"sidecar","uptime":[3],"trouble":null,"workers":[
            {"id":"0a","role":"boss","load":0.5},{"id":"0b","role":{"of":"e"}},{"id":"0c","role":"main"}]}"#;
        let report = Report::parse(body.as_bytes()).unwrap();
        assert_eq!((report.node.id.as_str(), report.fetcher, report.trouble), ("e", None, None));
        let roles: Vec<_> = report.workers.iter().map(|worker| (worker.id.as_str(), worker.role)).collect();
        assert_eq!(roles, [("0a", None), ("0b", None), ("0c", Some(Role::Main))]);
    }

    #[test]
    fn what_is_no_report_says_where_and_what_would_be_right() {
        let many = format!(r#"{{"node":{{"id":""}},"workers":[{}]}}"#, vec![r#"{"id":"0"}"#; WORKERS + 1].join(","));
        let long = format!("\"trouble\":\"{}\",\"workers\"", "x".repeat(ERROR + 1));
        for (body, said) in [
            ("[", "line 1, column 1: found sequence, expected an object"),
            ("{", "line 1, column 1: found JSON that does not fit (EOF"),
            (&WHOLE.replace("3.4", "3"), "line 2, column 33: found revision \"3\", expected a revision as"),
            (&WHOLE.replace("0a", "x"), "workers[0].id: found \"x\", expected hexadecimal digits"),
            (&WHOLE.replace("\"workers\"", &long), "trouble: found 4097 bytes, expected at most 4096"),
            (&many, "workers: found 10001 workers, expected at most 10000"),
        ] {
            let refused = Report::parse(body.as_bytes()).unwrap_err();
            assert!(refused.starts_with(said), "{refused}");
        }
    }
}
