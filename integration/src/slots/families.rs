//! Identities as people have them.

use crate::bench::statistics::Random;

/// A kind of identity.
pub struct Family {
    /// What it is called.
    pub name: &'static str,
    identity: fn(u64, &mut Random) -> String,
}

/// All of them; no two identities of one are the same.
pub const FAMILIES: [Family; 6] = [
    Family { name: "sequential numbers", identity: |number, _| (100_000 + number).to_string() },
    Family { name: "UUIDs", identity: |_, random| uuid(random.next(), random.next()) },
    Family { name: "e-mails", identity: email },
    Family { name: "phone numbers", identity: |number, _| format!("+49151{:08}", number * 37 + 10_000_000) },
    Family {
        name: "hex ids",
        identity: |number, _| format!("{:08x}5f1d7a84c2{number:06x}", 0x6740_0000 + number / 16),
    },
    Family { name: "short names", identity: |number, _| name(number) },
];

impl Family {
    /// So many of its identities.
    pub fn identities(&self, count: usize) -> impl Iterator<Item = String> {
        let mut random = Random::new(7);
        (0..count as u64).map(move |number| (self.identity)(number, &mut random))
    }
}

/// A version 4 UUID of these bits.
fn uuid(high: u64, low: u64) -> String {
    let (a, b, c) = (high >> 32, high >> 16 & 0xffff, high & 0x0fff);
    format!("{a:08x}-{b:04x}-4{c:03x}-{:04x}-{:012x}", low >> 48 & 0x3fff | 0x8000, low & 0xffff_ffff_ffff)
}

fn email(number: u64, random: &mut Random) -> String {
    const FIRST: [&str; 8] = ["anna", "ben", "chen", "dora", "emeka", "fatima", "goran", "hana"];
    const AT: [&str; 4] = ["example.com", "mail.example.org", "example.co.uk", "post.example.net"];
    let first = FIRST[random.below(8) as usize];
    format!("{first}.{}{number}@{}", name(random.below(5_000)), AT[random.below(4) as usize])
}

/// `a` to `z`, `aa` to `zz` and so on.
fn name(mut number: u64) -> String {
    let mut letters = Vec::new();
    loop {
        letters.push(b'a' + (number % 26) as u8);
        if number < 26 {
            break;
        }
        number = number / 26 - 1;
    }
    letters.reverse();
    String::from_utf8(letters).expect("letters of ASCII")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn no_identity_occurs_twice() {
        for family in &FAMILIES {
            let all: BTreeSet<_> = family.identities(20_000).collect();
            assert_eq!(all.len(), 20_000, "{}", family.name);
        }
        let uuid = FAMILIES[1].identities(1).next().unwrap();
        assert!(uuid.len() == 36 && uuid.as_bytes()[14] == b'4' && b"89ab".contains(&uuid.as_bytes()[19]), "{uuid}");
    }
}
