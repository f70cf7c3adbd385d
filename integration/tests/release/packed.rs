//! A release of what `make build` made, packed by the program that `make dist` runs.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use graylane_integration::{artefact, registry::Image, root};
use tempfile::TempDir;

/// The filter's image, in each of its layouts.
pub const LAYOUTS: [&str; 3] =
    ["graylane-filter-docker.tar", "graylane-filter-oci.tar", "graylane-filter-artifact.tar"];
/// The control plane's image.
pub const CONTROL: &str = "graylane-control.tar";

/// A release in a directory that goes with it.
#[derive(Debug)]
pub struct Packed {
    directory: TempDir,
}

impl Packed {
    /// Packs the filter and `binary`, a path from the root of the repository.
    pub fn with(binary: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "amd64" };
        let output = Command::new(artefact("target/debug/graylane-release"))
            .current_dir(root())
            .arg("--into")
            .arg(directory.path())
            .args(["--wasm", "dist/graylane.wasm"])
            .arg("--binary")
            .arg(format!("{architecture}={}", artefact(binary).display()))
            .output()
            .expect("the packer starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        Self { directory }
    }

    /// Packs the binary of every day. It is not static, so the control plane's image is whole, and does not run.
    pub fn new() -> Self {
        Self::with("target/debug/graylane")
    }

    /// The directory.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A file's path.
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// A file.
    pub fn file(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    /// A file of text.
    pub fn text(&self, name: &str) -> String {
        String::from_utf8(self.file(name)).unwrap_or_else(|why| panic!("{name}: {why}"))
    }

    /// An image.
    pub fn image(&self, name: &str) -> Image {
        Image::read(&self.path(name))
    }

    /// The digests that it says its images have, by file.
    pub fn digests(&self) -> BTreeMap<String, String> {
        let text = self.text("image-digests.txt");
        let lines = text.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        lines.map(|words| (words[1].to_owned(), words[0].to_owned())).collect()
    }
}
