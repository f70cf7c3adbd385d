//! Whom the commands about revisions ask: a control plane, or a store itself.

mod local;
mod progress;
pub mod remote;

use std::time::Duration;

use graylane_store::{Manifest, Place};
pub use local::{expect_store, nothing_published, on_store};
use progress::Progress;
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Value;

use crate::{
    client::{Client, Credentials},
    failure::Failure,
    place,
    revisions::json::{Answer, Asked, Texts, Verb},
    url::Url,
};

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct Plane {
    /// The control plane: `https://HOST:PORT`, or `http://` on this host. Not given: what the environment has as GRAYLANE_CONTROL, or else
    /// http://127.0.0.1:8460.
    #[arg(long, value_name = "URL", value_parser = Url::parse)]
    control: Option<Url>,
    /// Work on this store itself, `redb://PATH` or `etcd://HOST:PORT,…`, without a control plane. Not given: what the
    /// environment has as GRAYLANE_STORE.
    #[arg(long, value_name = "URL", conflicts_with = "control")]
    store: Option<Place>,
    #[command(flatten)]
    credentials: Credentials,
    /// The namespace.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
}

/// Whom to ask.
pub enum Asking {
    /// A control plane.
    Remote(Client),
    /// A store itself.
    Local(Place),
}

/// Revisions, the newest first.
#[derive(Debug, Deserialize)]
pub struct History {
    /// Their manifests.
    pub revisions: Vec<Manifest>,
}

/// A revision with its documents.
#[derive(Debug)]
pub struct Published {
    /// Who told it, for messages.
    pub place: String,
    /// What it decides by.
    pub texts: Texts,
}

/// What was answered: as it was told, and as it was understood.
pub struct Told<T> {
    /// As it was told; a later control plane may say more.
    pub value: Value,
    /// As it was understood.
    pub told: T,
}

impl Plane {
    /// The one at `place`.
    pub fn at(place: Place, credentials: Credentials, namespace: String) -> Self {
        Self { control: None, store: Some(place), credentials, namespace }
    }

    /// The same at another place, for whoever has the same credentials there.
    pub fn elsewhere(&self, place: &Place) -> Self {
        Self::at(place.clone(), self.credentials.clone(), self.namespace.clone())
    }

    /// Flags before the environment, and a control plane before a store.
    ///
    /// # Errors
    /// Where the environment says something that is neither, or what was given cannot be used.
    pub fn asking(&self) -> Result<Asking, Failure> {
        match (&self.control, &self.store) {
            (Some(url), _) => self.remote(url),
            (None, Some(store)) => self.of_place(store.clone()),
            (None, None) => match place::from_environment()? {
                Some(store) => self.of_place(store),
                None => self.remote(&place::control()?),
            },
        }
    }

    fn remote(&self, url: &Url) -> Result<Asking, Failure> {
        self.credentials.client(url).map(Asking::Remote)
    }

    fn of_place(&self, place: Place) -> Result<Asking, Failure> {
        match place {
            Place::Control(url) => self.remote(&Url::parse(&url).map_err(Failure::unable)?),
            Place::Files(path) => {
                let found = format!("found the directory {}, which keeps no revisions", path.display());
                let expected = "expected a store or a control plane: --store, --control, or another GRAYLANE_STORE";
                Err(Failure::unable(format!("{found}, {expected}")))
            }
            store => Ok(Asking::Local(store)),
        }
    }

    /// The namespace that is meant.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// Has a revision made; it is waited for acks within it for `wait`.
    ///
    /// # Errors
    /// Why there is none.
    pub fn make(&self, verb: Verb, asked: Asked) -> Result<Told<Answer>, Failure> {
        match self.asking()? {
            Asking::Remote(client) => {
                let waits = asked.wait_millis.is_some();
                let _shown = waits.then(|| Progress::of_next(&client, &self.namespace)).flatten();
                remote::make(&client, &self.namespace, verb, &asked)
            }
            Asking::Local(store) => local::make(&store, &self.namespace, verb, asked),
        }
    }

    /// The revisions before `before`, at most `limit`.
    ///
    /// # Errors
    /// Why they are not told.
    pub fn history(&self, before: Option<&str>, limit: usize) -> Result<Told<History>, Failure> {
        match self.asking()? {
            Asking::Remote(client) => remote::history(&client, &self.namespace, before, limit),
            Asking::Local(store) => local::history(&store, &self.namespace, before, limit),
        }
    }

    /// The manifest of a revision, or of the `head`.
    ///
    /// # Errors
    /// Why it is not told.
    pub fn manifest(&self, revision: &str) -> Result<Told<Manifest>, Failure> {
        match self.asking()? {
            Asking::Remote(client) => remote::revision(&client, &self.namespace, revision, ""),
            Asking::Local(store) => local::manifest(&store, &self.namespace, revision),
        }
    }

    /// The documents of a revision, or of the `head`.
    ///
    /// # Errors
    /// Why they are not told.
    pub fn documents(&self, revision: &str) -> Result<Told<Texts>, Failure> {
        match self.asking()? {
            Asking::Remote(client) => remote::revision(&client, &self.namespace, revision, "/documents"),
            Asking::Local(store) => local::documents(&store, &self.namespace, revision),
        }
    }

    /// A revision, or the `head`, with its documents.
    ///
    /// # Errors
    /// Why they are not told.
    pub fn published(&self, revision: &str) -> Result<Published, Failure> {
        match self.asking()? {
            Asking::Remote(client) => remote::published(&client, &self.namespace, revision),
            Asking::Local(store) => local::published(&store, &self.namespace, revision),
        }
    }
}

/// What a value says, as this build understands it.
fn understood<T: DeserializeOwned>(value: Value, place: &str) -> Result<Told<T>, Failure> {
    let told = T::deserialize(&value).map_err(|why| {
        Failure::unable(format!("{place}: found no such answer ({why}), expected that of graylane serve"))
    })?;
    Ok(Told { value, told })
}

/// Who runs this command: what a revision says where the control plane does not know better.
pub fn actor() -> String {
    let user = ["USER", "LOGNAME"].iter().find_map(|name| std::env::var(name).ok()).filter(|name| !name.is_empty());
    let host = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let user = user.or_else(name_of_user).unwrap_or_else(|| "(unknown)".to_owned());
    match host.trim() {
        "" => user,
        host => format!("{user}@{host}"),
    }
}

/// Where nothing says who it is, as in most containers: what the list of users has.
fn name_of_user() -> Option<String> {
    let number = rustix::process::getuid().as_raw().to_string();
    let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
    let mut users = users.lines().map(|line| line.split(':'));
    users.find_map(|mut fields| {
        let name = fields.next()?;
        (fields.nth(1)? == number).then(|| name.to_owned())
    })
}

/// So long an answer may take that is not waited for on purpose.
const ANSWER: Duration = Duration::from_secs(30);
