//! What may stand under `not`.
//!
//! `not` turns "no identity" into a match and so takes in all anonymous traffic. Therefore `percent`, `audience`
//! and `identity` may stand under it only where an `all` around it demands an identity.

use super::{Attribute, Match, Operator};
use crate::{
    report::{Path, Report},
    tree::{Node, Value},
};

/// Reports each `percent`, `audience` and `identity` that stands under an unguarded `not`.
///
/// `node` is what `decoded` was decoded from.
pub(super) fn check(decoded: &Match, node: &Node, path: &Path<'_>, report: &mut Report) {
    Walk { report }.one(decoded, node, path, State { negated: false, guarded: false });
}

#[derive(Clone, Copy)]
struct State {
    negated: bool,
    guarded: bool,
}

struct Walk<'r> {
    report: &'r mut Report,
}

impl Walk<'_> {
    fn one(&mut self, decoded: &Match, node: &Node, path: &Path<'_>, state: State) {
        let Value::Map(entries) = &node.value else { return };
        let [entry] = entries.as_slice() else { return };
        let path = path.field(&entry.key);
        match decoded {
            Match::All(inner) => {
                let guarded = state.guarded || (!state.negated && inner.iter().any(Match::is_identity_present));
                self.many(inner, &entry.node, &path, State { guarded, ..state });
            }
            Match::Any(inner) => self.many(inner, &entry.node, &path, state),
            Match::Not(inner) => self.one(inner, &entry.node, &path, State { negated: true, ..state }),
            leaf if state.negated && !state.guarded && leaf.asks_identity() => {
                let found = format!("{} under `not`, which every anonymous request would match", entry.key);
                let expected = "`identity: {present: true}` in an `all` around the `not`, or under the `not` the header or \
                                cookie that the identity comes from";
                self.report.error("negated-identity", &path, entry.node.span.clone(), found, expected);
            }
            Match::Test(..) | Match::Percent { .. } | Match::Time { .. } | Match::Audience(_) => {}
        }
    }

    fn many(&mut self, inner: &[Match], node: &Node, path: &Path<'_>, state: State) {
        let Value::List(items) = &node.value else { return };
        for (index, (one, item)) in inner.iter().zip(items).enumerate() {
            self.one(one, item, &path.item(index), state);
        }
    }
}

impl Match {
    /// Whether any part of it needs the request's identity.
    pub(super) fn asks_identity(&self) -> bool {
        match self {
            Match::All(inner) | Match::Any(inner) => inner.iter().any(Match::asks_identity),
            Match::Not(inner) => inner.asks_identity(),
            Match::Test(attribute, _) => *attribute == Attribute::Identity,
            Match::Percent { .. } | Match::Audience(_) => true,
            Match::Time { .. } => false,
        }
    }

    fn is_identity_present(&self) -> bool {
        matches!(self, Match::Test(Attribute::Identity, Operator::Present))
    }
}
