//! What a revision says about itself.

use graylane_rules::{Format, Revision};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Digest, Head, Object};

/// The longest manifest, in bytes: no difference in it is longer than 64 KiB, and everything else is short. No backup has a longer
/// one, and etcd takes none.
pub const MANIFEST_LIMIT: usize = 1 << 20;

/// One revision: who made it from what, when and why, what it holds, and which revision it follows. It never changes, and its
/// digest stands in the revision that follows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Manifest {
    /// The namespace.
    pub namespace: String,
    /// Its number.
    #[serde(with = "crate::revision_text")]
    pub revision: Revision,
    /// The revision it follows; None for the first of all.
    pub previous: Option<Link>,
    /// When it was made, by the clock of whoever made it.
    pub at: Timestamp,
    /// Who did.
    pub actor: String,
    /// Why.
    pub reason: String,
    /// Where the documents came from.
    pub source: String,
    /// What was done.
    pub action: Action,
    /// The documents it holds: a [`Listing`].
    pub documents: Object,
    /// What they were compiled to.
    pub snapshot: SnapshotEntry,
    /// What stands above the documents.
    #[serde(default, skip_serializing_if = "Overlay::is_empty")]
    pub overlay: Overlay,
    /// How it differs from the one it follows, in words and numbers of whoever made it.
    pub difference: Value,
}

/// Another revision, and the digest of its manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Link {
    /// The revision.
    #[serde(with = "crate::revision_text")]
    pub revision: Revision,
    /// The digest of its manifest.
    pub manifest: Digest,
}

impl From<Head> for Link {
    fn from(head: Head) -> Self {
        Self { revision: head.revision, manifest: head.manifest }
    }
}

/// What was done to make a revision. A rule set is named where only it was meant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", tag = "kind", deny_unknown_fields)]
pub enum Action {
    /// Documents were published.
    Publish {
        /// Only this rule set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_set: Option<String>,
    },
    /// Documents of an earlier revision were published again.
    Rollback {
        /// That one.
        #[serde(with = "crate::revision_text")]
        to: Revision,
        /// Only this rule set.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_set: Option<String>,
    },
    /// Rule sets were switched off: everybody has the default.
    Off {
        /// Only this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_set: Option<String>,
    },
    /// Rule sets were switched on again.
    On {
        /// Only this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_set: Option<String>,
    },
    /// Changes are refused from now on.
    Freeze {
        /// Only those of this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_set: Option<String>,
    },
    /// Changes are taken again.
    Unfreeze {
        /// Only those of this one.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        rule_set: Option<String>,
    },
    /// A backup was restored.
    Restore {
        /// Its label.
        label: String,
        /// The revision that was the head when it was taken.
        #[serde(with = "crate::revision_text")]
        of: Revision,
    },
}

/// The snapshot of a revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SnapshotEntry {
    /// Its format.
    pub format: u16,
    /// Its bytes.
    pub object: Object,
}

/// What stands above the documents of a revision. `None` for a rule set means all of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Overlay {
    /// The rule sets that are switched off.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<SwitchedOff>,
    /// The rule sets whose changes are refused.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub frozen: Vec<Freeze>,
    /// Values of switches, in their string form.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub switches: String,
}

/// That everybody has the default, and who said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct SwitchedOff {
    /// The rule set; None: all.
    pub rule_set: Option<String>,
    /// Who said so.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

/// That changes are refused, and who said so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Freeze {
    /// The rule set; None: all.
    pub rule_set: Option<String>,
    /// Who said so.
    pub actor: String,
    /// When.
    pub at: Timestamp,
    /// Why.
    pub reason: String,
}

impl Overlay {
    /// Whether nothing stands above the documents.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Whether all rule sets are switched off.
    pub fn is_all_off(&self) -> bool {
        self.off.iter().any(|off| off.rule_set.is_none())
    }

    /// The rule sets that are switched off, whoever said so; None stands for all.
    pub fn off_names(&self) -> Vec<Option<&str>> {
        self.off.iter().map(|off| off.rule_set.as_deref()).collect()
    }

    /// The rule sets whose changes are refused, whoever said so; None stands for all.
    pub fn frozen_names(&self) -> Vec<Option<&str>> {
        self.frozen.iter().map(|freeze| freeze.rule_set.as_deref()).collect()
    }
}

/// The documents of a revision, sorted by kind and name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Listing(pub Vec<Entry>);

/// One document.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// `RuleSet`, `AllocationLock` and so on.
    pub kind: String,
    /// Its name within the kind.
    pub name: String,
    /// The name of the file it came from; no other document of the revision has it.
    pub file: String,
    /// How it is written.
    #[serde(with = "format_text")]
    pub format: Format,
    /// What it is tagged with, where it is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
    /// The parser that read it, by the parser's own tag.
    pub parser: String,
    /// Its bytes.
    pub object: Object,
}

mod format_text {
    use graylane_rules::Format;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

    pub fn serialize<S: Serializer>(format: &Format, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(match format {
            Format::Yaml => "yaml",
            Format::Json => "json",
        })
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Format, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            "yaml" => Ok(Format::Yaml),
            "json" => Ok(Format::Json),
            other => Err(D::Error::custom(format!("found the format {other:?}, expected yaml or json"))),
        }
    }
}

impl Manifest {
    /// As it is kept and hashed.
    ///
    /// # Errors
    /// None: whatever stands in it has a JSON form.
    pub fn bytes(&self) -> Result<Vec<u8>, String> {
        serde_json::to_vec(self).map_err(|why| format!("a manifest: {why}"))
    }

    /// Reads what [`bytes`](Self::bytes) wrote.
    ///
    /// # Errors
    /// What was found and what would be right.
    pub fn read(bytes: &[u8]) -> Result<Self, String> {
        serde_json::from_slice(bytes).map_err(|why| format!("found no manifest ({why}), expected one"))
    }
}
