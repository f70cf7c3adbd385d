//! What a directory looks like from outside: enough to see that something changed.

use std::{
    ffi::OsString,
    fs::Metadata,
    io,
    os::unix::fs::MetadataExt as _,
    path::{Path, PathBuf},
};

/// The look of a directory's documents; equal means, almost surely, that nothing changed.
#[derive(Debug, PartialEq, Eq)]
pub struct Mark(Result<Vec<(OsString, File)>, io::ErrorKind>);

/// The file a name leads to, links followed.
#[derive(Debug, PartialEq, Eq)]
enum File {
    Found { device: u64, inode: u64, size: u64, modified: (i64, i64), changed: (i64, i64) },
    Lost(io::ErrorKind),
}

impl Mark {
    /// How `directory` looks now.
    pub fn of(directory: &Path) -> Self {
        let files = crate::documents::in_directory(directory);
        Self(files.map(|files| files.into_iter().map(look).collect()).map_err(|why| why.kind()))
    }
}

fn look(path: PathBuf) -> (OsString, File) {
    let file = std::fs::metadata(&path).map_or_else(|why| File::Lost(why.kind()), |metadata| File::of(&metadata));
    (path.into_os_string(), file)
}

impl File {
    fn of(metadata: &Metadata) -> Self {
        File::Found {
            device: metadata.dev(),
            inode: metadata.ino(),
            size: metadata.size(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn contents_names_links_and_absence_show() {
        let scratch = Scratch::new("mark");
        let rules = scratch.path("rules");
        let mut marks = vec![Mark::of(&rules)];
        let mut next = || {
            let mark = Mark::of(&rules);
            assert!(!marks.contains(&mark), "unseen: {mark:?}");
            assert_eq!(mark, Mark::of(&rules));
            marks.push(mark);
        };
        std::fs::create_dir(&rules).unwrap();
        next();
        std::fs::write(rules.join("a.yaml"), "1").unwrap();
        next();
        std::fs::write(rules.join("a.yaml"), "12").unwrap();
        next();
        std::fs::rename(rules.join("a.yaml"), rules.join("b.yaml")).unwrap();
        next();
        std::os::unix::fs::symlink("gone", rules.join("c.json")).unwrap();
        next();
        std::fs::write(rules.join(".hidden.yaml"), "").unwrap();
        std::fs::write(rules.join("notes.txt"), "").unwrap();
        assert_eq!(Mark::of(&rules), *marks.last().unwrap());
    }
}
