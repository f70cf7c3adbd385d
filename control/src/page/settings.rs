//! What the page is told when serving begins, and what it remembers.

use std::sync::{Arc, Mutex};

use graylane_store::StoreError;

use super::{
    observed::{self, Observed},
    read::Read,
};
use crate::{mutex::locked, publication::Publication, revisions::Revisions, url::Url};

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Options {
    /// A name under which browsers reach the page, beside addresses and `localhost`. Repeat it, or put commas between.
    #[arg(long = "page-host", value_name = "NAME", value_delimiter = ',', value_parser = host)]
    hosts: Vec<String>,
    /// A Prometheus that scrapes the Envoys, such as http://127.0.0.1:9090: it is asked for the shares that are observed while
    /// somebody looks at the page.
    #[arg(long, value_name = "URL", value_parser = observed::place)]
    observe: Option<Url>,
}

/// What the page is told, and what it remembers between two requests.
#[derive(Default)]
pub struct Settings {
    /// The names under which browsers may ask for it, beside addresses and `localhost`; in lower case, without ports.
    pub hosts: Vec<String>,
    /// What tells the shares that are observed.
    pub observed: Option<Arc<Observed>>,
    /// The documents of what is published, read.
    pub(super) read: Mutex<Option<Arc<Read>>>,
}

impl Settings {
    /// The documents of `publication`, which are read once a revision.
    ///
    /// # Errors
    /// As [`Read::of`].
    pub async fn read(
        &self,
        revisions: Option<&Revisions>,
        publication: &Publication,
    ) -> Result<Arc<Read>, StoreError> {
        let known = locked(&self.read).clone();
        if let Some(known) = known.filter(|known| known.revision == publication.revision) {
            return Ok(known);
        }
        let read = Arc::new(Read::of(revisions, publication).await?);
        *locked(&self.read) = Some(Arc::clone(&read));
        Ok(read)
    }
}

impl Options {
    /// What the page is told.
    pub fn settings(&self) -> Settings {
        let observed = self.observe.as_ref().map(|url| Arc::new(Observed::new(url)));
        Settings { hosts: self.hosts.clone(), observed, ..Settings::default() }
    }
}

fn host(text: &str) -> Result<String, String> {
    let name = text.trim_matches(' ').trim_end_matches('.').to_ascii_lowercase();
    let letter = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'.' || byte == b'_';
    if name.is_empty() || !name.bytes().all(letter) {
        return Err(format!("found {text:?}, expected a name without a port, such as graylane.example.com"));
    }
    Ok(name)
}
