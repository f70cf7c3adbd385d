//! `redb://PATH`: everything in one file, which one process has open at a time.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use ::redb::{
    Database, DatabaseError, Durability, ReadableDatabase as _, ReadableTable as _, StorageBackend, TableDefinition,
};
use async_trait::async_trait;
use graylane_rules::Revision;
use tokio::sync::watch;

use crate::{Advance, Digest, Ground, Head, Piece, Stamped, Store, StoreError};

/// By namespace, a [`Head`] as JSON.
const HEADS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("heads");
/// By namespace, epoch and number.
const MANIFESTS: TableDefinition<'_, (&str, u64, u64), &[u8]> = TableDefinition::new("manifests");
/// By digest, a stamp and the bytes.
const PIECES: TableDefinition<'_, &[u8; 32], (u64, &[u8])> = TableDefinition::new("pieces");
/// By name: the generation, and the last stamp.
const COUNTERS: TableDefinition<'_, &str, u64> = TableDefinition::new("counters");

const GENERATION: &str = "generation";
const STAMP: &str = "stamp";

/// So much of the file is kept in memory, in bytes: what is read again and again is a few manifests.
const CACHE: usize = 32 << 20;

/// A store in a file.
#[derive(Clone, Debug)]
pub struct Redb {
    place: String,
    database: Arc<Database>,
    /// Counts what was written, for those who wait for a change.
    written: watch::Sender<u64>,
}

/// What can go wrong within a transaction.
type Broken = ::redb::Error;

impl Redb {
    /// Opens the file at `path`, or makes it.
    ///
    /// # Errors
    /// Where another process has it open, or it is no such file.
    pub async fn open(path: &Path) -> Result<Self, StoreError> {
        let (path, place) = (path.to_owned(), format!("redb://{}", path.display()));
        let refused = |why: String| StoreError::Refused { place: place.clone(), why };
        let opened = tokio::task::spawn_blocking(move || opened(&path));
        let database = opened.await.map_err(|why| refused(why.to_string()))?.map_err(refused)?;
        Self::of(place.clone(), database).map_err(|why| refused(why.to_string()))
    }

    /// The same on storage of any kind: for tests that take it away.
    ///
    /// # Errors
    /// Where there is something else.
    pub fn on(backend: impl StorageBackend) -> Result<Self, StoreError> {
        let place = "redb://(given)".to_owned();
        let refused = |why: String| StoreError::Refused { place: place.clone(), why };
        let database = Database::builder().set_cache_size(CACHE).create_with_backend(backend);
        let database = database.map_err(|why| refused(why.to_string()))?;
        Self::of(place.clone(), database).map_err(|why| refused(why.to_string()))
    }

    fn of(place: String, database: Database) -> Result<Self, Broken> {
        tables(&database)?;
        Ok(Self { place, database: Arc::new(database), written: watch::Sender::new(0) })
    }

    /// Does `work` on a thread that may wait for the disk.
    async fn apart<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Database) -> Result<T, Broken> + Send + 'static,
    ) -> Result<T, StoreError> {
        let database = Arc::clone(&self.database);
        let unavailable = |why: String| StoreError::Unavailable { place: self.place.clone(), why };
        let done = tokio::task::spawn_blocking(move || work(&database)).await;
        done.map_err(|why| unavailable(why.to_string()))?.map_err(|why| unavailable(why.to_string()))
    }
}

/// Opens the file, or makes it: under another name first, so that a loss of power leaves no half of an empty store where
/// one is looked for.
fn opened(path: &PathBuf) -> Result<Database, String> {
    if !path.exists() {
        made(path).map_err(|why| {
            let directory = directory(path).display();
            format!(
                "found no place to make a store ({}), expected the directory {directory} to be there, and writable",
                unnumbered(&why)
            )
        })?;
    }
    let database = Database::builder().set_cache_size(CACHE).create(path);
    database.map_err(|why| match why {
        DatabaseError::DatabaseAlreadyOpen => "found that another process has it open, most likely graylane serve; \
                                               expected to have it alone: ask that one (--control URL), or end it"
            .to_owned(),
        why => {
            let why = unnumbered(&why);
            format!("found no store that can be opened ({why}), expected one, or a place to make it")
        }
    })
}

/// What an error says, without the number that the system gives it.
fn unnumbered(why: &impl std::fmt::Display) -> String {
    let text = why.to_string();
    text.split(" (os error ").next().unwrap_or_default().to_owned()
}

