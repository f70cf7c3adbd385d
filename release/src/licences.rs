//! The notices that must travel with what is linked: each crate's own files, each text once.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use anyhow::{Context, Result, bail};

use crate::{
    archive::Archive,
    cargo::run,
    linked::{Crate, Linked},
};

/// What goes along with everything.
#[derive(Debug)]
pub(crate) struct Notices {
    /// The project's own licence.
    pub(crate) own: Vec<u8>,
    /// Those of others.
    pub(crate) others: Vec<u8>,
}

impl Notices {
    /// `files`, with them.
    pub(crate) fn put_into(&self, files: Archive) -> Archive {
        files.with("licenses/LICENSE", 0o644, &self.own).with("licenses/third-party.txt", 0o644, &self.others)
    }
}

/// How the names of such files begin, in capitals.
const NAMES: [&str; 6] = ["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];

/// The text of the Apache License 2.0, which is the project's own.
const APACHE: &str = include_str!("../../LICENSE");

/// Whether an SPDX expression leaves the choice of the Apache License 2.0, whose text is the same for all.
fn offers_apache(expression: &str) -> bool {
    expression.split(" OR ").any(|choice| choice.trim() == "Apache-2.0")
}

/// The notices of all of `linked` that others wrote.
///
/// # Errors
/// Where a crate brings no such file and does not offer the Apache License 2.0: then somebody must look.
pub(crate) fn of(linked: &Linked) -> Result<Vec<u8>> {
    let others: Vec<_> = linked.crates.values().filter(|known| known.checksum.is_some()).collect();
    let mut whose: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for known in &others {
        let mut texts = texts(&known.sources)?;
        if texts.is_empty() && offers_apache(&known.licence) {
            texts.insert(APACHE.trim().to_owned());
        }
        if texts.is_empty() {
            bail!("{} {}: found no licence among its files, expected one", known.name, known.version);
        }
        for text in texts {
            whose.entry(text).or_default().insert(title(known));
        }
    }
    let mut told =
        String::from("Graylane is linked with these crates, each under the licence that stands beside it:\n\n");
    for known in &others {
        told.push_str(&format!("  {}: {}\n", title(known), known.licence));
    }
    told.push_str("\nand with Rust's standard library, whose notices are in rust-standard-library.html.\n");
    for (text, crates) in &whose {
        let crates: Vec<_> = crates.iter().map(String::as_str).collect();
        told.push_str(&format!("\n{}\n{}\n\n{text}\n", "=".repeat(80), crates.join(", ")));
    }
    Ok(told.into_bytes())
}

/// Those of the standard library, as the compiler that `root` pins brings them.
pub(crate) fn of_standard_library(root: &Path) -> Result<Vec<u8>> {
    let sysroot = run("rustc", root, &["--print", "sysroot"])?;
    let file = Path::new(sysroot.trim()).join("share/doc/rust/COPYRIGHT-library.html");
    fs::read(&file).with_context(|| file.display().to_string())
}

fn title(known: &Crate) -> String {
    format!("{} {}", known.name, known.version)
}

fn texts(sources: &Path) -> Result<BTreeSet<String>> {
    let said = || sources.display().to_string();
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(sources).with_context(said)? {
        let entry = entry.with_context(said)?;
        let name = entry.file_name().to_string_lossy().to_uppercase();
        if NAMES.iter().any(|begin| name.starts_with(begin)) && entry.path().is_file() {
            let text = fs::read(entry.path()).with_context(said)?;
            texts.insert(String::from_utf8_lossy(&text).replace("\r\n", "\n").trim().to_owned());
        }
    }
    Ok(texts)
}
