//! Revisions as they stand in JSON: `"EPOCH.NUMBER"`.

use graylane_rules::Revision;
use serde::{Deserialize as _, Deserializer, Serializer, de::Error as _};

/// Writes one.
pub fn serialize<S: Serializer>(revision: &Revision, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(revision)
}

/// Reads one.
pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Revision, D::Error> {
    String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
}
