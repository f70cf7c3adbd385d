//! One call to the cluster, whichever member answers.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::Bytes;
use serde::{Serialize, de::DeserializeOwned};
use tokio::{
    task::JoinSet,
    time::{Instant, sleep, sleep_until, timeout},
};

use super::{
    address::EtcdAddress, endpoints::Endpoints, failure::Failure, login::Tokens, transport::Transport, wire::Range,
};
use hyper::body::Incoming;

/// How long a call may take in all: longer than a cluster needs for another leader.
const PATIENCE: Duration = Duration::from_secs(5);
/// How long one that must not be done twice may take: it cannot be asked for elsewhere meanwhile.
const ONCE: Duration = Duration::from_millis(1500);
/// Where all members failed, they are asked anew after that.
const PAUSE: Duration = Duration::from_millis(100);

/// What may be done about a member that does not answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Care {
    /// It reads: soon another one is asked as well.
    Reads,
    /// Doing it twice comes to the same: another one is asked as well, once it is likely that the first is gone.
    Repeats,
    /// Done twice it would be something else: whatever was sent is sent to nobody else.
    Once,
}

impl Care {
    /// How long a member is waited for before another one is asked as well.
    fn hedge(self) -> Duration {
        match self {
            Self::Reads => Duration::from_millis(300),
            Self::Repeats => Duration::from_secs(1),
            Self::Once => ONCE,
        }
    }
}

/// A cluster.
#[derive(Debug)]
pub(super) struct Calls {
    transport: Transport,
    tokens: Option<Tokens>,
    endpoints: Endpoints,
}

impl Calls {
    pub(super) fn new(address: &EtcdAddress) -> Result<Self, String> {
        Ok(Self {
            transport: Transport::new(address.tls.as_ref())?,
            tokens: address.login.clone().map(Tokens::new),
            endpoints: Endpoints::new(address.endpoints.clone()),
        })
    }

    /// Posts `request` to `path`.
    ///
    /// # Errors
    /// Where no member answers, or one says no.
    pub(super) async fn call<A: DeserializeOwned>(
        self: &Arc<Self>,
        path: &'static str,
        request: &impl Serialize,
        care: Care,
    ) -> Result<A, Failure> {
        let body = encoded(request)?;
        let answer = match care {
            Care::Once => self.once(path, body).await?,
            care => self.hedged(path, body, care).await?,
        };
        serde_json::from_slice(&answer).map_err(|why| Failure::Unknown(format!("found an answer that is none: {why}")))
    }

    /// Posts `request` to `path`, and gives the stream that is the answer, and whose it is.
    pub(super) async fn stream(
        &self,
        path: &'static str,
        request: &impl Serialize,
    ) -> Result<(usize, Incoming), Failure> {
        let body = encoded(request)?;
        let mut last = Failure::Unsent("found no endpoint, expected one".to_owned());
        for place in self.endpoints.order() {
            let name = self.endpoints.name(place);
            let opened = self.with_token(name, |token| {
                let body = body.clone();
                async move { self.transport.open(name, path, body, token.as_deref()).await }
            });
            match timeout(Care::Repeats.hedge(), opened).await.unwrap_or_else(|_| Err(late(name))) {
                Ok(stream) => return Ok((place, stream)),
                Err(failure) if failure.is_passing() => last = failure,
                Err(failure) => return Err(failure),
            }
            self.endpoints.failed(place);
        }
        Err(last)
    }

    /// Asks that very member for something that it cannot know without the others.
    pub(super) async fn probe(&self, place: usize) -> Result<(), Failure> {
        let body = encoded(&Range { keys_only: true, ..Range::of("\0") })?;
        let answered = timeout(Care::Repeats.hedge(), self.attempt(place, "/v3/kv/range", body)).await;
        match self.noted(place, answered.unwrap_or_else(|_| Err(late(self.endpoints.name(place))))) {
            // That this key is not ours to read is an answer as well.
            Err(failure) if failure.is_passing() => Err(failure),
            _ => Ok(()),
        }
    }

    /// That a stream of that member broke off.
    pub(super) fn broke(&self, place: usize) {
        self.endpoints.failed(place);
    }

