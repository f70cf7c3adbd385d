//! The long poll, without a host: events in, effects out.

mod budget;

use std::time::Duration;

use graylane_rules::{
    Revision,
    envelope::{self, Head},
};

use crate::{config::FetcherConfig, endpoints::Endpoints, host::Status, signature};
use budget::Budget;

/// How much longer than the control plane may hold a question the host waits for the answer, so that "nothing new" is
/// said by the control plane and not by a timeout.
pub const GRACE: Duration = Duration::from_secs(5);

/// An empty answer that comes sooner is one of a control plane that does not hold questions.
const SOON: Duration = Duration::from_secs(1);

/// News that come sooner than so long after the question lay ready, and the next question costs something of a [`Budget`]:
/// a control plane gone wild must not keep the main thread busy. A pause after each would be a trap, because what is changed
/// during the pause lies ready after it, and so every change would wait. Later news are few by themselves, and free.
const STORM: Duration = Duration::from_millis(20);

/// The state of the long poll: at most one question is under way.
#[derive(Debug)]
pub struct Poll {
    endpoints: Endpoints,
    after: Option<Revision>,
    /// What is published is asked for in this format as well, once.
    also: Option<u16>,
    budget: Budget,
    state: State,
}

#[derive(Debug)]
enum State {
    Idle { until: Duration },
    Asked { token: u32, since: Duration, question: Question },
}

/// What to ask, and whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Question {
    /// The place of the control plane in the order of preference.
    pub endpoint: usize,
    /// The `:path`.
    pub path: String,
    /// When the host gives up.
    pub timeout: Duration,
    formats: Vec<u16>,
    /// Whether it is the one about [another format](Poll::also_in).
    also: bool,
}

/// An answer as the host delivers it.
#[derive(Clone, Copy, Debug)]
pub struct Answer<'a> {
    /// `:status`; empty where the answer broke off.
    pub status: &'a [u8],
    /// `content-type`.
    pub media_type: &'a [u8],
    /// The body, or how many bytes it has where that is more than an envelope can have.
    pub body: Result<&'a [u8], usize>,
}

