//! The names of files within a revision: whatever is told of a document is told by the name of its file, so that each has its own.

use std::{collections::BTreeSet, path::Path};

use super::Held;
use crate::documents::{Document, FILE_NAME_LIMIT};

/// `new` beside `others`, of which nobody takes away a name: of two that are called `shop.yaml` the new one is `shop-2.yaml`.
pub fn beside(others: Vec<Document>, new: Vec<Document>) -> Vec<Document> {
    let mut taken: BTreeSet<String> = others.iter().map(|document| document.file.clone()).collect();
    let mut all = others;
    for mut document in new {
        document.file = free(&document.file, &taken);
        taken.insert(document.file.clone());
        all.push(document);
    }
    all
}

/// `file`, or where that is taken, the first such name with a number that is not; cut where it would be too long.
pub fn free(file: &str, taken: &BTreeSet<String>) -> String {
    // What ends a lock's name is two words.
    let ending = [".lock.yaml", ".lock.yml", ".lock.json"].into_iter().find(|ending| file.ends_with(ending));
    let of_path = || Path::new(file).extension().map(|extension| format!(".{}", extension.to_string_lossy()));
    let ending = ending.map(str::to_owned).or_else(of_path).unwrap_or_default();
    let stem = file.strip_suffix(ending.as_str()).unwrap_or(file);
    let cut = |behind: &str| {
        let room = FILE_NAME_LIMIT.saturating_sub(behind.len());
        format!("{}{behind}", stem.get(..stem.floor_char_boundary(room)).unwrap_or_default())
    };
    let numbered = (2_u64..).map(|number| cut(&format!("-{number}{ending}")));
    let mut names = std::iter::once(cut(&ending)).chain(numbered);
    names.find(|name| !taken.contains(name)).unwrap_or_default()
}

/// That no two documents have one name.
///
/// # Errors
/// Which name two have.
pub fn expect_each_once(documents: &[Document]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    match documents.iter().find(|document| !seen.insert(&document.file)) {
        Some(twice) => Err(format!("found the file {:?} twice, expected it once", twice.file)),
        None => Ok(()),
    }
}

/// The documents of a revision that may not be of this namespace's own making, each under a name that a revision may hold.
///
/// # Errors
/// Where one has no such name, or two have the same.
pub fn of_revision(held: &[Held]) -> Result<Vec<Document>, String> {
    let read = held.iter().map(|held| Document::named(held.entry.file.clone(), held.text.to_vec()));
    let documents = read.collect::<Result<Vec<_>, _>>()?;
    expect_each_once(&documents)?;
    Ok(documents)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_is_taken_gets_a_number() {
        let taken = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<BTreeSet<_>>();
        assert_eq!(free("a.yaml", &taken(&["b.yaml"])), "a.yaml");
        assert_eq!(free("a.yaml", &taken(&["a.yaml", "a-2.yaml"])), "a-3.yaml");
        assert_eq!(free("a.lock.yaml", &taken(&["a.lock.yaml"])), "a-2.lock.yaml");
        assert_eq!(free("a.b.json", &taken(&["a.b.json"])), "a.b-2.json");
        let long = free(&format!("{}.lock.yaml", "é".repeat(125)), &taken(&[]));
        assert_eq!((long.len(), long.ends_with("é.lock.yaml")), (254, true), "{long}");
        assert_eq!(free(&long, &taken(&[&long])).len(), 254);
    }
}
