//! Archives that depend on nothing but their content: no time, no owner, entries in the order of their names.

use std::{collections::BTreeMap, io::Write};

use anyhow::Result;
use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

/// What an archive holds: paths without a leading slash; a directory is there because a file is in it.
#[derive(Debug, Default)]
pub(crate) struct Archive {
    entries: BTreeMap<String, Entry>,
}

#[derive(Debug)]
struct Entry {
    mode: u32,
    /// None for a directory.
    bytes: Option<Vec<u8>>,
}

impl Archive {
    /// With a file besides, and the directories above it.
    pub(crate) fn with(mut self, path: &str, mode: u32, bytes: &[u8]) -> Self {
        for (end, _) in path.match_indices('/') {
            let directory = path.get(..=end).unwrap_or_default().to_owned();
            self.entries.entry(directory).or_insert(Entry { mode: 0o755, bytes: None });
        }
        self.entries.insert(path.to_owned(), Entry { mode, bytes: Some(bytes.to_vec()) });
        self
    }

    /// The archive.
    pub(crate) fn tar(&self) -> Result<Vec<u8>> {
        let mut builder = Builder::new(Vec::new());
        for (path, entry) in &self.entries {
            let bytes = entry.bytes.as_deref().unwrap_or_default();
            let mut header = Header::new_ustar();
            header.set_entry_type(if entry.bytes.is_some() { EntryType::Regular } else { EntryType::Directory });
            header.set_mode(entry.mode);
            header.set_size(bytes.len() as u64);
            header.set_mtime(0);
            header.set_uid(0);
            header.set_gid(0);
            builder.append_data(&mut header, path, bytes)?;
        }
        Ok(builder.into_inner()?)
    }
}

/// `bytes`, compressed: without a name, a time or the name of a system in the header.
pub(crate) fn gzip(bytes: &[u8]) -> Result<Vec<u8>> {
    let mut encoder = GzBuilder::new().mtime(0).operating_system(255).write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    Ok(encoder.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_what_is_put_in_does_not_show() {
        let one = Archive::default().with("b/c", 0o644, b"c").with("a", 0o755, b"a");
        let other = Archive::default().with("a", 0o755, b"a").with("b/c", 0o644, b"c");
        let (one, other) = (one.tar().expect("an archive"), other.tar().expect("an archive"));
        assert_eq!(one, other);
        let mut read = tar::Archive::new(one.as_slice());
        let names: Vec<_> = read
            .entries()
            .expect("entries")
            .map(|entry| entry.expect("an entry").path().expect("a path").display().to_string())
            .collect();
        assert_eq!(names, ["a", "b/", "b/c"]);
    }

    #[test]
    fn the_header_of_what_is_compressed_tells_nothing() {
        let packed = gzip(b"text").expect("compressed");
        assert_eq!(packed.get(..10), Some([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255].as_slice()));
    }
}
