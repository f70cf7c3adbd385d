//! Networks: CIDR blocks as ranges of addresses, which a snapshot keeps sorted and apart from each other.
//!
//! An IPv4 address and the IPv6 address that maps it (`::ffff:10.1.2.3`) are one address. Blocks of IPv6 that are larger than
//! all mapped addresses (`::/0`) leave those out: IPv4 is asked for by IPv4 blocks alone.

use std::{
    fmt,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    ops::RangeInclusive,
};

use crate::order;

/// The first and the last address of a range.
pub(crate) type Range = (u128, u128);

/// The bytes of a range in a snapshot: both ends, big-endian.
pub(crate) const RANGE_SIZE: usize = 32;

/// Where IPv6 maps IPv4.
const MAPPED: RangeInclusive<u128> = 0xffff_0000_0000..=0xffff_ffff_ffff;

/// The longest text of an address, in bytes: `[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255%4294967295]:65535`.
const ADDRESS_LIMIT: usize = 64;

/// An address as a number.
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(address) => address.to_ipv6_mapped().to_bits(),
        IpAddr::V6(address) => address.to_bits(),
    }
}

/// The address a value is, and its port if it has one: `10.1.2.3`, `2001:db8::1`, `[2001:db8::1]:443`.
pub(crate) fn address(value: &[u8]) -> Option<(u128, Option<u16>)> {
    if value.len() > ADDRESS_LIMIT {
        return None;
    }
    let text = str::from_utf8(value).ok()?;
    let with_port = || text.parse::<SocketAddr>().map(|address| (number(address.ip()), Some(address.port())));
    text.parse::<IpAddr>().map(|address| (number(address), None)).or_else(|_| with_port()).ok()
}

/// Whether `value` is an address within one of `ranges`, which are written as [`bytes`] does.
pub(crate) fn contains(ranges: &[u8], value: &[u8]) -> bool {
    address(value).is_some_and(|(address, _)| includes(ranges, (address, address)))
}

/// Whether a range lies within one of `ranges`, which are written as [`bytes`] does.
pub(crate) fn includes(ranges: &[u8], (first, last): Range) -> bool {
    let (ranges, _) = ranges.as_chunks::<RANGE_SIZE>();
    let behind = ranges.partition_point(|range| ends(range).0 <= first);
    let found = behind.checked_sub(1).and_then(|place| ranges.get(place));
    found.is_some_and(|range| last <= ends(range).1)
}

fn ends(range: &[u8; RANGE_SIZE]) -> Range {
    let (first, last) = range.split_at(RANGE_SIZE / 2);
    let number = |bytes: &[u8]| bytes.try_into().map_or(0, u128::from_be_bytes);
    (number(first), number(last))
}

/// Ranges as a snapshot keeps them: sorted, and those that touch made one.
pub(crate) fn bytes(mut ranges: Vec<Range>) -> Vec<u8> {
    order::sort(&mut ranges);
    let mut merged: Vec<Range> = Vec::with_capacity(ranges.len());
    for (first, last) in ranges {
        match merged.last_mut() {
            Some((_, end)) if first <= end.saturating_add(1) => *end = last.max(*end),
            _ => merged.push((first, last)),
        }
    }
    merged.iter().flat_map(|(first, last)| [first.to_be_bytes(), last.to_be_bytes()]).flatten().collect()
}

/// The ranges that [`bytes`] wrote.
pub(crate) fn ranges(bytes: &[u8]) -> impl ExactSizeIterator<Item = Range> {
    bytes.as_chunks::<RANGE_SIZE>().0.iter().map(ends)
}

/// Reads a block, `10.0.0.0/8`; it is one range, or two around all mapped addresses.
///
/// # Errors
/// What would be right.
pub(crate) fn block(text: &str) -> Result<Vec<Range>, String> {
    const EXPECTED: &str = "a network such as 10.0.0.0/8 or \"2001:db8::/32\"";
    let Some((address, prefix)) = text.split_once('/') else {
        return Err(match text.parse::<IpAddr>() {
            Ok(address) => format!("{EXPECTED}; one address alone is {address}/{}", width(address)),
            Err(_) => EXPECTED.to_owned(),
        });
    };
    let address: IpAddr = address.parse().map_err(|_| EXPECTED.to_owned())?;
    let width = width(address);
    let plain = prefix == "0" || !prefix.starts_with(['0', '+']);
    let prefix = prefix.parse::<u32>().ok().filter(|&prefix| plain && prefix <= width);
    let prefix = prefix.ok_or_else(|| format!("a prefix length from 0 to {width}"))?;
    let host_bits = width.saturating_sub(prefix);
    let host = 1u128.checked_shl(host_bits).map_or(u128::MAX, |size| size.wrapping_sub(1));
    let first = number(address);
    if first & host != 0 {
        let right = shown(first & !host, matches!(address, IpAddr::V4(_)));
        return Err(format!("{right}/{prefix}: the bits behind the prefix are 0"));
    }
    Ok(without_mapped(first, first | host))
}

fn width(address: IpAddr) -> u32 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn without_mapped(first: u128, last: u128) -> Vec<Range> {
    let (start, end) = (*MAPPED.start(), *MAPPED.end());
    if first > start || last < end || (first, last) == (start, end) {
        return vec![(first, last)];
    }
    // Blocks are aligned, so one that holds all mapped addresses and more begins before them and ends behind them.
    vec![(first, start.wrapping_sub(1)), (end.wrapping_add(1), last)]
}

