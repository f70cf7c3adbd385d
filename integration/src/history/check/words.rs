//! Records in words, as they stand in a proof.

use std::{collections::BTreeMap, time::Duration};

use graylane_rules::Revision;

use crate::{
    Request,
    history::{
        Ack, History, Outcome, Published, Response, Served,
        sighting::{shown, text},
    },
};

/// A history that can be quoted.
pub(super) struct Words<'h>(pub(super) &'h History, BTreeMap<Revision, &'h Published>);

impl<'h> Words<'h> {
    pub(super) fn of(history: &'h History) -> Self {
        let mut first = BTreeMap::new();
        for published in &history.published {
            let known = first.entry(published.revision).or_insert(published);
            if published.at < known.at {
                *known = published;
            }
        }
        Self(history, first)
    }

    /// The first publication of `revision`.
    pub(super) fn first(&self, revision: Revision) -> Option<&'h Published> {
        self.1.get(&revision).copied()
    }

    /// A request and its answer.
    pub(super) fn response(&self, response: &Response) -> String {
        let Response { connection, stream, request, begin, end, outcome, .. } = response;
        let outcome = match outcome {
            Outcome::Served(served) => self.served(served),
            Outcome::Failed(why) => format!("failed: {}", self.0.names.text(*why)),
        };
        let request = self.request(&self.0.requests[*request]);
        format!("{} to {} connection {connection} stream {stream} {request}: {outcome}", time(*begin), time(*end))
    }

    fn served(&self, served: &Served) -> String {
        let names = &self.0.names;
        format!("told {}; {}", served.told.words(names), served.upstream.words(names))
    }

    fn request(&self, request: &Request) -> String {
        let headers =
            request.headers().map(|(name, value)| format!(" {}: {}", name.escape_ascii(), value.escape_ascii()));
        format!("{}{}", request.target().escape_ascii(), headers.collect::<String>())
    }

    /// What the access log says about an answer.
    pub(super) fn log(&self, served: &Served) -> String {
        match self.0.log.get(&served.id) {
            Some(told) => format!("access log: {}", told.words(&self.0.names)),
            None => "access log: nothing".to_owned(),
        }
    }

    /// A publication.
    pub(super) fn published(&self, published: &Published) -> String {
        format!("{} published {}", time(published.at), published.revision)
    }

    /// An ack.
    pub(super) fn ack(&self, ack: &Ack) -> String {
        let names = &self.0.names;
        let refusal = ack.refusal.map(|_| format!(", refusing: {}", text(names, ack.refusal))).unwrap_or_default();
        format!("{} VM {} runs {}{refusal}", time(ack.at), names.text(ack.vm), shown(ack.revision))
    }
}

/// A time of the history in words.
pub(super) fn time(at: Duration) -> String {
    format!("{:.6} s", at.as_secs_f64())
}
