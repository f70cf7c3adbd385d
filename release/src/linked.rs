//! What is linked into an artefact: crates, and which of them needs which.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
};

use anyhow::{Context, Result, bail};

/// A crate.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Crate {
    pub(crate) name: String,
    pub(crate) version: String,
    /// An SPDX expression.
    pub(crate) licence: String,
    /// Where its sources lie.
    pub(crate) sources: PathBuf,
    /// The SHA-256 by which cargo checked what it downloaded; None for the members of this workspace.
    pub(crate) checksum: Option<String>,
}

impl Crate {
    /// Its package URL.
    pub(crate) fn purl(&self) -> String {
        // A plus, as in versions with metadata, must be escaped.
        format!("pkg:cargo/{}@{}", self.name, self.version.replace('+', "%2B"))
    }
}

/// What is linked, by package URL.
#[derive(Debug)]
pub(crate) struct Linked {
    /// What is built.
    pub(crate) root: String,
    pub(crate) crates: BTreeMap<String, Crate>,
    /// Whom each needs at once.
    pub(crate) needs: BTreeMap<String, BTreeSet<String>>,
}

impl Linked {
    /// Reads what `cargo tree --prefix=depth --format=' {p} '` prints; `known` tells a crate by name and version.
    pub(crate) fn read(tree: &str, known: impl Fn(&str, &str) -> Option<Crate>) -> Result<Self> {
        let mut linked = Self { root: String::new(), crates: BTreeMap::new(), needs: BTreeMap::new() };
        // The line above, the one that needs it, and so on up to the root.
        let mut path: Vec<String> = Vec::new();
        for line in tree.lines() {
            let mut words = line.split_whitespace();
            let mut next = || words.next().with_context(|| format!("found {line:?}, expected depth, name, version"));
            let (depth, name, version) = (next()?.parse::<usize>()?, next()?, next()?.trim_start_matches('v'));
            let found = known(name, version).with_context(|| format!("found {name} {version}, which is not locked"))?;
            if depth > path.len() {
                bail!("found {line:?} below depth {}, expected it at most one deeper", path.len());
            }
            path.truncate(depth);
            let purl = found.purl();
            match path.last() {
                Some(parent) => {
                    linked.needs.entry(parent.clone()).or_default().insert(purl.clone());
                }
                None => linked.root.clone_from(&purl),
            }
            linked.needs.entry(purl.clone()).or_default();
            linked.crates.insert(purl.clone(), found);
            path.push(purl);
        }
        if linked.root.is_empty() {
            bail!("found no crate, expected one or more");
        }
        Ok(linked)
    }

    /// The crates of either; the root is the first's.
    pub(crate) fn both(mut one: Self, other: Self) -> Self {
        one.crates.extend(other.crates);
        for (purl, needs) in other.needs {
            one.needs.entry(purl).or_default().extend(needs);
        }
        one
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn known(name: &str, version: &str) -> Option<Crate> {
        let (licence, sources) = ("MIT".to_owned(), PathBuf::new());
        (name != "unknown").then(|| Crate {
            name: name.to_owned(),
            version: version.to_owned(),
            licence,
            sources,
            checksum: None,
        })
    }

    #[test]
    fn a_tree_is_read_with_who_needs_whom() {
        let tree = "0 top v1.0.0 (/home/x) \n1 left v2.0.0 \n2 leaf v3.0.0 \n1 right v2.1.0 \n2 leaf v3.0.0  (*)\n";
        let linked = Linked::read(tree, known).expect("a tree");
        assert_eq!(linked.root, "pkg:cargo/top@1.0.0");
        let needs =
            |purl: &str| linked.needs.get(purl).expect("a crate").iter().map(String::as_str).collect::<Vec<_>>();
        assert_eq!(needs("pkg:cargo/top@1.0.0"), ["pkg:cargo/left@2.0.0", "pkg:cargo/right@2.1.0"]);
        assert_eq!(needs("pkg:cargo/right@2.1.0"), ["pkg:cargo/leaf@3.0.0"]);
        assert_eq!(needs("pkg:cargo/leaf@3.0.0"), [""; 0]);
    }

    #[test]
    fn what_is_no_tree_is_refused() {
        for wrong in ["", "0 unknown v1.0.0 ", "x top v1.0.0 ", "0 top ", "1 top v1.0.0 "] {
            assert!(Linked::read(wrong, known).is_err(), "found {wrong:?} read");
        }
    }
}
