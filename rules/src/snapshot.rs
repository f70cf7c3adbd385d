//! The compiled form of a namespace: bytes, checked once, used in place.

pub(crate) mod asks;
pub(crate) mod audiences;
pub(crate) mod index;
pub(crate) mod records;
pub(crate) mod scope_order;
pub(crate) mod section;
pub(crate) mod tables;
mod validate;
pub(crate) mod write;

use std::{collections::BTreeSet, fmt};

use self_cell::self_cell;
use zerocopy::FromBytes;

use crate::owned;
use audiences::Audiences;
use records::{Header, MAGIC, Output, Scope, SectionExtent, kind};
use section::Section;
use tables::{Texts, slice, table};

/// The newest format this build writes and reads: what [`compile`](crate::compile()) makes.
pub const SNAPSHOT_FORMAT: u16 = if cfg!(feature = "next-format") { 3 } else { 2 };

/// Every format this build writes and reads, the newest first.
pub const SNAPSHOT_FORMATS: &[u16] = if cfg!(feature = "next-format") { &[3, 2] } else { &[2] };

/// The most bytes a snapshot may have: 2 MiB.
pub const SNAPSHOT_LIMIT: usize = 2 << 20;

/// Why bytes cannot be used as a snapshot: what was found, what would be right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unusable(pub(crate) String);

impl fmt::Display for Unusable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Unusable {}

/// `format 2`, or `one of the formats 3, 2`.
fn formats() -> String {
    let all: Vec<String> = SNAPSHOT_FORMATS.iter().map(u16::to_string).collect();
    let which = if all.len() == 1 { "format" } else { "one of the formats" };
    format!("{which} {}", all.join(", "))
}

/// A namespace taken into use.
///
/// Owns its bytes; decisions borrow from them, and nothing is unpacked.
#[derive(Debug)]
pub struct Snapshot(Loaded);

self_cell! {
    struct Loaded {
        owner: Vec<u8>,
        #[covariant]
        dependent: Opened,
    }

    impl {Debug}
}

/// The tables of a snapshot, opened once, so that a decision only walks them.
#[derive(Debug)]
pub(crate) struct Opened<'s> {
    pub(crate) root: Root<'s>,
    pub(crate) sections: Vec<Section<'s>>,
    pub(crate) outputs: Vec<OpenOutput<'s>>,
}

/// A variant header, opened.
#[derive(Debug)]
pub(crate) struct OpenOutput<'s> {
    pub(crate) header: &'s [u8],
    /// The most specific first.
    pub(crate) scopes: &'s [Scope],
    /// The number of the rule set, where the most specific scope includes every request.
    pub(crate) only: Option<u32>,
}

impl<'s> OpenOutput<'s> {
    fn of(root: &Root<'s>, record: &Output) -> Self {
        let scopes = slice(root.scopes, record.first_scope.get(), record.scopes.get()).unwrap_or_default();
        let only = scopes.first().filter(|scope| scope.includes_all()).map(|scope| scope.section.get());
        Self { header: root.text(record.header), scopes, only }
    }
}

/// The tables of the namespace.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Root<'s> {
    pub(crate) header: &'s Header,
    pub(crate) outputs: &'s [Output],
    pub(crate) scopes: &'s [Scope],
    pub(crate) sections: &'s [SectionExtent],
    pub(crate) audiences: Audiences<'s>,
    pub(crate) texts: Texts<'s>,
}

impl Snapshot {
    /// Takes bytes into use: one pass over every bound, reference and jump.
    ///
    /// # Errors
    /// Bytes that are no snapshot of one of [`SNAPSHOT_FORMATS`], too many, or damaged in structure.
    pub fn load(bytes: Vec<u8>) -> Result<Self, Unusable> {
        if bytes.len() > SNAPSHOT_LIMIT {
            return Err(Unusable(format!("found {} bytes, expected at most {SNAPSHOT_LIMIT}", bytes.len())));
        }
        Ok(Self(Loaded::try_new(bytes, |bytes| Opened::check(bytes))?))
    }

    /// The bytes it was loaded from.
    pub fn bytes(&self) -> &[u8] {
        self.0.borrow_owner()
    }