/// What an answer brings.
#[derive(Debug, PartialEq, Eq)]
pub enum News<'a> {
    /// Nothing is newer.
    Nothing,
    /// A newer snapshot, whole, signed where it must be, and meant for this namespace.
    Snapshot(Head, &'a [u8]),
    /// What is published, in the format that was [asked for as well](Poll::also_in).
    Also(Head, &'a [u8]),
}

impl Poll {
    /// Nothing asked yet, of `endpoints` control planes; `seed` is random.
    pub fn new(endpoints: usize, seed: u64) -> Self {
        let state = State::Idle { until: Duration::ZERO };
        Self { endpoints: Endpoints::new(endpoints, seed), after: None, also: None, budget: Budget::default(), state }
    }

    /// From here on only what is newer than `revision` is news; None: whatever the control plane has.
    pub fn continue_after(&mut self, revision: Option<Revision>) {
        self.after = revision;
    }

    /// Asks once, before anything else, for what is published in `format`. Nobody waits for that: a control plane that has
    /// it in others only says so at once.
    pub fn also_in(&mut self, format: u16) {
        self.also = Some(format);
    }

    /// Forgets the question under way, because its answer will never come or is no longer what is wanted.
    pub fn restart(&mut self) {
        self.state = State::Idle { until: Duration::ZERO };
        self.also = None;
    }

    /// What to ask, where it is time to ask.
    pub fn question(&mut self, now: Duration, config: &FetcherConfig, formats: Vec<u16>) -> Option<Question> {
        match &self.state {
            State::Idle { until } if now >= *until => {}
            // The host always answers, by its own timeout at the latest; were it not to, polling must go on.
            State::Asked { since, question, .. }
                if now.saturating_sub(*since) > question.timeout.saturating_add(GRACE) => {}
            // Its answer may be one that nobody reads any more, or stay away because there is none.
            State::Asked { question, .. } if !question.also && question.formats != formats => {}
            _ => return None,
        }
        let choice = self.endpoints.choose(now)?;
        let also = self.also.is_some();
        let formats = self.also.map_or(formats, |format| vec![format]);
        // Who failed last shows that it answers at all, before it is trusted to hold a question.
        let wait = if choice.on_trial || also { Duration::ZERO } else { config.wait.0 };
        let list = formats.iter().map(u16::to_string).collect::<Vec<_>>().join(",");
        let newer = self.after.filter(|_| !also).map(|revision| format!("after={revision}&")).unwrap_or_default();
        let path =
            format!("/v1/namespaces/{}/snapshot?{newer}formats={list}&wait={}s", config.namespace, wait.as_secs());
        Some(Question { endpoint: choice.place, path, timeout: wait.saturating_add(GRACE), formats, also })
    }

    /// What became of sending `question` to Envoy's cluster `cluster`: the token of its answer, or the host's refusal.
    ///
    /// # Errors
    /// The refusal in words. The question is tried again later.
    pub fn sent(
        &mut self,
        now: Duration,
        question: Question,
        cluster: &str,
        result: Result<u32, Status>,
    ) -> Result<(), String> {
        match result {
            Ok(token) => {
                self.state = State::Asked { token, since: now, question };
                Ok(())
            }
            Err(status) => {
                self.fail(now, question.endpoint);
                Err(match status {
                    Status::BadArgument => format!("the control plane's cluster {cluster:?} is not known (yet)"),
                    Status::InternalFailure => format!("the control plane's cluster {cluster:?} has no endpoint (yet)"),
                    other => format!("the host refused the call: {other:?}"),
                })
            }
        }
    }

    /// Takes the answer to `token`; None where that is no question of ours. `unix` is the time of day in seconds.
    ///
    /// # Errors
    /// Inside, why the answer brings nothing; the question is asked again later.
    pub fn answered<'a>(
        &mut self,
        now: Duration,
        unix: u64,
        config: &FetcherConfig,
        token: u32,
        answer: Answer<'a>,
    ) -> Option<Result<News<'a>, String>> {
        let State::Asked { token: asked, since, question } = &self.state else { return None };
        if *asked != token {
            return None;
        }
        let (waited, endpoint, also) = (now.saturating_sub(*since), question.endpoint, question.also);
        let judged = self.judge(unix, config, question, answer);
        if also {
            self.also = None;
        }
        match &judged {
            Ok(News::Nothing) if waited < SOON && !also => self.idle(endpoint, now.saturating_add(config.tick.0)),
            Ok(News::Snapshot(..)) if waited < STORM => {
                let until = self.budget.spend(now);
                self.idle(endpoint, until);
            }
            Ok(_) => self.idle(endpoint, now),
            Err(_) => self.fail(now, endpoint),
        }
        Some(judged)
    }

    fn idle(&mut self, endpoint: usize, until: Duration) {
        self.endpoints.worked(endpoint);
        self.state = State::Idle { until };
    }

    fn fail(&mut self, now: Duration, endpoint: usize) {
        self.endpoints.failed(now, endpoint);
        self.state = State::Idle { until: Duration::ZERO };
    }

    fn judge<'a>(
        &self,
        unix: u64,
        config: &FetcherConfig,
        question: &Question,
        answer: Answer<'a>,
    ) -> Result<News<'a>, String> {
        match answer.status {
            b"200" => {}
            b"204" => return Ok(News::Nothing),
            // It is there in other formats only.
            b"406" if question.also => return Ok(News::Nothing),
            b"" => return Err("the answer broke off".to_owned()),
            status => return Err(format!("found status {}, expected 200 or 204", status.escape_ascii())),
        }
        let expect = |fits: bool, found: String, expected: String| {
            if fits { Ok(()) } else { Err(format!("found {found}, expected {expected}")) }
        };
        let media_type = answer.media_type;
        let found = format!("content type {}", quoted(&media_type.escape_ascii().to_string()));
        // Neither case nor parameters are of meaning here, and proxies add the latter.
        let essence = media_type.split(|&byte| byte == b';').next().unwrap_or_default().trim_ascii();
        let right = essence.eq_ignore_ascii_case(envelope::MEDIA_TYPE.as_bytes());
        expect(right, found, envelope::MEDIA_TYPE.to_owned())?;
        let body = answer.body.map_err(|size| format!("found {size} bytes, expected at most {}", envelope::LIMIT))?;
        let (head, snapshot) = envelope::open(body).map_err(|why| why.to_string())?;
        let (found, expected) = (format!("namespace {}", quoted(&head.namespace)), config.namespace.clone());
        expect(head.namespace == config.namespace, found, expected)?;
        signature::verify(&head, &config.keys, unix)?;
        let formats = &question.formats;
        expect(formats.contains(&head.format), format!("format {}", head.format), format!("one of {formats:?}"))?;
        if question.also {
            return Ok(News::Also(head, snapshot));
        }
        let after = self.after.unwrap_or_default();
        expect(head.revision() > after, format!("revision {}", head.revision()), format!("one after {after}"))?;
        Ok(News::Snapshot(head, snapshot))
    }
}

/// The beginning of what somebody else wrote.
fn quoted(text: &str) -> String {
    format!("\"{}\"", text.chars().take(100).collect::<String>())
}

#[cfg(test)]
mod tests;
