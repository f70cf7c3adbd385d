//! Where in etcd what is.
//!
//! ```text
//! PREFIX generation                       its version says how often it was counted up
//! PREFIX heads/NAMESPACE                  a head, as JSON
//! PREFIX manifests/NAMESPACE/EPOCH.NUMBER 16 hexadecimal digits each, so that their order is that of the keys
//! PREFIX pieces/SHA256                    bytes
//! PREFIX board/NAMESPACE/POSTER/KEY       a note
//! PREFIX posters/POSTER                   how often it posted something
//! ```

use graylane_rules::Revision;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::Digest;

/// What stands as it is in a part of a key; a slash never does, so that no part is taken for two.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// The keys under a prefix.
#[derive(Clone, Debug)]
pub(super) struct Keys(String);

impl Keys {
    /// `prefix` ends with a slash.
    pub(super) fn under(prefix: &str) -> Self {
        Self(prefix.to_owned())
    }

    pub(super) fn generation(&self) -> String {
        format!("{}generation", self.0)
    }

    pub(super) fn heads(&self) -> String {
        format!("{}heads/", self.0)
    }

    pub(super) fn head(&self, namespace: &str) -> String {
        format!("{}heads/{}", self.0, part(namespace))
    }

    pub(super) fn manifests(&self, namespace: &str) -> String {
        format!("{}manifests/{}/", self.0, part(namespace))
    }

    pub(super) fn manifest(&self, namespace: &str, revision: Revision) -> String {
        format!("{}{:016x}.{:016x}", self.manifests(namespace), revision.epoch, revision.number)
    }

    /// What the keys of all notes of a namespace begin with.
    pub(super) fn board(&self, namespace: &str) -> String {
        format!("{}board/{}/", self.0, part(namespace))
    }

    pub(super) fn note(&self, namespace: &str, poster: &str, key: &str) -> String {
        format!("{}{poster}/{}", self.board(namespace), part(key))
    }

    pub(super) fn poster(&self, poster: &str) -> String {
        format!("{}posters/{poster}", self.0)
    }

    pub(super) fn pieces(&self) -> String {
        format!("{}pieces/", self.0)
    }

    pub(super) fn piece(&self, digest: &Digest) -> String {
        format!("{}pieces/{digest}", self.0)
    }
}

/// One part of a key.
fn part(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// What is behind `under`, as one part; None where it is something else.
pub(super) fn name(key: &[u8], under: &str) -> Option<String> {
    let rest = std::str::from_utf8(key.strip_prefix(under.as_bytes())?).ok()?;
    let name = percent_decode_str(rest).decode_utf8().ok()?;
    (!rest.contains('/')).then(|| name.into_owned())
}

/// The poster and the key of the note that is behind `under`.
pub(super) fn note_name(key: &[u8], under: &str) -> Option<(String, String)> {
    let rest = std::str::from_utf8(key.strip_prefix(under.as_bytes())?).ok()?;
    let (poster, key) = rest.split_once('/')?;
    Some((poster.to_owned(), name(key.as_bytes(), "")?))
}

/// The revision whose manifest is behind `under`.
pub(super) fn revision(key: &[u8], under: &str) -> Option<Revision> {
    let rest = std::str::from_utf8(key.strip_prefix(under.as_bytes())?).ok()?;
    let (epoch, number) = rest.split_once('.').filter(|(epoch, number)| epoch.len() == 16 && number.len() == 16)?;
    let read = |text: &str| u64::from_str_radix(text, 16).ok();
    Some(Revision { epoch: read(epoch)?, number: read(number)? })
}

/// Where the keys that begin with `prefix`, which ends with a slash, end.
pub(super) fn behind(prefix: &str) -> Vec<u8> {
    let mut end = prefix.as_bytes().to_vec();
    if let Some(last) = end.last_mut() {
        *last = last.saturating_add(1);
    }
    end
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_go_both_ways_and_order_is_that_of_revisions() {
        let keys = Keys::under("/p/");
        for namespace in ["default", "a/b", "ä%2F", ""] {
            let key = keys.head(namespace);
            assert_eq!(name(key.as_bytes(), &keys.heads()).as_deref(), Some(namespace), "{key}");
        }
        let of = |epoch, number| keys.manifest("a", Revision { epoch, number });
        assert!(of(1, 9) < of(1, 10) && of(1, u64::MAX) < of(2, 0));
        let read = revision(of(7, 300).as_bytes(), &keys.manifests("a"));
        assert_eq!(read, Some(Revision { epoch: 7, number: 300 }));
        assert_eq!(revision(b"/p/manifests/a/1.2", "/p/manifests/a/"), None);
        let note = keys.note("a/b", "cafe", "worker 1/2");
        assert_eq!(note_name(note.as_bytes(), &keys.board("a/b")), Some(("cafe".to_owned(), "worker 1/2".to_owned())));
        assert!(of(u64::MAX, u64::MAX).into_bytes() < behind(&keys.manifests("a")));
    }
}