/// Makes an empty store, unless somebody else does at the same time.
fn made(path: &Path) -> std::io::Result<()> {
    let mut draft = path.as_os_str().to_owned();
    draft.push(format!(".{}.draft", std::process::id()));
    // What a process of the same number left there.
    let _most_likely_none = std::fs::remove_file(&draft);
    let database = Database::builder().create(&draft).map_err(std::io::Error::other)?;
    tables(&database).map_err(std::io::Error::other)?;
    drop(database);
    // It takes nothing's place, as renaming would.
    let linked = std::fs::hard_link(&draft, path);
    std::fs::remove_file(&draft)?;
    match linked {
        Err(why) if why.kind() != std::io::ErrorKind::AlreadyExists => Err(why),
        _ => std::fs::File::open(directory(path))?.sync_all(),
    }
}

/// The directory that it is in.
fn directory(path: &Path) -> &Path {
    path.parent().filter(|directory| !directory.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Makes the tables that are not there.
fn tables(database: &Database) -> Result<(), Broken> {
    let transaction = database.begin_write()?;
    transaction.open_table(HEADS)?;
    transaction.open_table(MANIFESTS)?;
    transaction.open_table(PIECES)?;
    transaction.open_table(COUNTERS)?;
    transaction.commit()?;
    Ok(())
}

#[async_trait]
impl Store for Redb {
    fn place(&self) -> &str {
        &self.place
    }

    async fn ground(&self, namespace: &str) -> Result<Ground, StoreError> {
        let namespace = namespace.to_owned();
        let found = self.apart(move |database| {
            let transaction = database.begin_read()?;
            let heads = transaction.open_table(HEADS)?;
            let head = heads.get(namespace.as_str())?.map(|bytes| bytes.value().to_vec());
            let generation = transaction.open_table(COUNTERS)?.get(GENERATION)?.map_or(0, |count| count.value());
            Ok((head, generation))
        });
        let (head, generation) = found.await?;
        Ok(Ground { head: head.map(|bytes| self.head(&bytes)).transpose()?, generation })
    }

    async fn put(&self, pieces: &[Piece]) -> Result<(), StoreError> {
        let pieces = pieces.to_vec();
        if pieces.is_empty() {
            return Ok(());
        }
        let put = self.apart(move |database| {
            let mut transaction = database.begin_write()?;
            // Nothing refers to them before the head does, and the transaction that moves it makes all durable.
            transaction.set_durability(Durability::None).map_err(|why| Broken::Io(std::io::Error::other(why)))?;
            {
                let mut counters = transaction.open_table(COUNTERS)?;
                let stamp = counters.get(STAMP)?.map_or(0, |count| count.value()).saturating_add(1);
                counters.insert(STAMP, stamp)?;
                let mut table = transaction.open_table(PIECES)?;
                for piece in &pieces {
                    table.insert(&piece.digest.0, (stamp, piece.bytes.as_slice()))?;
                }
            }
            transaction.commit()?;
            Ok(())
        });
        put.await
    }

    async fn piece(&self, digest: &Digest) -> Result<Option<Vec<u8>>, StoreError> {
        let digest = *digest;
        let read = self.apart(move |database| {
            let table = database.begin_read()?.open_table(PIECES)?;
            Ok(table.get(&digest.0)?.map(|found| found.value().1.to_vec()))
        });
        read.await
    }

    async fn advance(&self, namespace: &str, on: &Ground, next: &Head, manifest: &[u8]) -> Result<Advance, StoreError> {
        on.expect_before(next, self.place())?;
        let (namespace, on, next, manifest) = (namespace.to_owned(), on.clone(), *next, manifest.to_vec());
        let bytes = encoded(&next);
        let before = on.head.map(|head| encoded(&head));
        let advanced = self.apart(move |database| {
            let transaction = database.begin_write()?;
            let moved = {
                let mut heads = transaction.open_table(HEADS)?;
                let counters = transaction.open_table(COUNTERS)?;
                let generation = counters.get(GENERATION)?.map_or(0, |count| count.value());
                let head = heads.get(namespace.as_str())?.map(|bytes| bytes.value().to_vec());
                let moved = head != before || generation != on.generation;
                if !moved {
                    heads.insert(namespace.as_str(), bytes.as_slice())?;
                    let key = (namespace.as_str(), next.revision.epoch, next.revision.number);
                    transaction.open_table(MANIFESTS)?.insert(key, manifest.as_slice())?;
                }
                moved
            };
            if moved {
                transaction.abort()?;
                return Ok(Advance::Moved);
            }
            transaction.commit()?;
            Ok(Advance::Done)
        });
        let advanced = advanced.await?;
        self.written.send_modify(|count| *count = count.wrapping_add(1));
        Ok(advanced)
    }

    async fn record(&self, namespace: &str, manifests: &[(Revision, Vec<u8>)]) -> Result<(), StoreError> {
        let (namespace, manifests) = (namespace.to_owned(), manifests.to_vec());
        let recorded = self.apart(move |database| {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(MANIFESTS)?;
                for (revision, manifest) in &manifests {
                    let key = (namespace.as_str(), revision.epoch, revision.number);
                    if table.get(key)?.is_none() {
                        table.insert(key, manifest.as_slice())?;
                    }
                }
            }
            transaction.commit()?;
            Ok(())
        });
        recorded.await
    }

    async fn manifest(&self, namespace: &str, revision: Revision) -> Result<Option<Vec<u8>>, StoreError> {
        let namespace = namespace.to_owned();
        let read = self.apart(move |database| {
            let table = database.begin_read()?.open_table(MANIFESTS)?;
            let found = table.get((namespace.as_str(), revision.epoch, revision.number))?;
            Ok(found.map(|bytes| bytes.value().to_vec()))
        });
        read.await
    }

    async fn revisions(
        &self,
        namespace: &str,
        before: Option<Revision>,
        limit: usize,
    ) -> Result<Vec<Revision>, StoreError> {
        let namespace = namespace.to_owned();
        let Some(head) = self.ground(&namespace).await?.head else { return Ok(Vec::new()) };
        let listed = self.apart(move |database| {
            let table = database.begin_read()?.open_table(MANIFESTS)?;
            let name = namespace.as_str();
            let Revision { epoch, number } = head.revision;
            let behind = Revision { epoch, number: number.saturating_add(1) };
            let end = before.map_or(behind, |before| before.min(behind));
            let range = table.range((name, 0, 0)..(name, end.epoch, end.number))?;
            let mut revisions = Vec::new();
            for found in range.rev().take(limit) {
                let (key, _) = found?;
                let (_, epoch, number) = key.value();
                revisions.push(Revision { epoch, number });
            }
            Ok(revisions)
        });
        listed.await
    }

    async fn namespaces(&self) -> Result<Vec<String>, StoreError> {
        let listed = self.apart(|database| {
            let table = database.begin_read()?.open_table(HEADS)?;
            let mut names = Vec::new();
            for found in table.iter()? {
                names.push(found?.0.value().to_owned());
            }
            Ok(names)
        });
        listed.await
    }

    async fn changed(&self, namespace: &str, known: Option<&Head>) -> Result<Option<Head>, StoreError> {
        let mut written = self.written.subscribe();
        loop {
            let head = self.ground(namespace).await?.head;
            if head.as_ref() != known {
                return Ok(head);
            }
            // It ends with the store, which is here.
            let _ = written.changed().await;
        }
    }

    async fn forget(&self, namespace: &str, revisions: &[Revision]) -> Result<(), StoreError> {
        let (namespace, revisions) = (namespace.to_owned(), revisions.to_vec());
        if revisions.is_empty() {
            return Ok(());
        }
        let forgotten = self.apart(move |database| {
            let transaction = database.begin_write()?;
            {
                let mut table = transaction.open_table(MANIFESTS)?;
                for revision in &revisions {
                    table.remove((namespace.as_str(), revision.epoch, revision.number))?;
                }
            }
            transaction.commit()?;
            Ok(())
        });
        forgotten.await
    }

    async fn stock(&self) -> Result<Vec<Stamped>, StoreError> {
        let listed = self.apart(|database| {
            let table = database.begin_read()?.open_table(PIECES)?;
            let mut pieces = Vec::new();
            for found in table.iter()? {
                let (digest, value) = found?;
                pieces.push(Stamped { digest: Digest(*digest.value()), stamp: value.value().0 });
            }
            Ok(pieces)
        });
        listed.await
    }

    async fn next_generation(&self) -> Result<(), StoreError> {
        let counted = self.apart(|database| {
            let transaction = database.begin_write()?;
            {
                let mut counters = transaction.open_table(COUNTERS)?;
                let generation = counters.get(GENERATION)?.map_or(0, |count| count.value());
                counters.insert(GENERATION, generation.saturating_add(1))?;
            }
            transaction.commit()?;
            Ok(())
        });
        counted.await
    }

    async fn remove(&self, pieces: &[Stamped]) -> Result<usize, StoreError> {
        let pieces = pieces.to_vec();
        let removed = self.apart(move |database| {
            let transaction = database.begin_write()?;
            let mut count = 0_usize;
            {
                let mut table = transaction.open_table(PIECES)?;
                for piece in &pieces {
                    let stamp = table.get(&piece.digest.0)?.map(|found| found.value().0);
                    if stamp == Some(piece.stamp) {
                        table.remove(&piece.digest.0)?;
                        count = count.saturating_add(1);
                    }
                }
            }
            transaction.commit()?;
            Ok(count)
        });
        removed.await
    }
}

impl Redb {
    fn head(&self, bytes: &[u8]) -> Result<Head, StoreError> {
        serde_json::from_slice(bytes).map_err(|why| StoreError::Corrupt {
            place: self.place.clone(),
            why: format!("found no head ({why}), expected one"),
        })
    }
}

/// A head has no map whose keys are no text, so it always has a JSON form.
fn encoded(head: &Head) -> Vec<u8> {
    serde_json::to_vec(head).unwrap_or_default()
}
