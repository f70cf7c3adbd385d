//! A file in the place of another.

use std::{io, path::Path};

/// Writes `bytes` beside `path` and renames: nobody ever reads half of it. A link stays one: what it leads to is replaced.
///
/// # Errors
/// Where it cannot be written; what was there stays.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let path = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    // Hidden, so that nobody takes it for a document meanwhile.
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = std::fs::write(&beside, bytes).and_then(|()| std::fs::rename(&beside, &path));
    if written.is_err() {
        // What went wrong is already known; the rest may not even be there.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn what_a_link_leads_to_is_replaced_and_nothing_is_left_beside() {
        let scratch = Scratch::new("replace");
        replace(&scratch.path("a"), b"1").unwrap();
        std::os::unix::fs::symlink("a", scratch.path("link")).unwrap();
        replace(&scratch.path("link"), b"2").unwrap();
        assert!(std::fs::symlink_metadata(scratch.path("link")).unwrap().is_symlink());
        assert_eq!(std::fs::read(scratch.path("a")).unwrap(), b"2");
        assert!(replace(&scratch.path("none/a"), b"").is_err());
        assert_eq!(std::fs::read_dir(scratch.path("")).unwrap().count(), 2);
    }
}
