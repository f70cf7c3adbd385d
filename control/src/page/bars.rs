//! Shares as bars.

use maud::{Markup, html};

use super::words::percent;

/// How many colours there are; a variant beyond them has one that another has.
const COLOURS: usize = 8;

/// A variant, and its part of the whole, from 0 to 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Share {
    /// Its name.
    pub name: String,
    /// Its place among the variants of its rule set, which gives it its colour.
    pub place: usize,
    /// Its part.
    pub part: f64,
}

/// A bar with the shares in words beneath it. A browser draws it: no style is in the page.
pub fn bar(what: &str, shares: &[Share]) -> Markup {
    drawn("bar", what, shares)
}

/// The same, less high.
pub fn thin(what: &str, shares: &[Share]) -> Markup {
    drawn("bar thin", what, shares)
}

fn drawn(class: &str, what: &str, shares: &[Share]) -> Markup {
    html! {
        figure class=(class) {
            svg viewBox="0 0 1000 10" preserveAspectRatio="none" aria-hidden="true" focusable="false" {
                @for (share, from) in shares.iter().zip(beginnings(shares)) {
                    rect.(colour(share.place)) x=(length(from)) y="0" width=(length(share.part)) height="10" {}
                }
            }
            figcaption {
                span.what { (what) }
                @for share in shares {
                    " " span.share { i.(colour(share.place)) {} span.data { (share.name) } " " b { (percent(share.part)) } }
                }
            }
        }
    }
}

fn beginnings(shares: &[Share]) -> Vec<f64> {
    let before = |place: usize| shares.iter().take(place).fold(0.0, |sum, share| sum + share.part);
    (0..shares.len()).map(before).collect()
}

fn length(part: f64) -> String {
    format!("{:.2}", part.clamp(0.0, 1.0) * 1_000.0)
}

fn colour(place: usize) -> String {
    format!("v{}", place.checked_rem(COLOURS).unwrap_or_default())
}
