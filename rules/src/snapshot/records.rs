//! The records of snapshot formats 2 and 3. Little-endian, unaligned, used in place. Format 1 was never released.
//!
//! Format 3 is format 2 with another number, and written by builds with the feature `next-format`
//! alone: so that what happens between two builds that differ can be tried before there is a reason.
//!
//! ```text
//! Header | tables of the namespace | text | section of rule set 0 | section of rule set 1 | …
//! section: SectionHeader | tables | text
//! ```
//!
//! A table is an [`Extent`]: where its first record stands within its container (the file, or the
//! section) and how many there are. A [`Text`] is a place in the text of its container. A section
//! refers to nothing outside itself, so it can be compiled, compared and replaced by itself.

use zerocopy::{
    FromBytes, Immutable, IntoBytes, KnownLayout, Unaligned,
    little_endian::{U16, U32, U64},
};

/// What every snapshot begins with.
pub(crate) const MAGIC: [u8; 8] = *b"graylane";

macro_rules! records {
    ($($(#[$doc:meta])* struct $name:ident { $($(#[$field_doc:meta])* $field:ident: $type:ty,)* })*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, FromBytes, IntoBytes, KnownLayout, Immutable, Unaligned)]
        #[repr(C)]
        pub(crate) struct $name { $($(#[$field_doc])* pub(crate) $field: $type,)* }
    )*};
}

records! {
    /// A table: byte offset within the container, number of records.
    struct Extent {
        offset: U32,
        count: U32,
    }

    /// Bytes within the text of the container.
    struct Text {
        offset: U32,
        length: U32,
    }

    /// The first bytes of a snapshot.
    struct Header {
        magic: [u8; 8],
        format: U16,
        reserved: U16,
        /// Of the whole snapshot, in bytes.
        length: U32,
        /// One for each variant header, sorted by name.
        outputs: Extent,
        /// The scopes of all rule sets.
        scopes: Extent,
        /// One for each rule set, sorted by name.
        sections: Extent,
        /// The audiences that rules ask for.
        audiences: Extent,
        /// The members of all audiences: [`Fingerprint`](crate::audience::Fingerprint)s.
        members: Extent,
        text: Extent,
    }

    /// A variant header, and the scopes of the rule sets that decide it: the most specific first.
    struct Output {
        header: Text,
        first_scope: U32,
        scopes: U32,
    }

    /// One host and one path prefix of one rule set.
    struct Scope {
        /// 0 any, 1 exact, 2 the labels behind `*`.
        host_kind: u8,
        reserved: u8,
        host: Text,
        path_prefix: Text,
        section: U32,
    }

    /// Where the section of a rule set stands, in bytes.
    struct SectionExtent {
        offset: U32,
        length: U32,
    }

    /// An audience: its members are `first .. first + members`, sorted.
    struct Audience {
        first: U32,
        members: U32,
    }

    /// The first bytes of a section.
    struct SectionHeader {
        name: Text,
        variant_header: Text,
        /// Empty: none.
        experiment_header: Text,
        /// Empty: none.
        evaluated_at_header: Text,
        /// `<name>/_default`, or `<name>/_off`.
        default_path: Text,
        /// `<name>/_inherited`; empty where nothing is inherited.
        inherited_path: Text,
        default_variant: U16,
        /// Whose variant is believed, see [`trust`]; 0: nobody's.
        trust: u8,
        /// With [`trust::SOURCES`]: how many proxies stand between the sender and this one.
        hops: u8,
        /// With [`trust::SOURCES`]: ranges of addresses, as those of [`operator::CIDR`].
        sources: Text,
        /// With [`trust::PEERS`]: what the names of peers begin with.
        peers: Extent,
        /// The cookie that a minted identity is put into.
        issued: Cookie,
        /// The cookie that remembers which identity buckets.
        sticky: Cookie,
        variants: Extent,
        identity: Extent,
        attributes: Extent,
        rules: Extent,
        tests: Extent,
        values: Extent,
        wides: Extent,
        comparisons: Extent,
        automata: Extent,
        transitions: Extent,
        splits: Extent,
        ranges: Extent,
        settings: Extent,
        /// What is looked up of a request; none where all rules are walked.
        keys: Extent,
        /// A hash table of numbers: an upper part of the hash, and where its run of places begins.
        slots: Extent,
        /// Runs of numbers of rules, in order; the last of a run is marked.
        places: Extent,
        /// The numbers of the rules that no key leads to.
        always: Extent,
        switches: Extent,
        switch_values: Extent,
        /// The dictionary of each variant, or none at all.
        switch_texts: Extent,
        text: Extent,
    }

    /// What of an attribute's values is hashed to find rules; sorted, those of an attribute follow each other.
    struct Key {
        attribute: U16,
        /// [`flag::FOLD`] where letters are hashed in lower case.
        flags: u8,
        reserved: u8,
        /// So many bytes from the front; 0: the whole value.
        length: U16,
    }

    /// A cookie to set; without a name, none.
    struct Cookie {
        name: Text,
        /// In seconds.
        max_age: U32,
    }

    /// The name of a variant.
    struct Variant {
        name: Text,
    }

    /// What may be asked of a request.
    struct Attribute {
        /// See [`kind`].
        kind: u8,
        reserved: u8,
        name: Text,
    }

    /// One entry of the rule set; its tests are `first_test .. first_test + tests`.
    struct Rule {
        /// `<rule set>/<id>`.
        path: Text,
        first_test: U32,
        tests: U32,
        /// 0 a variant, 1 a split.
        then_kind: U16,
        then: U16,
    }

    /// One question, and where to go on: the number of a later test of the same rule, or
    /// [`MATCHED`] or [`FAILED`].
    struct Test {
        /// See [`operator`].
        operator: u8,
        /// See [`flag`].
        flags: u8,
        attribute: U16,
        on_true: U32,
        on_false: U32,
        a: U32,
        b: U32,
    }

    /// Operands that take more room than a test has.
    struct Wide {
        a: U64,
        b: U64,
    }

    /// One of several texts; those of one test are sorted.
    struct Value {
        text: Text,
    }

    /// One comparison with a version; those of one test are OR of AND, each AND up to its `last`.
    struct Comparison {
        /// See [`relation`].
        relation: u8,
        /// 1: the next comparison begins another AND.
        last: u8,
        numbers: [U64; 3],
        /// Empty: none.
        prerelease: Text,
    }

    /// What a regular expression was compiled to; its transitions begin at `first_transition`.
    struct Automaton {
        pattern: Text,
        first_transition: U32,
        shape: Shape,
    }

    /// An automaton but for its transitions: those are the next state for each class, state by state.
    struct Shape {
        /// The class of each byte.
        class_of: [u8; 256],
        classes: U16,
        states: U16,
        start: U16,
        /// The states from here on accept.
        first_accepting: U16,
    }

    /// A named, weighted choice; its ranges are `first_range .. first_range + ranges`.
    struct Split {
        name: Text,
        /// Empty: none.
        experiment: Text,
        seed: U64,
        first_range: U32,
        ranges: U32,
    }

    /// From this slot on, until the next range.
    struct Range {
        from: U32,
        variant: U16,
        reserved: U16,
    }

    /// A typed value for the upstream; those of variants are `first_value .. first_value + values`.
    struct Switch {
        name: Text,
        /// See [`switch`].
        kind: u8,
        reserved: u8,
        /// The item of every other variant.
        default: Text,
        first_value: U32,
        values: U32,
    }

    /// The item of one variant; those of one switch are sorted by variant.
    struct SwitchValue {
        variant: U16,
        reserved: U16,
        item: Text,
    }

    /// A header that a rule sets; sorted by the numbers of the rules, for few rules set any.
    struct Setting {
        rule: U32,
        name: Text,
        value: Text,
    }
}

impl Scope {
    /// Whether it includes every request.
    pub(crate) fn includes_all(&self) -> bool {
        self.host_kind == host::ANY && self.path_prefix.length.get() == 0
    }
}

impl SectionHeader {
    /// Whether the rule set may set any cookie.
    pub(crate) fn sets_cookies(&self) -> bool {
        self.issued.name.length.get() > 0 || self.sticky.name.length.get() > 0
    }
}

/// The rule matched.
pub(crate) const MATCHED: u32 = u32::MAX;
/// The rule did not match.
pub(crate) const FAILED: u32 = u32::MAX - 1;

impl Comparison {
    /// Major, minor, patch.
    pub(crate) fn numbers(&self) -> [u64; 3] {
        self.numbers.map(U64::get)
    }
}

/// [`Scope::host_kind`].
pub(crate) mod host {
    pub(crate) const ANY: u8 = 0;
    pub(crate) const EXACT: u8 = 1;
    pub(crate) const LABELS: u8 = 2;
}

/// [`Attribute::kind`].
pub(crate) mod kind {
    pub(crate) const HEADER: u8 = 0;
    pub(crate) const COOKIE: u8 = 1;
    pub(crate) const QUERY: u8 = 2;
    pub(crate) const PATH: u8 = 3;
    pub(crate) const METHOD: u8 = 4;
    pub(crate) const HOST: u8 = 5;
    pub(crate) const IDENTITY: u8 = 6;
    /// A label of the Envoy node.
    pub(crate) const LABEL: u8 = 7;
    /// The address of the client.
    pub(crate) const SOURCE: u8 = 8;
    /// The clock.
    pub(crate) const TIME: u8 = 9;
    /// A claim of a token: the header's name and the names that lead to the claim, NUL between them.
    pub(crate) const JWT_CLAIM: u8 = 10;
    /// The header `cookie`; stands for it where a snapshot is open, and in none.
    pub(crate) const COOKIE_LINE: u8 = 11;
}

/// [`SectionHeader::trust`], a set of bits.
pub(crate) mod trust {
    pub(crate) const PEERS: u8 = 1;
    pub(crate) const SOURCES: u8 = 2;
    /// The application that the proxy stands beside.
    pub(crate) const OUTBOUND: u8 = 4;
    pub(crate) const ALL: u8 = PEERS | SOURCES | OUTBOUND;
}

/// How [`SectionHeader::default_path`] ends where the rule set is switched off.
pub(crate) const OFF: &str = "/_off";

/// [`Switch::kind`].
pub(crate) mod switch {
    pub(crate) const STRING: u8 = 0;
    pub(crate) const INT: u8 = 1;
    pub(crate) const FLOAT: u8 = 2;
    pub(crate) const BOOL: u8 = 3;
    pub(crate) const DURATION: u8 = 4;
}

/// [`Rule::then_kind`].
pub(crate) mod then {
    pub(crate) const VARIANT: u16 = 0;
    pub(crate) const SPLIT: u16 = 1;
}

/// [`Test::operator`], and what `a` and `b` are.
pub(crate) mod operator {
    pub(crate) const PRESENT: u8 = 0;
    /// `a`, `b`: offset and length of the operand's text.
    pub(crate) const EXACT: u8 = 1;
    pub(crate) const PREFIX: u8 = 2;
    pub(crate) const SUFFIX: u8 = 3;
    pub(crate) const CONTAINS: u8 = 4;
    /// `a`, `b`: first value and number of values.
    pub(crate) const IN: u8 = 5;
    /// `a`: a [`Wide`](super::Wide) of the least and the greatest, two's complement.
    pub(crate) const RANGE: u8 = 6;
    /// `a`: a [`Wide`](super::Wide) of the seed and of the first slot, with the slot behind the last in the upper half.
    pub(crate) const PERCENT: u8 = 7;
    /// `a`, `b`: first comparison and number of comparisons.
    pub(crate) const SEMVER: u8 = 8;
    /// `a`: the automaton.
    pub(crate) const REGEX: u8 = 9;
    /// `a`, `b`: offset and length of ranges of addresses among the texts: both ends, big-endian, sorted and apart.
    pub(crate) const CIDR: u8 = 16;
    /// `a`: a [`Wide`](super::Wide) of the first millisecond since 1970 and the one behind the last; two's complement.
    pub(crate) const WINDOW: u8 = 17;
    /// `a`: number of the audience. `b`: its name, a [`Value`](super::Value) of its own.
    pub(crate) const AUDIENCE: u8 = 18;
}

/// [`Test::flags`].
pub(crate) mod flag {
    /// ASCII letters are compared without case; the operand is in lower case.
    pub(crate) const FOLD: u8 = 1;
    /// The test stands under an odd number of `not`; on_true and on_false are exchanged already.
    pub(crate) const NEGATED: u8 = 2;
    /// Of [`operator::SEMVER`](super::operator::SEMVER): prereleases are versions like others.
    pub(crate) const PRERELEASES: u8 = 4;
    /// The rule matches only where this test holds, or another one of it with this flag; the index leads to it by the operands.
    pub(crate) const FOUND_BY: u8 = 8;
}

/// [`Comparison::relation`]: which orders of a version to the one compared with pass, as a set of bits.
pub(crate) mod relation {
    use std::cmp::Ordering;

    pub(crate) const LESS: u8 = 1;
    pub(crate) const EQUAL: u8 = 2;
    pub(crate) const GREATER: u8 = 4;
    pub(crate) const UP_TO: u8 = LESS | EQUAL;
    pub(crate) const FROM: u8 = GREATER | EQUAL;
    pub(crate) const ANY: u8 = LESS | EQUAL | GREATER;

    /// The bit of an order.
    pub(crate) fn of(order: Ordering) -> u8 {
        match order {
            Ordering::Less => LESS,
            Ordering::Equal => EQUAL,
            Ordering::Greater => GREATER,
        }
    }
}
