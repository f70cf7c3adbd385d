//! Who moves, of identities that are named: each is decided by what is published and by what would be.

use std::collections::BTreeMap;

use graylane_rules::{Outline, Snapshot};
use serde::{Deserialize, Serialize};

use crate::{
    curl,
    request::Request,
    subject::{Carriers, Subject},
};

/// Which of the identities that were named move.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Movement {
    /// How many were named.
    pub identities: usize,
    /// How many of them get another variant in some header.
    pub moved: usize,
    /// From which variant to which, for each variant header.
    pub moves: Vec<Move>,
}

/// Identities that get another variant.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Move {
    /// The header that carries it.
    pub variant_header: String,
    /// What they have; None: nothing decides.
    pub from: Option<String>,
    /// What they would get; None: nothing would decide.
    pub to: Option<String>,
    /// How many.
    pub identities: usize,
}

/// Variants by their header.
type Variants = BTreeMap<String, String>;

/// Who moves from `old` to `new`, of `identities`, in a GET of `url`.
///
/// # Errors
/// A URL that is none, or rule sets that read no identity from a header or a cookie.
pub fn between(
    old: (&Snapshot, &Outline),
    new: (&Snapshot, &Outline),
    identities: &[String],
    url: &str,
) -> Result<Movement, String> {
    let carriers = Carriers::of(new.1)?;
    let carriers = match Carriers::of(old.1) {
        Ok(before) => carriers.and(before),
        Err(_) => carriers,
    };
    let shape = carriers.emptied(curl::parse(&[url.to_owned()])?);
    let mut moves: BTreeMap<(String, Option<String>, Option<String>), usize> = BTreeMap::new();
    let mut moved = 0_usize;
    for identity in identities {
        let decided = |snapshot: &Snapshot| variants(snapshot, &shape, &carriers, identity);
        let (was, is) = (decided(old.0), decided(new.0));
        moved = moved.saturating_add(usize::from(was != is));
        let headers = was.keys().chain(is.keys().filter(|header| !was.contains_key(*header)));
        for header in headers.filter(|header| was.get(*header) != is.get(*header)) {
            let key = (header.clone(), was.get(header).cloned(), is.get(header).cloned());
            let count = moves.entry(key).or_default();
            *count = count.saturating_add(1);
        }
    }
    let moves =
        moves.into_iter().map(|((variant_header, from, to), identities)| Move { variant_header, from, to, identities });
    Ok(Movement { identities: identities.len(), moved, moves: moves.collect() })
}

fn variants(snapshot: &Snapshot, shape: &Request, carriers: &Carriers, identity: &str) -> Variants {
    let subject = Subject::new(shape, carriers, identity.as_bytes());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    snapshot.decide(&subject).map(|decision| (text(decision.variant_header()), text(decision.variant()))).collect()
}
