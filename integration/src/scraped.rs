//! As much of a Prometheus as the page asks for: what an Envoy counted, by rule and variant, a second.
//!
//! It answers the one query there is, whatever it is asked, with what stands in Envoy's own `/stats/prometheus` then, as if all
//! of it had been counted in the last five minutes.

use std::{
    collections::BTreeMap,
    io::{BufRead as _, BufReader, Write as _},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{Arc, Mutex},
    thread,
};

use serde_json::{Value, json};

use crate::Admin;

/// The span of the query, in seconds.
const SPAN: f64 = 300.0;

/// A Prometheus of one Envoy. It lives as long as the process.
#[derive(Clone, Debug)]
pub struct Scraped {
    address: SocketAddr,
    admin: Arc<Mutex<Option<Admin>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Scraped {
    /// Listens on a free port; it knows no Envoy yet.
    ///
    /// # Panics
    /// Where it cannot listen.
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let scraped = Self { address, admin: Arc::default(), asked: Arc::default() };
        let answering = scraped.clone();
        thread::spawn(move || {
            listener.incoming().filter_map(Result::ok).for_each(|connection| answering.answer(connection))
        });
        scraped
    }

    /// Where it is.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Asks this Envoy from now on.
    ///
    /// # Panics
    /// Where answering panicked.
    pub fn scrape(&self, admin: Admin) {
        *self.admin.lock().expect("nobody panicked") = Some(admin);
    }

    /// The targets it was asked for.
    ///
    /// # Panics
    /// Where answering panicked.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("nobody panicked").clone()
    }

    fn answer(&self, mut connection: TcpStream) {
        let mut lines = BufReader::new(&connection).lines().map_while(Result::ok);
        let target = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
        lines.take_while(|line| !line.is_empty()).for_each(drop);
        self.asked.lock().expect("nobody panicked").push(target);
        let body = json!({"status": "success", "data": {"resultType": "vector", "result": self.series()}}).to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nconnection: close";
        // Whoever asked may have gone.
        let _ = write!(connection, "{head}\r\ncontent-length: {}\r\n\r\n{body}", body.len());
    }

    fn series(&self) -> Vec<Value> {
        let admin = *self.admin.lock().expect("nobody panicked");
        let text = admin.map(|admin| admin.text("/stats/prometheus").expect("the admin interface answers"));
        let mut counts: BTreeMap<(String, String), f64> = BTreeMap::new();
        for line in
            text.iter().flat_map(|text| text.lines()).filter(|line| line.starts_with("graylane_requests_total{"))
        {
            let label = |name: &str| Some(line.split_once(&format!("{name}=\""))?.1.split_once('"')?.0.to_owned());
            let count = line.rsplit_once(' ').and_then(|(_, count)| count.parse::<f64>().ok());
            let (Some(rule), Some(variant), Some(count)) = (label("rule"), label("variant"), count) else { continue };
            *counts.entry((rule, variant)).or_default() += count;
        }
        let series = counts.into_iter().map(|((rule, variant), count)| {
            json!({"metric": {"rule": rule, "variant": variant}, "value": [0, (count / SPAN).to_string()]})
        });
        series.collect()
    }
}