    /// The same namespace in another format; None where `format` is not one of [`SNAPSHOT_FORMATS`].
    ///
    /// The bytes depend on nothing but this snapshot's content and `format`.
    pub fn in_format(&self, format: u16) -> Option<Vec<u8>> {
        if !SNAPSHOT_FORMATS.contains(&format) {
            return None;
        }
        // Those there are differ in their number alone.
        let mut bytes = self.bytes().to_vec();
        let (header, _) = Header::mut_from_prefix(&mut bytes).ok()?;
        header.format = format.into();
        Some(bytes)
    }

    /// The names of the rule sets, sorted.
    pub fn rule_sets(&self) -> impl Iterator<Item = &[u8]> {
        self.sections().map(|section| section.text(section.header.name))
    }

    /// Every header this snapshot may set, in lower case, each once, sorted: the variant headers and those
    /// [beside them](Self::further_header_names).
    pub fn header_names(&self) -> impl Iterator<Item = &[u8]> {
        let variants = self.sections().map(|section| section.text(section.header.variant_header));
        variants.chain(self.further_header_names()).collect::<BTreeSet<_>>().into_iter()
    }

    /// Every header this snapshot may set that carries no variant, in lower case, each once, sorted: those of
    /// experiments and of switches, and the names in `set`.
    pub fn further_header_names(&self) -> impl Iterator<Item = &[u8]> {
        let mut names = BTreeSet::new();
        for section in self.sections() {
            names.extend(section.experiment_header());
            names.extend(section.evaluated_at_header());
            names.extend((!section.switches().is_empty()).then_some(owned::SWITCHES.as_bytes()));
            names.extend(section.all_settings().iter().map(|setting| section.text(setting.name)));
        }
        names.into_iter()
    }

    /// Every label of the Envoy node that a rule may ask for, each once, sorted.
    pub fn label_names(&self) -> impl Iterator<Item = &[u8]> {
        let mut names = BTreeSet::new();
        for section in self.sections() {
            let labels = section.attributes().iter().filter(|attribute| attribute.kind == kind::LABEL);
            names.extend(labels.map(|label| section.text(label.name)));
        }
        names.into_iter()
    }

    pub(crate) fn opened(&self) -> &Opened<'_> {
        self.0.borrow_dependent()
    }

    pub(crate) fn sections(&self) -> impl Iterator<Item = &Section<'_>> {
        self.opened().sections.iter()
    }
}

impl<'s> Opened<'s> {
    /// Opens the tables of a snapshot: one pass over every bound, reference and jump.
    fn check(bytes: &'s [u8]) -> Result<Self, Unusable> {
        let (header, _) = Header::ref_from_prefix(bytes)
            .map_err(|_| Unusable(format!("found {} bytes, expected a snapshot", bytes.len())))?;
        if header.magic != MAGIC {
            return Err(Unusable("found no magic number, expected a snapshot".to_owned()));
        }
        let format = header.format.get();
        if !SNAPSHOT_FORMATS.contains(&format) {
            return Err(Unusable(format!("found format {format}, expected {}", formats())));
        }
        let root = Root::open(bytes);
        let root = root.ok_or_else(|| Unusable("found a table out of bounds, expected none".to_owned()))?;
        validate::namespace(&root, bytes.len())?;
        let audiences = root.audiences.all().map_or(0, <[_]>::len);
        let extents = (0u32..).zip(root.sections);
        let sections = extents.map(|(number, &extent)| validate::section(number, bytes, extent, audiences));
        let sections = sections.collect::<Result<_, _>>()?;
        let outputs = root.outputs.iter().map(|output| OpenOutput::of(&root, output)).collect();
        let opened = Self { root, sections, outputs };
        validate::outputs(&opened)?;
        Ok(opened)
    }

    /// The rule set of a scope.
    #[inline]
    pub(crate) fn section(&self, number: u32) -> Option<&Section<'s>> {
        self.sections.get(number as usize)
    }
}

impl<'s> Root<'s> {
    fn open(bytes: &'s [u8]) -> Option<Self> {
        let (header, _) = Header::ref_from_prefix(bytes).ok()?;
        Some(Self {
            header,
            outputs: table(bytes, header.outputs)?,
            scopes: table(bytes, header.scopes)?,
            sections: table(bytes, header.sections)?,
            audiences: Audiences::of(bytes, header.audiences, header.members),
            texts: Texts::new(table(bytes, header.text)?),
        })
    }

    /// A text of the namespace.
    pub(crate) fn text(&self, text: records::Text) -> &'s [u8] {
        self.texts.text(text)
    }
}
