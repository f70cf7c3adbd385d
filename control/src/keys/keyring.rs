//! The keys that sign together.

use std::{
    ffi::OsStr,
    io,
    path::{Path, PathBuf},
};

use graylane_rules::envelope::{Head, Signature};

use super::{SigningKey, read_private};

/// As many keys as a fetcher takes.
const KEYS: usize = 8;

/// All the keys with which envelopes are signed, in the order in which they were named. Empty: they are not signed.
#[derive(Default)]
pub struct Keyring(Vec<SigningKey>);

impl Keyring {
    /// Reads the private keys in `paths`: files, and directories of `*.pem`.
    ///
    /// # Errors
    /// One for each file or directory that gives no key, or an id that another has: all of them.
    pub fn read(paths: &[PathBuf]) -> Result<Self, Vec<String>> {
        let mut problems = Vec::new();
        let files = files(paths, &mut problems);
        if files.len() > KEYS {
            return Err(vec![format!("found {} keys, expected at most {KEYS}", files.len())]);
        }
        let mut keys = Vec::<SigningKey>::new();
        for file in &files {
            match read_private(file) {
                Ok(key) if keys.iter().any(|known| known.id() == key.id()) => {
                    problems.push(format!(
                        "{}: found a second key {:?}, expected one of each id",
                        file.display(),
                        key.id()
                    ));
                }
                Ok(key) => keys.push(key),
                Err(why) => problems.push(why),
            }
        }
        if problems.is_empty() { Ok(Self(keys)) } else { Err(problems) }
    }

    /// These keys.
    #[cfg(test)]
    pub fn of(keys: Vec<SigningKey>) -> Self {
        Self(keys)
    }

    /// Whether it signs nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The ids of the keys.
    pub fn ids(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(SigningKey::id)
    }

    /// A signature of `head` by each key.
    pub fn sign(&self, head: &Head) -> Vec<Signature> {
        let text = head.signed_text();
        self.0.iter().map(|key| Signature { key: key.id().to_owned(), ed25519: key.sign(&text) }).collect()
    }
}

/// What `paths` name, directories replaced by what is in them.
fn files(paths: &[PathBuf], problems: &mut Vec<String>) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for path in paths {
        match if path.is_dir() { in_directory(path) } else { Ok(vec![path.clone()]) } {
            Ok(found) => files.extend(found),
            Err(why) => problems.push(why),
        }
    }
    files
}

/// The `*.pem` in `directory` that are not hidden, by name.
fn in_directory(directory: &Path) -> Result<Vec<PathBuf>, String> {
    let told = |why: io::Error| format!("{}: {why}", directory.display());
    let entries: io::Result<Vec<_>> =
        std::fs::read_dir(directory).map_err(told)?.map(|entry| Ok(entry?.path())).collect();
    let is_key = |path: &PathBuf| {
        let name = path.file_name().map(OsStr::as_encoded_bytes).unwrap_or_default();
        name.ends_with(b".pem") && !name.starts_with(b".")
    };
    let mut keys: Vec<_> = entries.map_err(told)?.into_iter().filter(is_key).collect();
    keys.sort();
    if keys.is_empty() {
        return Err(format!("{}: found no key, expected at least one *.pem in it", directory.display()));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{keys::write_new, scratch::Scratch};

    #[test]
    fn every_file_that_gives_no_key_is_told() {
        let scratch = Scratch::new("keyring");
        let file = |id: &str| {
            let key = SigningKey::draw(id.to_owned()).unwrap();
            write_new(&key, &scratch.path("")).unwrap()
        };
        let (one, two) = (file("one"), file("two"));
        let keyring = Keyring::read(&[one.clone(), two.clone()]).unwrap();
        assert_eq!(keyring.ids().collect::<Vec<_>>(), ["one", "two"]);
        std::fs::write(&two, "x").unwrap();
        let problems = Keyring::read(&[one.clone(), one.clone(), two, scratch.path("three")]).err().unwrap();
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].contains("one.pem: found a second key \"one\", expected one of each id"), "{problems:?}");
        assert!(problems[1].contains("two.pem: found no key") && problems[2].contains("three: found no such file"));
        let many = Keyring::read(&vec![one; KEYS + 1]).err().unwrap();
        assert_eq!(many, ["found 9 keys, expected at most 8"]);
        assert!(Keyring::read(&[]).unwrap().is_empty());
    }

    #[test]
    fn a_directory_is_all_the_keys_in_it() {
        let scratch = Scratch::new("keyring-directory");
        let directory = [scratch.path("")];
        let found = Keyring::read(&directory).err().unwrap();
        assert!(found[0].ends_with(": found no key, expected at least one *.pem in it"), "{found:?}");
        for id in ["b", "a"] {
            write_new(&SigningKey::draw(id.to_owned()).unwrap(), &scratch.path("")).unwrap();
        }
        for name in [".hidden.pem", "notes.txt"] {
            std::fs::write(scratch.path(name), "x").unwrap();
        }
        assert_eq!(Keyring::read(&directory).unwrap().ids().collect::<Vec<_>>(), ["a", "b"]);
        std::fs::write(scratch.path("c.pem"), "x").unwrap();
        assert!(Keyring::read(&directory).is_err(), "what should be a key and is none is not left out");
    }
}
