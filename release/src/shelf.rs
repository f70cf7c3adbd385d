//! The directory of a release.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};

use crate::{digest, layout::Image};

/// The directory, and what was put there.
#[derive(Debug)]
pub(crate) struct Shelf {
    directory: PathBuf,
    sums: BTreeMap<String, String>,
    images: String,
}

/// What tells a release from a directory that somebody keeps other things in.
const SUMS: &str = "SHA256SUMS";

impl Shelf {
    /// Empties `directory`, or makes it.
    ///
    /// # Errors
    /// Where something lies there that is no release.
    pub(crate) fn new(directory: &Path) -> Result<Self> {
        let said = || directory.display().to_string();
        if directory.exists() {
            let empty = fs::read_dir(directory).with_context(said)?.next().is_none();
            if !empty && !directory.join(SUMS).is_file() {
                bail!("{}: found files and no {SUMS}, expected nothing or a release, which would be replaced", said());
            }
            fs::remove_dir_all(directory).with_context(said)?;
        }
        fs::create_dir_all(directory).with_context(said)?;
        Ok(Self { directory: directory.to_owned(), sums: BTreeMap::new(), images: String::new() })
    }

    /// Puts a file there.
    pub(crate) fn add(&mut self, name: &str, bytes: &[u8], mode: u32) -> Result<()> {
        let path = self.directory.join(name);
        fs::write(&path, bytes).with_context(|| path.display().to_string())?;
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).with_context(|| path.display().to_string())?;
        self.sums.insert(name.to_owned(), digest::hex(bytes));
        Ok(())
    }

    /// Puts an image there.
    pub(crate) fn add_image(&mut self, image: &Image) -> Result<()> {
        self.images.push_str(&format!("{}  {}  {}\n", image.digest, image.file, image.media_type));
        self.add(&image.file, &image.tar, 0o644)
    }

    /// Writes the digests of the images, which are printed as well, and the checksums of all files.
    pub(crate) fn close(mut self) -> Result<()> {
        let images = std::mem::take(&mut self.images);
        self.add("image-digests.txt", images.as_bytes(), 0o644)?;
        let sums: String = self.sums.iter().map(|(name, sum)| format!("{sum}  {name}\n")).collect();
        let path = self.directory.join(SUMS);
        fs::write(&path, sums).with_context(|| path.display().to_string())?;
        print!("{images}");
        Ok(())
    }
}