    /// Asks one after the other until it is sent to one.
    async fn once(&self, path: &'static str, body: Bytes) -> Result<Bytes, Failure> {
        let deadline = after(ONCE);
        let mut last = Failure::Unsent("found no endpoint, expected one".to_owned());
        for place in self.endpoints.order() {
            let attempt = self.attempt(place, path, body.clone());
            let done = tokio::time::timeout_at(deadline, attempt).await;
            last = match done.unwrap_or_else(|_| Err(late(self.endpoints.name(place)))) {
                Err(unsent @ (Failure::Unsent(_) | Failure::Untrusted(_))) => unsent,
                done => return self.noted(place, done),
            };
            self.endpoints.failed(place);
        }
        Err(last)
    }

    /// Asks one, soon another one as well, and takes the first answer.
    async fn hedged(self: &Arc<Self>, path: &'static str, body: Bytes, care: Care) -> Result<Bytes, Failure> {
        let deadline = after(PATIENCE);
        let mut last = None;
        loop {
            match tokio::time::timeout_at(deadline, self.round(path, &body, care)).await {
                // Time does not help there.
                Ok(Err(Failure::Untrusted(why))) => return Err(Failure::Untrusted(why)),
                Ok(Err(failure)) if failure.is_passing() => last = Some(failure),
                Ok(done) => return done,
                Err(_) => {
                    let late = || Failure::Unknown(format!("found no answer within {PATIENCE:?}, expected one"));
                    return Err(last.unwrap_or_else(late));
                }
            }
            sleep(PAUSE).await;
        }
    }

    /// Asks every member at most once.
    async fn round(self: &Arc<Self>, path: &'static str, body: &Bytes, care: Care) -> Result<Bytes, Failure> {
        let mut waiting = self.endpoints.order().into_iter();
        let mut asked: JoinSet<(usize, Result<Bytes, Failure>)> = JoinSet::new();
        // Those that were asked and have not answered.
        let mut silent: Vec<usize> = Vec::new();
        let mut last = Failure::Unsent("found no endpoint, expected one".to_owned());
        loop {
            if let Some(place) = waiting.next() {
                let (calls, body) = (Arc::clone(self), body.clone());
                asked.spawn(async move { (place, calls.attempt(place, path, body).await) });
                silent.push(place);
            }
            let next = if waiting.len() == 0 { after(PATIENCE) } else { after(care.hedge()) };
            let answered = tokio::select! {
                answered = asked.join_next() => answered,
                () = sleep_until(next) => continue,
            };
            let Some(answered) = answered else { return Err(last) };
            let Ok((place, done)) = answered else { continue };
            silent.retain(|other| *other != place);
            match self.noted(place, done) {
                Err(failure) if failure.is_passing() => last = failure,
                done => {
                    silent.iter().for_each(|place| self.endpoints.failed(*place));
                    return done;
                }
            }
        }
    }

    async fn attempt(&self, place: usize, path: &'static str, body: Bytes) -> Result<Bytes, Failure> {
        let name = self.endpoints.name(place);
        let done = self.with_token(name, |token| {
            let body = body.clone();
            async move { self.transport.post(name, path, body, token.as_deref()).await }
        });
        done.await
    }

    /// Calls with a token, and once more with another one where that is none.
    async fn with_token<T, F>(&self, endpoint: &str, call: impl Fn(Option<Arc<str>>) -> F) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failure>>,
    {
        let Some(tokens) = &self.tokens else { return call(None).await };
        let token = tokens.token(&self.transport, endpoint, None).await?;
        match call(token.clone()).await {
            Err(Failure::Token(_)) => {}
            done => return done,
        }
        let token = tokens.token(&self.transport, endpoint, token.as_ref()).await?;
        call(token).await
    }

    fn noted<T>(&self, place: usize, done: Result<T, Failure>) -> Result<T, Failure> {
        match &done {
            Err(failure) if failure.is_passing() => self.endpoints.failed(place),
            _ => self.endpoints.answered(place),
        }
        done
    }
}

fn late(endpoint: &str) -> Failure {
    Failure::Unknown(format!("{endpoint}: found no answer in time, expected one"))
}

fn after(time: Duration) -> Instant {
    Instant::now().checked_add(time).unwrap_or_else(Instant::now)
}

fn encoded(request: &impl Serialize) -> Result<Bytes, Failure> {
    serde_json::to_vec(request).map(Bytes::from).map_err(|why| Failure::Refused(why.to_string()))
}
