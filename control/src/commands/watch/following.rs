//! Asking for events, again where the control plane went away.

use std::{
    io::{self, Write as _},
    time::Duration,
};

use graylane_rules::Revision;
use http_body_util::{BodyExt as _, Limited};
use hyper::{StatusCode, body::Incoming};
use jiff::Timestamp;
use serde::Deserialize as _;
use serde_json::Value;
use tokio::time::timeout;

use super::{line::Lines, sse::Decoder};
use crate::{
    client::{Client, refused, unanswered},
    commands::plane::remote::below,
    failure::Failure,
    finding::one_line,
    json,
    plural::count,
    revisions::json::revision,
    status::Status,
};

const EVENTS: &str = "/v1/events";

/// So long the beginning of an answer may take.
const ANSWER: Duration = Duration::from_secs(10);

/// After so long without a word the control plane is gone: it says something every 15 s.
const SILENCE: Duration = Duration::from_secs(45);

/// So long it rests where there was no answer.
const REST: Duration = Duration::from_millis(250);

/// The longest problem that is read, in bytes.
const PROBLEM: usize = 1 << 20;

/// Somebody who follows.
pub struct Following {
    client: Client,
    namespace: String,
    /// None: JSON.
    lines: Option<Lines>,
    until: Option<Until>,
    /// Whether there was an answer ever.
    begun: bool,
    /// Whether it was said that there is none at present.
    lost: bool,
}

/// What is waited for.
enum Until {
    /// As it was written, before the head is known.
    Named(String),
    /// This revision, or a later one.
    Revision(Revision),
}

/// Why the answer ended, where that is not the end of all.
enum Ended {
    /// What was waited for is there.
    Done,
    /// Why there is nobody any more.
    Lost(String),
}

impl Following {
    /// Follows what `client` is told; `lines` are none for JSON.
    pub fn new(client: Client, namespace: &str, lines: Option<Lines>, until: Option<String>) -> Self {
        let (namespace, until) = (namespace.to_owned(), until.map(Until::Named));
        Self { client, namespace, lines, until, begun: false, lost: false }
    }

