//! What the tokens of a request claim.

use std::{cell::RefCell, collections::BTreeMap, rc::Rc};

use super::VALUES_LIMIT;
use crate::{
    Attributes,
    claims::{self, Claims},
};

/// What each line of a header claims; None of a line that is no sound token.
type Lines = Rc<[Option<Claims>]>;

/// The tokens that rules asked for, by the header that carries them: however many claims are asked for, a line is read once.
#[derive(Default)]
pub(super) struct Tokens<'r>(RefCell<BTreeMap<&'r [u8], Lines>>);

impl<'r> Tokens<'r> {
    /// Whether `holds` for any value of the claim `name`.
    pub(super) fn any(
        &self,
        request: &'r impl Attributes,
        name: &'r [u8],
        mut holds: impl FnMut(&[u8]) -> bool,
    ) -> bool {
        let (header, names) = parts(name);
        let lines = self.lines(request, header);
        values(&lines, names).any(|value| holds(value))
    }

    /// The one value of the claim `name`, if the header is there once.
    pub(super) fn only(&self, request: &'r impl Attributes, name: &'r [u8]) -> Option<Vec<u8>> {
        let (header, names) = parts(name);
        match &*self.lines(request, header) {
            [Some(claims)] => match claims.values(names) {
                [value] => Some(value.clone()),
                _ => None,
            },
            _ => None,
        }
    }

    fn lines(&self, request: &'r impl Attributes, header: &'r [u8]) -> Lines {
        let mut known = self.0.borrow_mut();
        Rc::clone(known.entry(header).or_insert_with(|| request.headers(header).map(claims::read).collect()))
    }
}

/// The first values of a claim, over all lines.
fn values<'l, 'n>(
    lines: &'l [Option<Claims>],
    names: impl Iterator<Item = &'n [u8]> + Clone,
) -> impl Iterator<Item = &'l Vec<u8>> {
    lines.iter().flatten().flat_map(move |claims| claims.values(names.clone())).take(VALUES_LIMIT)
}

/// The header of a claim's name, and the names that lead to the claim.
pub(crate) fn parts(name: &[u8]) -> (&[u8], impl Iterator<Item = &[u8]> + Clone) {
    let mut parts = name.split(|&byte| byte == 0);
    (parts.next().unwrap_or_default(), parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Each of many rules may go over them.
    #[test]
    fn a_client_may_send_more_values_than_anybody_looks_at() {
        // {"g": ["a", "a", …]} in base64url: "ICJhIiwg" is ` "a", `, and "ImEiXX0K" is `"a"]}` with a line's end.
        let line = |times: usize| format!("eyJnIjogWyAg{}ImEiXX0K", "ICJhIiwg".repeat(times));
        for (times, found) in [(0, 2), (100, 202), (128, 256), (1_900, 256)] {
            let line = line(times);
            let lines = [claims::read(line.as_bytes()), None, claims::read(line.as_bytes())];
            let names = || [&b"g"[..]].into_iter();
            assert_eq!(values(&lines, names()).count(), found, "{times}");
        }
    }
}
