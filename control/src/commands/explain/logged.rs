//! A request as an access log tells it: a line of JSON, by Envoy's own keys, Istio's or Graylane's.

use std::{
    collections::BTreeMap,
    io::{self, BufRead, Read as _},
};

use graylane_rules::{Reason, Snapshot};
use serde_json::{Map, Value};

use crate::{json, request, request::Request};

/// The longest line that is read, in bytes.
const LINE_LIMIT: u64 = 1 << 20;

/// Under which keys a log has what, the first that is there counts.
const METHOD: &[&str] = &["method", ":method", "request_method"];
const PATH: &[&str] = &["path", "x-envoy-original-path", "x-envoy-origin-path", "x_envoy_original_path", ":path"];
const AUTHORITY: &[&str] = &["authority", ":authority", "host"];

/// Keys that are headers under a name of their own. Those that begin with `x-` or `x_` are, too.
const HEADERS: &[(&str, &str)] = &[
    ("accept", "accept"),
    ("cookie", "cookie"),
    ("origin", "origin"),
    ("referer", "referer"),
    ("request_id", "x-request-id"),
    ("user-agent", "user-agent"),
    ("user_agent", "user-agent"),
];

/// Keys under which a log may have all headers, or some, as an object.
const MAPS: &[&str] = &["headers", "request_headers"];

/// A line of an access log.
#[derive(Debug)]
pub struct Logged {
    /// What it tells of the request.
    pub request: Request,
    /// When the request began, in RFC 3339, if it is told.
    pub start: Option<String>,
    /// What the request is known not to have.
    pub absent: Vec<String>,
    /// What was decided, as far as it is told: by the names of Graylane's own log, `variant`, `rule`, `reason`, `revision`.
    pub decided: BTreeMap<&'static str, String>,
}

impl Logged {
    /// What the request must have carried where the log says that it was inherited, under each header that may be meant. What a
    /// log has of such a header otherwise is what the filter made of it.
    pub fn inherited(&self, snapshot: &Snapshot) -> Vec<(String, Vec<u8>)> {
        let inherited = self.decided.get("reason").is_some_and(|reason| reason == Reason::Inherited.name());
        let variant = self.decided.get("variant").filter(|_| inherited);
        let name = |name: &[u8]| String::from_utf8_lossy(name).into_owned();
        let under =
            |variant: &String| snapshot.header_names().map(|header| (name(header), variant.clone().into())).collect();
        variant.map(under).unwrap_or_default()
    }
}

/// The first line of `text` that is not empty, or of stdin for `-`.
///
/// # Errors
/// What was found and what would be right.
pub fn read(text: &str) -> Result<Logged, String> {
    if text != "-" {
        return parse(text);
    }
    let mut line = String::new();
    let mut stdin = io::stdin().lock().take(LINE_LIMIT);
    while line.trim().is_empty() {
        line.clear();
        let read = stdin.read_line(&mut line).map_err(|why| format!("stdin: found {why}, expected a line of JSON"))?;
        if read == 0 {
            return Err("stdin: found nothing, expected a line of JSON".to_owned());
        }
    }
    parse(&line).map_err(|why| format!("stdin: {why}"))
}

fn parse(line: &str) -> Result<Logged, String> {
    let shape = r#"a line of an access log such as {"method":"GET","path":"/","authority":"shop.example.com"}"#;
    let fields: Map<String, Value> = serde_json::from_str(line.trim()).map_err(|why| json::reading(&why, shape))?;
    let first = |keys: &[&str]| keys.iter().find_map(|key| fields.get(*key).and_then(told));
    let target = first(PATH).ok_or_else(|| format!("found no path, expected one of the keys {}", PATH.join(", ")))?;
    let mut request = Request::to(target);
    let mut absent = Vec::new();
    match first(METHOD) {
        Some(method) => request.method = method,
        None => return Err(format!("found no method, expected one of the keys {}", METHOD.join(", "))),
    }
    request.authority = first(AUTHORITY);
    for (name, value) in headers(&fields) {
        match told(value) {
            Some(value) => {
                let value = request::header_value(&value).map_err(|why| format!("{name}: {why}"))?;
                request.headers.push((name, value));
            }
            None => absent.push(name),
        }
    }
    let start = first(&["start_time"]);
    let names = ["variant", "rule", "reason", "revision"];
    let own = |name: &'static str| Some((name, first(&[name, &format!("graylane_{name}")])?));
    Ok(Logged { request, start, absent, decided: names.into_iter().filter_map(own).collect() })
}

/// The headers that the line tells, each with what is told of it.
fn headers(fields: &Map<String, Value>) -> Vec<(String, &Value)> {
    let direct = fields.iter().filter_map(|(key, value)| {
        let plain = key.to_ascii_lowercase();
        let own = HEADERS.iter().find(|(known, _)| *known == plain).map(|(_, name)| (*name).to_owned());
        let extension = plain.starts_with("x-") || plain.starts_with("x_");
        let name = own.or_else(|| extension.then(|| plain.replace('_', "-")))?;
        (!PATH.contains(&key.as_str())).then_some((name, value))
    });
    let maps = MAPS.iter().filter_map(|key| fields.get(*key)?.as_object()).flatten();
    direct.chain(maps.map(|(name, value)| (name.to_ascii_lowercase(), value))).collect()
}

/// The text of a value; Envoy writes `-` or null for what is not there.
fn told(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if text != "-" && !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(value) => Some(value.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn istio_and_graylane_name_things_differently() {
        let istio = r#"{"authority":"shop:80","method":"POST","path":"/a?b","user_agent":"x/1","x_forwarded_for":null,"x-env":"-","response_code":200,"start_time":"2026-11-24T12:00:00.000Z","request_id":"r"}"#;
        let logged = parse(istio).unwrap();
        let request = logged.request;
        assert_eq!((request.method.as_str(), request.target.as_str()), ("POST", "/a?b"));
        assert_eq!(request.authority.as_deref(), Some("shop:80"));
        let names: Vec<_> = request.headers.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x-request-id", "user-agent"]);
        assert_eq!(logged.absent, ["x-env", "x-forwarded-for"]);
        assert!(logged.decided.is_empty());
        let own = r#"{"method":"GET",":path":"/","request_headers":{"X-Env":"gray"},"variant":"canary","graylane_rule":"shop/qa"}"#;
        let logged = parse(own).unwrap();
        assert_eq!(logged.request.headers, [("x-env".to_owned(), b"gray".to_vec())]);
        assert_eq!(logged.decided, BTreeMap::from([("variant", "canary".to_owned()), ("rule", "shop/qa".to_owned())]));
    }

    #[test]
    fn what_is_no_line_of_a_log_says_why() {
        for (line, said) in [
            ("", "found"),
            ("[1]", "found"),
            ("{}", "found no path"),
            (r#"{"path":"-"}"#, "found no path"),
            (r#"{"path":"/"}"#, "found no method"),
            (r#"{"path":"/","method":"GET","x-a":"b\nc"}"#, "x-a: found"),
        ] {
            let refused = parse(line).unwrap_err();
            assert!(refused.starts_with(said) && refused.contains(", expected "), "{line}: {refused}");
        }
    }
}
