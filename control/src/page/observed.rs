//! The shares that are observed: what Envoys count, as a Prometheus that scrapes them tells.
//!
//! A control plane sees no request. Whoever has a Prometheus names it, and it is asked while somebody looks at a page: every few
//! seconds at most, however many look, and nobody waits for it but who comes first.

use std::{
    collections::BTreeMap,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use hyper::StatusCode;
use serde::Deserialize;
use tokio::sync::watch;

use crate::{client::Client, encode, finding::one_line, url::Url};

/// What is asked.
const QUERY: &str = "sum by (rule, variant) (rate(graylane_requests_total[5m]))";

/// So long an answer is not asked for again.
const FRESH: Duration = Duration::from_secs(5);

/// So long an answer may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// The most bytes of an answer: a filter has a thousand series.
const ANSWER_LIMIT: usize = 4 << 20;

/// A Prometheus, and what it last answered.
pub struct Observed {
    prometheus: Client,
    answer: watch::Sender<Option<Arc<Answer>>>,
    asking: AtomicBool,
}

/// Requests a second of each rule and variant, or why they are not known.
pub type Answered = Result<Rates, String>;

struct Answer {
    rates: Answered,
    at: Instant,
}

/// Requests a second, by rule (`checkout/qa`) and variant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Rates(BTreeMap<String, BTreeMap<String, f64>>);

impl Rates {
    /// Those of one rule; `_default`, `_inherited` and `_off` are rules as well.
    pub fn of(&self, rule_set: &str, rule: &str) -> Option<&BTreeMap<String, f64>> {
        self.0.get(&format!("{rule_set}/{rule}"))
    }
}

/// Reads where a Prometheus is.
///
/// # Errors
/// What was found and what would be right.
pub fn place(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)?;
    if url.secure {
        return Err("expected http://: a Prometheus is asked without encryption".to_owned());
    }
    if url.userinfo.is_some() || url.target.contains('?') {
        return Err(
            "expected the URL of a Prometheus without credentials and query, such as http://127.0.0.1:9090".to_owned()
        );
    }
    Ok(url)
}

impl Observed {
    /// The Prometheus at `url`, which is not asked before somebody looks.
    pub fn new(url: &Url) -> Self {
        let url = Url { target: target(url), ..url.clone() };
        Self { prometheus: Client::plain(url), answer: watch::Sender::new(None), asking: AtomicBool::new(false) }
    }

    /// What is known; asks again where that is old, and waits for it only where nothing is known yet.
    pub async fn latest(self: &Arc<Self>) -> Answered {
        let known = self.answer.borrow().clone();
        let is_fresh = known.as_ref().is_some_and(|answer| answer.at.elapsed() < FRESH);
        if !is_fresh && !self.asking.swap(true, Ordering::AcqRel) {
            tokio::spawn(Arc::clone(self).ask());
        }
        if let Some(answer) = known {
            return answer.rates.clone();
        }
        let mut answers = self.answer.subscribe();
        // Asking ends by itself, and the sender is here.
        let first = answers.wait_for(Option::is_some).await.ok().and_then(|answer| answer.clone());
        first.map_or_else(|| Err("it did not answer".to_owned()), |answer| answer.rates.clone())
    }

    async fn ask(self: Arc<Self>) {
        let asked = tokio::time::timeout(PATIENCE, self.prometheus.fetch(ANSWER_LIMIT)).await;
        let late = || Err(format!("found no answer within {PATIENCE:?}, expected one"));
        let rates = asked.unwrap_or_else(|_| late()).and_then(|(status, body)| read(status, &body));
        self.answer.send_replace(Some(Arc::new(Answer { rates, at: Instant::now() })));
        self.asking.store(false, Ordering::Release);
    }
}

/// The target of the query, for a Prometheus at `url`.
fn target(url: &Url) -> String {
    let base = url.target.trim_end_matches('/');
    format!("{base}/api/v1/query?query={}", encode::percent(QUERY))
}

/// What Prometheus' HTTP API answers.
#[derive(Deserialize)]
struct Response {
    data: Option<Vector>,
    error: Option<String>,
}

#[derive(Deserialize)]
struct Vector {
    result: Vec<Series>,
}

#[derive(Deserialize)]
struct Series {
    metric: Labels,
    value: (f64, String),
}

#[derive(Deserialize)]
struct Labels {
    #[serde(default)]
    rule: String,
    #[serde(default)]
    variant: String,
}

fn read(status: StatusCode, body: &[u8]) -> Answered {
    let response: Response = serde_json::from_slice(body).map_err(|why| {
        let why = one_line(&why.to_string());
        format!("found status {} and no answer of a Prometheus ({why}), expected one", status.as_u16())
    })?;
    let Some(vector) = response.data else {
        let why = one_line(&response.error.unwrap_or_default());
        return Err(format!("found status {} ({why}), expected an answer", status.as_u16()));
    };
    let mut rates = Rates::default();
    for Series { metric, value } in vector.result {
        let rate = value.1.parse::<f64>().ok().filter(|rate| rate.is_finite() && *rate >= 0.0);
        if let Some(rate) = rate {
            rates.0.entry(metric.rule).or_default().insert(metric.variant, rate);
        }
    }
    Ok(rates)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_and_what_is_none_says_so() {
        let body = r#"{"status":"success","data":{"resultType":"vector","result":[
            {"metric":{"rule":"shop/qa","variant":"canary"},"value":[1435781451.781,"1.5"]},
            {"metric":{"rule":"shop/qa","variant":"stable"},"value":[1435781451.781,"NaN"]},
            {"metric":{},"value":[1435781451,"2"]}]}}"#;
        let rates = read(StatusCode::OK, body.as_bytes()).unwrap();
        assert_eq!(rates.of("shop", "qa"), Some(&BTreeMap::from([("canary".to_owned(), 1.5)])));
        assert_eq!(rates.of("shop", "other"), None);
        let error = r#"{"status":"error","errorType":"bad_data","error":"no\nsuch"}"#;
        assert_eq!(
            read(StatusCode::BAD_REQUEST, error.as_bytes()).unwrap_err(),
            "found status 400 (no\\nsuch), expected an answer"
        );
        assert!(read(StatusCode::OK, b"<html>").unwrap_err().contains("no answer of a Prometheus"));
    }

    #[test]
    fn a_path_before_the_api_stays() {
        let target = |text: &str| target(&place(text).unwrap());
        assert!(
            target("http://a:9090").starts_with("/api/v1/query?query=sum%20by%20%28rule%2C"),
            "{}",
            target("http://a")
        );
        assert!(target("http://a/prometheus/").starts_with("/prometheus/api/v1/query?query="));
        for text in ["https://a", "http://u:p@a", "http://a/?x=1", ""] {
            assert!(place(text).unwrap_err().contains("expected"), "{text}");
        }
    }

    #[tokio::test]
    async fn one_that_is_not_there_is_told_and_asked_once_in_a_while() {
        let observed = Arc::new(Observed::new(&place("http://127.0.0.1:1").unwrap()));
        assert!(observed.latest().await.is_err());
        assert!(observed.latest().await.is_err());
        assert!(!observed.asking.load(Ordering::Acquire), "it is fresh");
    }
}
