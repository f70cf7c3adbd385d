//! What the rules of a revision decide about a request: an evaluation of its own, on what the client sent.

use std::collections::{BTreeMap, HashMap};

use graylane_rules::{Attributes, Revision, Snapshot};

use super::{History, Name, Names, Served, Upstream};
use crate::Request;

/// The headers that the shipped configuration owns.
const VARIANT: &str = "x-gray-variant";
const FLAGS: &str = "x-feature-flags";

/// A request as the rules may see it: without what Envoy or the filter removes before. Path and host must be as Envoy
/// passes them on, since nothing is normalised here.
pub(super) struct Asked<'a>(pub(super) &'a Request);

impl Attributes for Asked<'_> {
    fn method(&self) -> Option<&[u8]> {
        Some(self.0.method())
    }

    fn target(&self) -> Option<&[u8]> {
        Some(self.0.target())
    }

    fn authority(&self) -> Option<&[u8]> {
        self.0.authority()
    }

    fn headers<'a>(&'a self, name: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
        // The shipped configuration drops headers with underscores.
        let hidden = name == VARIANT.as_bytes() || name == FLAGS.as_bytes() || name.contains(&b'_');
        let named = self.0.headers().filter(move |(found, _)| !hidden && found.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value)
    }
}

/// What must be seen of a request that was decided by the right rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Expected {
    variant: Option<String>,
    reason: String,
    headers: BTreeMap<String, String>,
}

impl Expected {
    fn of(snapshot: &Snapshot, request: &Request) -> Self {
        let asked = Asked(request);
        let decisions: Vec<_> = snapshot.decide(&asked).collect();
        let joined = |texts: Vec<&[u8]>| String::from_utf8_lossy(&texts.join(&b',')).into_owned();
        if decisions.is_empty() {
            return Self { reason: "OUT_OF_SCOPE".to_owned(), ..Self::default() };
        }
        let headers = decisions.iter().flat_map(graylane_rules::Decision::set);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self {
            variant: Some(joined(decisions.iter().map(|decision| decision.variant()).collect())),
            reason: joined(decisions.iter().map(|decision| decision.reason.name().as_bytes()).collect()),
            headers: headers.map(|(name, value)| (text(name), text(value))).collect(),
        }
    }

    fn without_rules() -> Self {
        Self { reason: "NO_RULES".to_owned(), ..Self::default() }
    }

    /// Whether `served` is exactly this; `routed`: also by the upstream that the shipped routes choose.
    pub(super) fn is(&self, served: &Served, names: &Names, routed: bool) -> bool {
        let same =
            |name: Option<Name>, text: Option<&String>| name.map(|name| names.text(name)) == text.map(String::as_str);
        let Upstream { name, variant, flags, .. } = served.upstream;
        let upstream =
            if self.headers.get(VARIANT).is_some_and(|variant| variant == "canary") { "canary" } else { "stable" };
        same(served.told.variant, self.variant.as_ref())
            && same(served.told.reason, Some(&self.reason))
            && same(variant, self.headers.get(VARIANT))
            && same(flags, self.headers.get(FLAGS))
            && (!routed || name.map(|name| names.text(name)) == Some(upstream))
    }

    /// In words.
    pub(super) fn words(&self) -> String {
        let Self { variant, reason, headers } = self;
        let [flags, header] = [FLAGS, VARIANT].map(|name| headers.get(name).map_or("none", String::as_str));
        format!(
            "variant {}, {reason}; upstream to see variant {header}, flags {flags}",
            variant.as_deref().unwrap_or("none")
        )
    }
}

/// The expectations of a history, each computed once.
pub(super) struct Expectations<'h> {
    requests: &'h [Request],
    /// None: what is decided before the first revision.
    snapshots: BTreeMap<Option<Revision>, Vec<&'h Snapshot>>,
    known: HashMap<(Option<Revision>, usize), Vec<Expected>>,
}

impl<'h> Expectations<'h> {
    pub(super) fn of(history: &'h History) -> Self {
        let mut snapshots = BTreeMap::<_, Vec<_>>::from([(None, history.embedded.iter().collect())]);
        for published in &history.published {
            snapshots.entry(Some(published.revision)).or_default().push(&published.snapshot);
        }
        Self { requests: &history.requests, snapshots, known: HashMap::new() }
    }

    /// What may be seen of `request` decided by `revision`: one thing, or several where different rules were published
    /// under that number; None where it was never published.
    pub(super) fn about(&mut self, revision: Option<Revision>, request: usize) -> Option<&[Expected]> {
        let snapshots = self.snapshots.get(&revision)?;
        let request_sent = &self.requests[request];
        Some(self.known.entry((revision, request)).or_insert_with(|| match snapshots.as_slice() {
            [] => vec![Expected::without_rules()],
            some => some.iter().map(|snapshot| Expected::of(snapshot, request_sent)).collect(),
        }))
    }
}
