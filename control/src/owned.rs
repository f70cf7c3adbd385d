//! The headers only Graylane may set: hidden from every decision, as Envoy's filter strips them first.

use std::collections::BTreeSet;

use graylane_rules::Snapshot;

use crate::request::Request;

/// A set of owned header names.
pub struct Owned(BTreeSet<Vec<u8>>);

impl Owned {
    /// What `snapshot` may set, and the names in `extra` (checked, lower case).
    pub fn new(snapshot: &Snapshot, extra: &[String]) -> Self {
        let own = snapshot.header_names().map(<[u8]>::to_vec);
        Self(own.chain(extra.iter().map(|name| name.as_bytes().to_vec())).collect())
    }

    /// Whether the header is owned, or the underscore twin of an owned one: many upstreams read `x_a` as `x-a`.
    fn includes(&self, name: &[u8]) -> bool {
        self.0.iter().any(|owned| graylane_rules::owned::covers(owned, name))
    }

    /// Takes the owned headers of `request` from its headers to those it [carries](Request::carried), and gives their names,
    /// each once, in order of appearance.
    pub fn strip(&self, request: &mut Request) -> Vec<String> {
        let mut stripped: Vec<String> = Vec::new();
        let headers = std::mem::take(&mut request.headers).into_iter();
        (request.carried, request.headers) = headers.partition(|(name, _)| self.includes(name.as_bytes()));
        for (name, _) in &request.carried {
            if !stripped.contains(name) {
                stripped.push(name.clone());
            }
        }
        stripped
    }
}

/// Checks a name given with `--owned`; blanks around it, as behind a comma, do not count.
///
/// # Errors
/// What was found and what would be right.
pub fn parse_name(name: &str) -> Result<String, String> {
    let name = name.trim_matches(' ');
    graylane_rules::owned::check(name).map_err(|expected| format!("found {name:?}, expected {expected}"))?;
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn owned_headers_and_their_twins_are_stripped_and_nothing_else() {
        let owned = Owned(BTreeSet::from([b"x-gray-variant".to_vec()]));
        let headers = ["x-gray-variant", "x_gray-variant", "x-gray", "x-gray-variant"];
        let mut request = Request::to("/");
        request.headers = headers.map(|name| (name.to_owned(), Vec::new())).to_vec();
        assert_eq!(owned.strip(&mut request), ["x-gray-variant", "x_gray-variant"]);
        assert_eq!(request.headers.len(), 1);
    }
}
