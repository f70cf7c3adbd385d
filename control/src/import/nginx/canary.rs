//! The canary annotations of an Ingress, as ingress-nginx understands them.

use super::ingress::{Annotation, Ingress};
use crate::import::{
    document::accepts,
    identity::{askable, is_cookie},
    pattern,
    report::About,
    source::Place,
};

/// What sends a request to the canary, in this order: header, cookie, weight.
#[derive(Debug, Default)]
pub struct Canary {
    /// The header, and what of it counts.
    pub header: Option<(String, HeaderValue)>,
    /// The cookie: `always` and `never`.
    pub cookie: Option<String>,
    /// Of so many (the second) requests so many (the first).
    pub weight: Option<(u32, u32, Place)>,
}

/// What is compared with the header.
#[derive(Debug)]
pub enum HeaderValue {
    /// `always` and `never`.
    Words,
    /// One value, to the canary.
    Exact(String),
    /// A regular expression about the whole value, to the canary.
    Regex(String),
}

const KNOWN: [&str; 7] = [
    "canary",
    "canary-by-header",
    "canary-by-header-value",
    "canary-by-header-pattern",
    "canary-by-cookie",
    "canary-weight",
    "canary-weight-total",
];

/// Whether an Ingress is marked as a canary; Go's words for true.
pub fn is_canary(ingress: &Ingress, prefix: &str) -> bool {
    let value = ingress.annotation(prefix, "canary").map(|annotation| annotation.value.as_str());
    matches!(value, Some("1" | "t" | "T" | "TRUE" | "true" | "True"))
}

/// Says which annotations about canaries nobody reads.
pub fn tell_unread(ingress: &Ingress, prefix: &str, marked: bool, about: &mut About<'_>) {
    for Annotation { key, place, .. } in &ingress.annotations {
        let Some((before, name)) = key.rsplit_once('/').filter(|(_, name)| name.starts_with("canary")) else {
            continue;
        };
        let title = format!("{}, {key}", ingress.title());
        if before != prefix || !KNOWN.contains(&name) {
            about.lost(
                *place,
                "unknown-annotation",
                title,
                "no annotation that ingress-nginx documents: not carried over",
            );
        } else if !marked && name != "canary" {
            let says = format!(
                "the Ingress is not marked with {prefix}/canary: \"true\", so it has no effect there, nor here"
            );
            about.lost(*place, "not-marked", title, says);
        }
    }
}

/// Reads the annotations; what cannot be carried over is told.
pub fn read(ingress: &Ingress, prefix: &str, variant_header: &str, about: &mut About<'_>) -> Canary {
    let mut reader = Reader { ingress, prefix, variant_header, about };
    Canary { header: reader.header(), cookie: reader.cookie(), weight: reader.weight() }
}

struct Reader<'a, 'r> {
    ingress: &'a Ingress,
    prefix: &'a str,
    variant_header: &'a str,
    about: &'a mut About<'r>,
}

impl<'a> Reader<'a, '_> {
    fn annotation(&self, name: &str) -> Option<&'a Annotation> {
        self.ingress.annotation(self.prefix, name).filter(|annotation| !annotation.value.is_empty())
    }

    fn title(&self, name: &str) -> String {
        format!("{}, {name}", self.ingress.title())
    }

    fn header(&mut self) -> Option<(String, HeaderValue)> {
        let value = self.annotation("canary-by-header-value");
        let pattern = self.annotation("canary-by-header-pattern");
        let Some(header) = self.annotation("canary-by-header") else {
            for unused in [value, pattern].into_iter().flatten() {
                let says = "without canary-by-header it has no effect there, nor here";
                self.about.note(unused.place, "no-effect", self.title("canary-by-header-value or -pattern"), says);
            }
            return None;
        };
        let name = header.value.to_ascii_lowercase();
        let own = (name == self.variant_header).then(|| {
            format!(
                "{name} carries the variant and is removed from what clients send; choose another with --variant-header"
            )
        });
        if let Some(why) = own.or_else(|| askable(&name).err()) {
            self.about.lost(header.place, "header", self.title("canary-by-header"), why);
            return None;
        }
        match (value, pattern) {
            (Some(value), pattern) => {
                if let Some(pattern) = pattern {
                    let says = "beside canary-by-header-value it has no effect there, nor here";
                    self.about.note(pattern.place, "no-effect", self.title("canary-by-header-pattern"), says);
                }
                Some((name, HeaderValue::Exact(value.value.clone())))
            }
            (None, Some(pattern)) => self.pattern(pattern).map(|regex| (name, HeaderValue::Regex(regex))),
            (None, None) => Some((name, HeaderValue::Words)),
        }
    }

    fn pattern(&mut self, annotation: &Annotation) -> Option<String> {
        let translated = pattern::whole(&annotation.value);
        match translated.and_then(|regex| accepts(&regex).map(|()| regex)) {
            Ok(regex) => {
                let says = format!("{:?} searches there; about the whole value it is {regex:?}", annotation.value);
                self.about.note(annotation.place, "pattern", self.title("canary-by-header-pattern"), says);
                Some(regex)
            }
            Err(why) => {
                let says =
                    format!("a regular expression that is not carried over: {why}; nobody goes to the canary by it");
                self.about.lost(annotation.place, "pattern", self.title("canary-by-header-pattern"), says);
                None
            }
        }
    }

    fn cookie(&mut self) -> Option<String> {
        let cookie = self.annotation("canary-by-cookie")?;
        if !is_cookie(&cookie.value) {
            let says = format!("{:?} is no name of a cookie", cookie.value);
            self.about.lost(cookie.place, "cookie", self.title("canary-by-cookie"), says);
            return None;
        }
        Some(cookie.value.clone())
    }

    fn weight(&mut self) -> Option<(u32, u32, Place)> {
        let total = self.annotation("canary-weight-total");
        let total = total.and_then(|total| total.value.parse().ok()).filter(|&total: &u32| total > 100).unwrap_or(100);
        let weight = self.annotation("canary-weight")?;
        match weight.value.parse::<u32>() {
            Ok(0) => None,
            Ok(number) => Some((number.min(total), total, weight.place)),
            Err(_) => {
                let says = format!("{:?} is no whole number: it counts as 0 there, and here", weight.value);
                self.about.lost(weight.place, "weight", self.title("canary-weight"), says);
                None
            }
        }
    }
}