    /// Prints what happens until what was waited for is there.
    ///
    /// # Errors
    /// Where there was no answer to begin with, one that will not become better, or stdout cannot be written.
    pub async fn until_the_end(&mut self) -> Result<(), Failure> {
        loop {
            match self.once().await? {
                Ended::Done => return Ok(()),
                Ended::Lost(why) => {
                    if !std::mem::replace(&mut self.lost, true) {
                        let place = self.client.place("");
                        eprintln!("{}", one_line(&format!("{place}: {why}; asking again until it answers")));
                    }
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    async fn once(&mut self) -> Result<Ended, Failure> {
        let mut body = match self.asked().await? {
            Ok(body) => body,
            Err(why) => return Ok(Ended::Lost(why)),
        };
        // Only now that it listens: what comes into effect meanwhile is told as an event.
        match self.standing().await? {
            Ok(true) => return Ok(Ended::Done),
            Ok(false) => {}
            Err(why) => return Ok(Ended::Lost(why)),
        }
        let mut decoder = Decoder::default();
        loop {
            let frame = match timeout(SILENCE, body.frame()).await {
                Err(_) => return Ok(Ended::Lost(format!("said nothing for {} s", SILENCE.as_secs()))),
                Ok(None) => return Ok(Ended::Lost("ended".to_owned())),
                Ok(Some(Err(why))) => return Ok(Ended::Lost(format!("broke off ({why})"))),
                Ok(Some(Ok(frame))) => frame,
            };
            let told = decoder.take(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
            for data in told.map_err(Failure::unable)? {
                let event = serde_json::from_str(&data).unwrap_or(Value::String(data));
                self.print(&event)?;
                if self.is_awaited(&event) {
                    return Ok(Ended::Done);
                }
            }
        }
    }

    /// The stream of events; or why there is none now, where there was one before.
    async fn asked(&self) -> Result<Result<Incoming, String>, Failure> {
        let place = self.client.place(EVENTS);
        let asked = timeout(ANSWER, self.client.follow(EVENTS)).await;
        let (code, body) = match asked.unwrap_or_else(|_| Err("found no answer in time, expected one".to_owned())) {
            Ok(answer) => answer,
            Err(why) if self.begun => return Ok(Err(why)),
            Err(why) => return Err(unanswered(&place, &why)),
        };
        if code == StatusCode::OK {
            return Ok(Ok(body));
        }
        let body = timeout(ANSWER, Limited::new(body, PROBLEM).collect()).await;
        let problem = body.ok().and_then(Result::ok).map(|body| body.to_bytes()).unwrap_or_default();
        let why = refused(code, &problem);
        if self.begun && is_passing(code) { Ok(Err(why)) } else { Err(Failure::unable(format!("{place}: {why}"))) }
    }

    /// Says how things stand; whether what is waited for is there already.
    async fn standing(&mut self) -> Result<Result<bool, String>, Failure> {
        let path = below(&self.namespace, "status");
        let told = |why: String| Failure::unable(format!("{}: {why}", self.client.place(&path)));
        let asked = timeout(ANSWER, self.client.answer(&path)).await;
        let status = match asked.unwrap_or_else(|_| Err("found no answer in time, expected one".to_owned())) {
            Ok((StatusCode::OK, body)) => serde_json::from_slice::<Value>(&body).unwrap_or_default(),
            Ok((code, _)) if self.begun && is_passing(code) => return Ok(Err(format!("answers {code}"))),
            Ok((code, body)) => return Err(told(refused(code, &body))),
            Err(why) if self.begun => return Ok(Err(why)),
            Err(why) => return Err(told(why)),
        };
        let status = Status::deserialize(&status)
            .map_err(|why| told(format!("found no status ({why}), expected that of graylane serve")))?;
        self.lines.iter_mut().for_each(|lines| lines.make_room(&status));
        self.say(&status);
        let head = status.revision.as_deref().and_then(|revision| revision.parse::<Revision>().ok());
        if let Some(Until::Named(name)) = &self.until {
            let awaited = match (name.as_str(), head) {
                ("head", head) => head.unwrap_or(Revision { epoch: 0, number: 0 }),
                (name, head) => {
                    revision(name, head).map_err(|why| Failure::unable(format!("--until-in-effect: {why}")))?
                }
            };
            self.until = Some(Until::Revision(awaited));
        }
        let everywhere = status.tally.workers > 0 && status.tally.current == status.tally.workers;
        Ok(Ok(everywhere && head.is_some_and(|head| self.is_until(head))))
    }

    /// For people, who see that it works before anything happens.
    fn say(&mut self, status: &Status) {
        let place = self.client.place("");
        let published = status.revision.as_ref().map(|revision| match (status.tally.current, status.tally.workers) {
            (_, 0) => format!("revision {revision}; no worker has reported"),
            (current, workers) => format!("revision {revision}, which {current} of {} run", count(workers, "worker")),
        });
        let published = published.unwrap_or_else(|| "nothing is published".to_owned());
        let line = match (self.begun, std::mem::take(&mut self.lost)) {
            (false, _) => format!("watching {place}: {published}"),
            (true, _) => format!("{place}: answers again: {published}; what happened meanwhile is not told"),
        };
        self.begun = true;
        eprintln!("{}", one_line(&line));
    }

    fn print(&mut self, event: &Value) -> Result<(), Failure> {
        let line = match &mut self.lines {
            Some(lines) => lines.of(event, Timestamp::now()),
            None => json::inert(&event.to_string()).into_owned(),
        };
        let mut stdout = io::stdout().lock();
        let written = writeln!(stdout, "{line}").and_then(|()| stdout.flush());
        written.map_err(|why| Failure::unwritten("stdout", &why))
    }

    fn is_awaited(&self, event: &Value) -> bool {
        let text = |name: &str| event.get(name).and_then(Value::as_str);
        text("event") == Some("InEffect")
            && text("revision").and_then(|text| text.parse().ok()).is_some_and(|revision| self.is_until(revision))
    }

    fn is_until(&self, revision: Revision) -> bool {
        matches!(self.until, Some(Until::Revision(awaited)) if revision >= awaited)
    }
}

/// Whether asking again may help: it starts, or has too much to do.
fn is_passing(code: StatusCode) -> bool {
    code.is_server_error() || code == StatusCode::TOO_MANY_REQUESTS
}
