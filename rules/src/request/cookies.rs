//! Cookies: not decoded, trimmed, those of all cookie lines in order.

use memchr::memchr_iter;

use super::split_at;
use crate::Attributes;

/// Up to so many cookies are looked at one after the other.
const FEW: usize = 64;
/// Up to so many bytes are looked at for each name that is asked for.
const SHORT: usize = 8_192;

/// How the cookies of one request are looked up.
pub(super) enum Cookies<'r> {
    /// Few enough to be looked through again for each name.
    Short,
    /// Many or long ones: taken apart once, on the heap, sorted by name, those of one name in order. So the work does not
    /// grow with what is sent times what is asked.
    Long(Vec<(&'r [u8], &'r [u8])>),
}

impl<'r> Cookies<'r> {
    pub(super) fn of<A: Attributes>(request: &'r A) -> Self {
        let (mut bytes, mut cookies) = (0_usize, 0_usize);
        for line in request.headers(b"cookie") {
            bytes = bytes.saturating_add(line.len());
            // What is too long already is not counted.
            let more = if bytes > SHORT { 0 } else { memchr_iter(b';', line).count() };
            cookies = cookies.saturating_add(more).saturating_add(1);
        }
        if bytes <= SHORT && cookies <= FEW {
            return Self::Short;
        }
        let mut sorted: Vec<_> = pairs(request).collect();
        sorted.sort_by_key(|(name, _)| *name);
        Self::Long(sorted)
    }

    /// The values of a cookie, in order.
    pub(super) fn values<A: Attributes>(&self, request: &'r A, name: &[u8]) -> impl Iterator<Item = &'r [u8]> {
        let (short, sorted) = match self {
            Self::Short => (Some(pairs(request)), &[][..]),
            Self::Long(sorted) => {
                let first = sorted.partition_point(|(found, _)| *found < name);
                (None, sorted.get(first..).unwrap_or_default())
            }
        };
        let sorted = sorted.iter().copied().take_while(move |(found, _)| *found == name);
        let short = short.into_iter().flatten().filter(move |(found, _)| *found == name);
        short.chain(sorted).map(|(_, value)| value)
    }
}

fn pairs<A: Attributes>(request: &A) -> impl Iterator<Item = (&[u8], &[u8])> {
    let pairs = request.headers(b"cookie").flat_map(|line| line.split(|&byte| byte == b';'));
    pairs.filter_map(|pair| split_at(pair, b'=')).map(|(name, value)| (trim(name), trim(value)))
}

fn trim(bytes: &[u8]) -> &[u8] {
    let blank = |byte: &u8| matches!(byte, b' ' | b'\t');
    let start = bytes.iter().position(|byte| !blank(byte)).unwrap_or(bytes.len());
    let end = bytes.iter().rposition(|byte| !blank(byte)).map_or(start, |last| last.saturating_add(1));
    bytes.get(start..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::Asked;

    struct Lines(Vec<String>);

    impl Attributes for Lines {
        fn method(&self) -> Option<&[u8]> {
            None
        }

        fn target(&self) -> Option<&[u8]> {
            None
        }

        fn authority(&self) -> Option<&[u8]> {
            None
        }

        fn headers<'a>(&'a self, _: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
            self.0.iter().map(String::as_bytes)
        }
    }

    #[test]
    fn long_and_short_ones_are_read_alike() {
        let short = vec!["a=1; b = 2 ;none;a=3".to_owned(), " c=4=5;a=6".to_owned()];
        let with = |more: String| short.iter().cloned().chain([more]).collect();
        let long = with(format!("x={}", "y".repeat(SHORT)));
        let many = with("x=y;".repeat(FEW));
        let wanted: [(&[u8], &[&[u8]]); 4] =
            [(b"a", &[b"1", b"3", b"6"]), (b"b", &[b"2"]), (b"c", &[b"4=5"]), (b"d", &[])];
        for (lines, is_short) in [(short.clone(), true), (long, false), (many, false)] {
            let lines = Lines(lines);
            let cookies = Cookies::of(&lines);
            assert_eq!(matches!(cookies, Cookies::Short), is_short);
            for (name, values) in wanted {
                assert_eq!(cookies.values(&lines, name).collect::<Vec<_>>(), values, "{name:?}");
            }
        }
    }

    /// Each of many rules may go over them.
    #[test]
    fn a_client_may_send_more_values_than_anybody_looks_at() {
        for (times, found) in [(1, 2), (100, 200), (128, 256), (9_000, 256)] {
            let lines = Lines(vec!["a=1; ".repeat(times); 2]);
            assert_eq!(Asked::new(&lines, None).cookies(b"a").count(), found, "{times}");
        }
    }
}
