//! Every request is answered.

use super::{Window, Words};
use crate::history::{Outcome, Promise, Verdict};

/// No request fails, but those that were under way in one of `exempt`.
pub(super) fn none(words: &Words<'_>, exempt: &[Window], verdict: &mut Verdict) {
    for response in &words.0.responses {
        let Outcome::Failed(why) = response.outcome else { continue };
        if exempt.iter().any(|window| window.meets(response.begin, response.end)) {
            verdict.counted.exempt += 1;
            continue;
        }
        verdict.broke(Promise::NoneFails, || {
            (format!("found {}", words.0.names.text(why)), vec![words.response(response)])
        });
    }
}