fn shown(address: u128, v4: bool) -> IpAddr {
    let mapped = Ipv6Addr::from_bits(address);
    match mapped.to_ipv4_mapped().filter(|_| v4) {
        Some(address) => IpAddr::V4(address),
        None => IpAddr::V6(mapped),
    }
}

/// A range as a person would write it: a block where it is one.
pub(crate) struct Words(pub(crate) Range);

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (first, last) = self.0;
        let v4 = MAPPED.contains(&first) && MAPPED.contains(&last);
        let host = first ^ last;
        let is_block = host & host.wrapping_add(1) == 0 && first & host == 0;
        let width = if v4 { Ipv4Addr::BITS } else { Ipv6Addr::BITS };
        if is_block {
            write!(f, "{}/{}", shown(first, v4), width.saturating_sub(host.count_ones()))
        } else {
            write!(f, "{} to {}", shown(first, v4), shown(last, v4))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(blocks: &[&str]) -> Vec<u8> {
        bytes(blocks.iter().flat_map(|text| block(text).unwrap()).collect())
    }

    fn words(blocks: &[&str]) -> Vec<String> {
        ranges(&written(blocks)).map(|range| Words(range).to_string()).collect()
    }

    #[test]
    fn blocks_hold_what_lies_within_them() {
        let blocks = written(&["10.0.0.0/8", "2001:db8::/32", "192.0.2.7/32", "::1/128"]);
        for inside in [
            "10.0.0.0",
            "10.255.255.255",
            "192.0.2.7",
            "192.0.2.7:443",
            "2001:db8:ffff::1",
            "[2001:db8::1]:80",
            "::1",
            "::ffff:10.1.2.3",
            "[::ffff:192.0.2.7]:1",
            "::ffff:a01:203",
        ] {
            assert!(contains(&blocks, inside.as_bytes()), "{inside}");
        }
        for outside in [
            "9.255.255.255",
            "11.0.0.0",
            "192.0.2.6",
            "192.0.2.8",
            "2001:db7:ffff::",
            "2001:db9::",
            "::2",
            "::10.1.2.3",
            "",
            "10",
            "10.1.2",
            "10.1.2.03",
            "10.1.2.3/8",
            " 10.1.2.3",
            "10.1.2.3, 10.1.2.3",
            "[10.1.2.3]:1",
            "[::1]",
            "10.1.2.3:",
            "10.1.2.3:65536",
            "localhost",
            "0x0a.1.2.3",
            "10.1.2.\u{663}",
        ] {
            assert!(!contains(&blocks, outside.as_bytes()), "{outside}");
        }
        assert!(!contains(&blocks, b"10.1.2.3\xff") && !contains(&[], b"10.1.2.3"));
    }

    #[test]
    fn ipv4_is_asked_for_by_ipv4_alone() {
        for (blocks, four, six) in [
            (&["0.0.0.0/0"][..], true, false),
            (&["::/0"], false, true),
            (&["::/0", "0.0.0.0/0"], true, true),
            (&["::ffff:0:0/96"], true, false),
            (&["::/64"], false, false),
            (&["2000::/3"], false, true),
        ] {
            let blocks_written = written(blocks);
            for value in ["10.1.2.3", "::ffff:10.1.2.3"] {
                assert_eq!(contains(&blocks_written, value.as_bytes()), four, "{value} in {blocks:?}");
            }
            assert_eq!(contains(&blocks_written, b"2001:db8::1"), six, "{blocks:?}");
        }
    }

    #[test]
    fn what_touches_is_one_range() {
        assert_eq!(words(&["10.0.1.0/24", "10.0.0.0/24", "10.0.0.7/32"]), ["10.0.0.0/23"]);
        assert_eq!(words(&["10.0.0.0/24", "10.0.2.0/24"]), ["10.0.0.0/24", "10.0.2.0/24"]);
        assert_eq!(words(&["10.0.0.0/24", "10.0.1.0/25"]), ["10.0.0.0 to 10.0.1.127"]);
        assert_eq!(words(&["::/0", "0.0.0.0/0"]), ["::/0"]);
        assert_eq!(
            words(&["::/0"]),
            [
                "::/0".replace("/0", " to ::fffe:ffff:ffff"),
                "::1:0:0:0 to ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff".to_owned()
            ]
        );
        assert_eq!(words(&["2001:db8::7/128", "0.0.0.0/32"]), ["0.0.0.0/32", "2001:db8::7/128"]);
    }

    #[test]
    fn what_is_no_block_says_what_would_be() {
        for (text, right) in [
            ("10.1.2.3/8", "10.0.0.0/8: the bits"),
            ("2001:db8::1/32", "2001:db8::/32: the bits"),
            ("::ffff:10.1.2.3/104", "::ffff:10.0.0.0/104: the bits"),
            ("10.1.2.3", "a network such as 10.0.0.0/8 or \"2001:db8::/32\"; one address alone is 10.1.2.3/32"),
            ("::1", "a network such as 10.0.0.0/8 or \"2001:db8::/32\"; one address alone is ::1/128"),
            ("10.0.0.0/33", "a prefix length from 0 to 32"),
            ("10.0.0.0/08", "a prefix length from 0 to 32"),
            ("10.0.0.0/+8", "a prefix length from 0 to 32"),
            ("10.0.0.0/", "a prefix length from 0 to 32"),
            ("::/129", "a prefix length from 0 to 128"),
            ("10.0/8", "a network such as"),
            ("", "a network such as"),
        ] {
            let said = block(text).unwrap_err();
            assert!(said.starts_with(right), "{text}: {said}");
        }
    }
}
