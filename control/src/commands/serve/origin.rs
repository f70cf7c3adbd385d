//! What is served: a directory as it stands, or what a store has.

use std::{path::PathBuf, sync::Arc};

use graylane_store::{Cached, Place, open};

use crate::{clock::Clock, failure::Failure, place, revisions::Revisions};

/// So many bytes of documents and snapshots are kept in memory: the last revisions of most namespaces.
const CACHE: usize = 64 << 20;

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct Origin {
    /// Serve this directory of rule sets as it stands, and keep no revisions.
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    rules: Option<PathBuf>,
    /// Serve what this store has: `redb://PATH`, a file that is made where it is not there, or `etcd://HOST:PORT,…`; or a
    /// directory, `file://DIR`. Not given: what the environment has as GRAYLANE_STORE, or else redb://graylane.redb.
    #[arg(long, value_name = "URL")]
    store: Option<Place>,
}

/// What is served.
pub enum Served {
    /// What stands in a directory.
    Directory(PathBuf),
    /// What a store has.
    Store(Arc<Revisions>),
}

impl Origin {
    /// Where it is.
    ///
    /// # Errors
    /// Where the environment says something that is no place.
    pub fn place(&self) -> Result<Place, Failure> {
        match &self.rules {
            Some(rules) => Ok(Place::Files(rules.clone())),
            None => place::or_default(self.store.as_ref()),
        }
    }

    /// Opens it.
    ///
    /// # Errors
    /// Where it cannot be opened.
    pub async fn open(&self, namespace: &str, owned: &[String], clock: &Clock) -> Result<Served, Failure> {
        match self.place()? {
            Place::Files(directory) => Ok(Served::Directory(directory)),
            place => {
                let store = open(&place).await.map_err(Failure::unable)?;
                tracing::info!("revisions are kept in {}", store.place());
                let store = Arc::new(Cached::new(store, CACHE));
                Ok(Served::Store(Arc::new(Revisions::new(store, namespace, clock.clone(), owned.to_vec()))))
            }
        }
    }
}
