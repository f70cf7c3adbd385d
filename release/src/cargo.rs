//! What cargo knows: which crates are linked into what, where their sources lie, and what they were checked against.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    process::Command,
};

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::linked::{Crate, Linked};

/// This workspace and the crates of its Cargo.lock.
#[derive(Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
    /// The version of the compiler that is pinned here.
    compiler: String,
    /// By name and version.
    crates: BTreeMap<(String, String), Crate>,
}

#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    version: String,
    license: Option<String>,
    manifest_path: PathBuf,
}

#[derive(Deserialize)]
struct Lock {
    package: Vec<Locked>,
}

#[derive(Deserialize)]
struct Locked {
    name: String,
    version: String,
    checksum: Option<String>,
}

impl Workspace {
    /// Asks cargo about the workspace at `root`.
    pub(crate) fn read(root: &Path) -> Result<Self> {
        let lock = std::fs::read_to_string(root.join("Cargo.lock")).context("Cargo.lock")?;
        let lock: Lock = toml::from_str(&lock).context("Cargo.lock")?;
        let checksums: BTreeMap<_, _> =
            lock.package.into_iter().map(|locked| ((locked.name, locked.version), locked.checksum)).collect();
        let metadata = run("cargo", root, &["metadata", "--format-version=1", "--locked"])?;
        let metadata: Metadata = serde_json::from_str(&metadata).context("cargo metadata")?;
        let mut crates = BTreeMap::new();
        for package in metadata.packages {
            let key = (package.name.clone(), package.version.clone());
            let Some(licence) = package.license else {
                bail!("{} {}: found no licence, expected its manifest to name one", package.name, package.version)
            };
            let known = Crate {
                name: package.name,
                version: package.version,
                // The older spelling of a choice, which is no SPDX expression.
                licence: licence.replace('/', " OR "),
                sources: package.manifest_path.parent().map(Path::to_owned).unwrap_or_default(),
                checksum: checksums.get(&key).cloned().flatten(),
            };
            crates.insert(key, known);
        }
        let said = run("rustc", root, &["-vV"])?;
        let release = said.lines().find_map(|line| line.strip_prefix("release: "));
        let compiler = release.with_context(|| format!("rustc -vV: found {said:?}, expected a release"))?.to_owned();
        Ok(Self { root: root.to_owned(), compiler, crates })
    }

    /// The version of the compiler that is pinned here.
    pub(crate) fn compiler(&self) -> &str {
        &self.compiler
    }

    /// What is linked into `package`, built for `target` with its own features: no proc macros, no build scripts, no tests.
    pub(crate) fn linked(&self, package: &str, target: &str) -> Result<Linked> {
        let edges = ["--edges=normal,no-proc-macro", "--prefix=depth", "--format= {p} "];
        let chosen = ["tree", "--locked", "--package", package, "--target", target];
        let tree = run("cargo", &self.root, &[chosen.as_slice(), &edges].concat())?;
        Linked::read(&tree, |name, version| self.crates.get(&(name.to_owned(), version.to_owned())).cloned())
            .with_context(|| format!("cargo tree --package {package}"))
    }
}

/// What `command` prints.
pub(crate) fn run(command: &str, root: &Path, arguments: &[&str]) -> Result<String> {
    let output =
        Command::new(command).args(arguments).current_dir(root).output().with_context(|| command.to_owned())?;
    if !output.status.success() {
        bail!("{command} {}: {}", arguments.join(" "), String::from_utf8_lossy(&output.stderr).trim());
    }
    Ok(String::from_utf8(output.stdout)?)
}
