//! Writing a revision: its pieces first, then one transaction.

use std::collections::BTreeMap;

use graylane_rules::{Revision, SNAPSHOT_FORMAT, Snapshot};
use graylane_store::{
    Action, Advance, Digest, Entry, Ground, Head, Listing, MANIFEST_LIMIT, Manifest, NotAdvanced, Object, Piece,
    SnapshotEntry, advance, pieces,
};

use super::{Base, Proposal, Refusal, Revisions, base::pieces as pieces_of, composing::Composed};
use crate::documents::{Document, ParsedDocument};

/// What is to be written.
pub struct Draft<'d> {
    pub proposal: &'d Proposal,
    pub action: Action,
    pub base: &'d Base,
    pub composed: &'d Composed,
}

/// What came of writing.
pub enum Written {
    /// The head is this one.
    Done(Head, Box<Manifest>),
    /// Somebody else was first.
    Moved,
}

impl Revisions {
    /// Writes what is new of `draft`, and moves the head.
    pub(super) async fn write(&self, ground: &Ground, draft: &Draft<'_>) -> Result<Written, Refusal> {
        let (manifest, new) = self.manifest(draft)?;
        let bytes = manifest.bytes().map_err(Refusal::Unfit)?;
        if bytes.len() > MANIFEST_LIMIT {
            let found = format!("found {} bytes of who switched off or froze what, and why", bytes.len());
            let expected = format!("expected at most {MANIFEST_LIMIT}: end some, or `graylane off` for all at once");
            return Err(Refusal::Unfit(format!("{found}, {expected}")));
        }
        let head = Head { revision: manifest.revision, manifest: Digest::of(&bytes) };
        self.store.put(&new).await?;
        let advanced = advance(&*self.store, &self.namespace, ground, &head, &bytes).await;
        let advanced = advanced.map_err(|why| match why {
            NotAdvanced::Store(why) => Refusal::Store(why),
            NotAdvanced::Unknown(why) => Refusal::Unknown { revision: head.revision, why },
        })?;
        Ok(match advanced {
            Advance::Done => Written::Done(head, Box::new(manifest)),
            Advance::Moved => Written::Moved,
        })
    }

    /// The manifest of a draft, and the pieces that it needs and the base does not have.
    fn manifest(&self, draft: &Draft<'_>) -> Result<(Manifest, Vec<Piece>), Refusal> {
        let Draft { proposal, action, base, composed } = draft;
        let Kept { documents, snapshot, pieces: mut new } =
            kept(&composed.documents, &composed.parsed, &composed.snapshot).map_err(Refusal::Unfit)?;
        // The pieces of the head stay as long as it is the head.
        let head = base.manifest.as_ref().map(|manifest| pieces_of(manifest, &base.documents)).unwrap_or_default();
        new.retain(|piece| !head.contains(&piece.digest) && !composed.kept.contains(&piece.digest));
        let manifest = Manifest {
            namespace: self.namespace.clone(),
            revision: self.next(base.revision()),
            previous: base.head.map(Into::into),
            at: self.clock.now().wall,
            actor: proposal.actor.clone(),
            reason: proposal.reason.clone(),
            source: proposal.source.clone(),
            action: action.clone(),
            documents,
            snapshot,
            overlay: composed.overlay.clone(),
            difference: composed.difference.value(),
        };
        Ok((manifest, new))
    }

    /// The number behind `last`. The first epoch begins with the first revision, in milliseconds since 1970, so that an Envoy
    /// which was served a directory before takes what follows.
    fn next(&self, last: Option<Revision>) -> Revision {
        match last {
            Some(Revision { epoch, number }) => Revision { epoch, number: number.saturating_add(1) },
            None => {
                let epoch = u64::try_from(self.clock.now().wall.as_millisecond()).unwrap_or_default();
                Revision { epoch, number: 1 }
            }
        }
    }
}

/// What a revision holds, as it is kept.
pub struct Kept {
    /// The list of its documents.
    pub documents: Object,
    /// What they were compiled to.
    pub snapshot: SnapshotEntry,
    /// Everything in pieces.
    pub pieces: Vec<Piece>,
}

/// Cuts documents, which `parsed` says what they are, and what they were compiled to.
///
/// # Errors
/// None: whatever stands in a list of documents has a JSON form.
pub fn kept(documents: &[Document], parsed: &[ParsedDocument], snapshot: &Snapshot) -> Result<Kept, String> {
    let mut all = Vec::new();
    let mut keep = |bytes: &[u8]| {
        let (object, cut) = pieces(bytes);
        all.extend(cut);
        object
    };
    let parsed: BTreeMap<_, _> = parsed.iter().map(|parsed| (parsed.file.as_str(), parsed)).collect();
    let mut entries: Vec<Entry> = documents.iter().filter_map(|document| entry(document, &parsed, &mut keep)).collect();
    entries.sort_by(|one, other| (&one.kind, &one.name).cmp(&(&other.kind, &other.name)));
    let listing = serde_json::to_vec(&Listing(entries)).map_err(|why| why.to_string())?;
    let documents = keep(&listing);
    let snapshot = SnapshotEntry { format: SNAPSHOT_FORMAT, object: keep(snapshot.bytes()) };
    Ok(Kept { documents, snapshot, pieces: all })
}

fn entry(
    document: &Document,
    parsed: &BTreeMap<&str, &ParsedDocument>,
    keep: &mut impl FnMut(&[u8]) -> Object,
) -> Option<Entry> {
    // Whatever compiled was parsed.
    let parsed = parsed.get(document.file.as_str())?;
    Some(Entry {
        kind: parsed.kind.clone(),
        name: parsed.name.clone(),
        file: document.file.clone(),
        format: document.format,
        tag: parsed.tag.clone(),
        parser: parsed.parser.clone(),
        object: keep(&document.text),
    })
}
