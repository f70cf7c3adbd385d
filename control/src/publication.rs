//! Something published: a snapshot under a number, in every format that is asked for.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

use graylane_rules::{Revision, SNAPSHOT_FORMAT, Snapshot, envelope::Head};
use graylane_store::{Manifest, Overlay};

use crate::{
    clock::Moment,
    documents::{Document, ParsedDocument},
    memory::{Account, Entry},
    mutex::locked,
    sealer::{Sealed, Sealer},
    switch_changes::SwitchChanged,
};

/// What a snapshot was compiled from.
#[derive(Debug, Default)]
pub struct Content {
    /// Which parser read each document.
    pub parsed: Vec<ParsedDocument>,
    /// The documents themselves; none where a store keeps them.
    pub texts: Vec<Document>,
    /// The values of switches that stand above those of the documents, in their string form; none where a store keeps them.
    pub switches: String,
}

/// A snapshot and its number, which never change. Its envelopes do: they age.
pub struct Publication {
    /// Its number.
    pub revision: Revision,
    /// When it was published.
    pub at: Moment,
    /// The SHA-256 of the snapshot in the newest format, in hexadecimal.
    pub sha256: String,
    /// The names of its rule sets.
    pub rule_sets: Vec<String>,
    /// Which parser read each of its documents.
    pub documents: Vec<ParsedDocument>,
    /// Its documents as they stood in a directory; none where a store keeps them.
    pub texts: Arc<Vec<Document>>,
    switches: String,
    /// How switches differ from what was published before.
    pub switch_changes: Vec<SwitchChanged>,
    /// What it says of itself, where it is kept in a store.
    pub manifest: Option<Manifest>,
    namespace: String,
    snapshot: Snapshot,
    /// By format.
    sealed: Mutex<BTreeMap<u16, Arc<Sealed>>>,
    account: Arc<Account>,
    /// That of the snapshot.
    _entry: Entry,
}

impl Publication {
    /// `snapshot` with the `head` of its envelope in the newest format, which is sealed at once: whoever waits is not to
    /// wait for that. What it holds stands in `account`.
    pub fn new(
        head: Head,
        snapshot: Snapshot,
        content: Content,
        sealer: &Sealer,
        at: Moment,
        account: Arc<Account>,
    ) -> Self {
        let (revision, sha256, namespace) = (head.revision(), head.sha256.clone(), head.namespace.clone());
        let sealed = sealer.seal(head, snapshot.bytes(), at, &account);
        let rule_sets = snapshot.rule_sets().map(|name| String::from_utf8_lossy(name).into_owned()).collect();
        let sealed = Mutex::new(BTreeMap::from([(SNAPSHOT_FORMAT, Arc::new(sealed))]));
        let (switch_changes, manifest) = (Vec::new(), None);
        let Content { parsed: documents, texts, switches } = content;
        Self {
            revision,
            at,
            sha256,
            rule_sets,
            documents,
            texts: Arc::new(texts),
            switches,
            switch_changes,
            manifest,
            namespace,
            _entry: account.enter(snapshot.bytes().len()),
            account,
            snapshot,
            sealed,
        }
    }

    /// The same, which says this of itself.
    pub fn of(mut self, manifest: Manifest) -> Self {
        self.manifest = Some(manifest);
        self
    }

    /// What stands above its documents.
    pub fn overlay(&self) -> Overlay {
        let of_directory = || Overlay { switches: self.switches.clone(), ..Overlay::default() };
        self.manifest.as_ref().map_or_else(of_directory, |manifest| manifest.overlay.clone())
    }

    /// The same, which follows `before`.
    pub fn following(mut self, before: Option<&Self>) -> Self {
        if let Some(before) = before {
            self.switch_changes = SwitchChanged::between(&before.snapshot, &self.snapshot);
        }
        self
    }

    /// The envelope in `format`, sealed anew if it is no longer fresh; None where this build does not write `format`.
    pub fn envelope(&self, format: u16, sealer: &Sealer, now: Moment) -> Option<Arc<Sealed>> {
        // Sealing takes a millisecond or two, and one sealing serves all who ask: they may wait for it.
        let mut sealed = locked(&self.sealed);
        if let Some(sealed) = sealed.get(&format).filter(|sealed| sealer.is_fresh(sealed, now)) {
            return Some(Arc::clone(sealed));
        }
        let converted = if format == SNAPSHOT_FORMAT { None } else { Some(self.snapshot.in_format(format)?) };
        let bytes = converted.as_deref().unwrap_or(self.snapshot.bytes());
        let head = Head::of(&self.namespace, self.revision, format, bytes);
        let fresh = Arc::new(sealer.seal(head, bytes, now, &self.account));
        sealed.insert(format, Arc::clone(&fresh));
        Some(fresh)
    }

    /// What Envoys load.
    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// The size of the snapshot in the newest format, in bytes.
    pub fn size(&self) -> usize {
        self.snapshot.bytes().len()
    }
}
