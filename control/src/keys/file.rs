//! Private keys in files: `ID.pem`, for their owner's eyes.

use std::{
    fs::{File, Metadata},
    io::{self, Write as _},
    os::unix::fs::OpenOptionsExt as _,
    path::{Path, PathBuf},
};

use super::{SigningKey, parse_id};
use crate::secret;

/// Writes `key` into `directory` as `ID.pem`, which only its owner may read; gives the path.
///
/// # Errors
/// Where it cannot be written, above all where there is such a file: it is never overwritten.
pub fn write_new(key: &SigningKey, directory: &Path) -> Result<PathBuf, String> {
    let path = directory.join(format!("{}.pem", key.id()));
    let told = |why: io::Error| match why.kind() {
        io::ErrorKind::AlreadyExists => {
            format!("found {}, expected no such file: a key is never overwritten", path.display())
        }
        io::ErrorKind::NotFound => {
            format!("{}: found no directory {}, expected one that is there", path.display(), directory.display())
        }
        _ => format!("{}: {why}", path.display()),
    };
    let mut file = File::options().write(true).create_new(true).mode(0o600).open(&path).map_err(told)?;
    let written = key.pem().and_then(|pem| file.write_all(pem.as_bytes())).and_then(|()| file.sync_all());
    if let Err(why) = written {
        // Half a key would be in the way of a whole one.
        let _ = std::fs::remove_file(&path);
        return Err(told(why));
    }
    Ok(path)
}

/// Reads a key; its id is the file's name without `.pem`.
///
/// # Errors
/// Which file, what was found and what would be right.
pub fn read(path: &Path) -> Result<SigningKey, String> {
    read_if(path, |_| Ok(()))
}

/// The same for a key that is kept: refuses a file that others than its owner can read or write. A group may read, as
/// that is how Kubernetes gives a secret to a process that is not root.
///
/// # Errors
/// Which file, what was found and what would be right.
pub fn read_private(path: &Path) -> Result<SigningKey, String> {
    read_if(path, secret::expect_private)
}

fn read_if(path: &Path, allowed: impl Fn(&Metadata) -> Result<(), String>) -> Result<SigningKey, String> {
    let told = |why: String| format!("{}: {why}", path.display());
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    let id =
        parse_id(name.strip_suffix(".pem").unwrap_or(name)).map_err(|why| told(format!("{why}, and .pem behind")))?;
    let pem = secret::read_if(path, allowed).map_err(told)?;
    SigningKey::of_pem(id, &pem).map_err(told)
}

#[cfg(test)]
mod tests {
    use std::{
        fs::{Permissions, set_permissions},
        os::unix::fs::PermissionsExt as _,
    };

    use super::*;
    use crate::scratch::Scratch;

    fn mode(path: &Path) -> u32 {
        std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn what_was_written_is_read_and_never_overwritten() {
        let scratch = Scratch::new("key-file");
        let key = SigningKey::draw("release-1.2".to_owned()).unwrap();
        let path = write_new(&key, &scratch.path("")).unwrap();
        assert_eq!((path.file_name().unwrap().to_str(), mode(&path)), (Some("release-1.2.pem"), 0o600));
        let read = read_private(&path).unwrap();
        assert_eq!((read.id(), read.public()), ("release-1.2", key.public()));
        let other = SigningKey::draw("release-1.2".to_owned()).unwrap();
        assert!(write_new(&other, &scratch.path("")).is_err_and(|said| said.contains("a key is never overwritten")));
        assert_eq!(super::read(&path).unwrap().public(), key.public());
        assert!(write_new(&key, &scratch.path("none")).is_err());
    }

    #[test]
    fn a_key_that_others_can_use_is_no_secret() {
        let scratch = Scratch::new("key-mode");
        let path = write_new(&SigningKey::draw("k".to_owned()).unwrap(), &scratch.path("")).unwrap();
        for (mode, said) in [
            (0o600, ""),
            (0o400, ""),
            (0o440, ""),
            (0o640, ""),
            (0o644, "found the mode 0644, open to everybody"),
            (0o604, "found the mode 0604, open to everybody"),
            (0o602, "found the mode 0602, open to everybody"),
            (0o660, "found the mode 0660, open to changes by its group, expected 0600"),
        ] {
            set_permissions(&path, Permissions::from_mode(mode)).unwrap();
            let refused = read_private(&path).err().unwrap_or_default();
            assert!(refused.is_empty() == said.is_empty() && refused.contains(said), "{mode:o}: {refused}");
            assert!(super::read(&path).is_ok());
        }
    }

    #[test]
    fn names_and_contents_that_are_no_key_are_told() {
        let scratch = Scratch::new("key-none");
        for name in ["K.pem", "k.pem"] {
            std::fs::write(scratch.path(name), "x").unwrap();
        }
        let said = |name: &str| super::read(&scratch.path(name)).err().unwrap();
        assert!(said("K.pem").contains("K.pem: found the id \"K\", expected"), "{}", said("K.pem"));
        assert!(said("k.pem").contains("k.pem: found no key ("), "{}", said("k.pem"));
        assert!(said("gone.pem").contains("gone.pem: found no such file"));
        std::fs::create_dir(scratch.path("dir.pem")).unwrap();
        assert!(said("dir.pem").contains("found no regular file"));
    }
}
