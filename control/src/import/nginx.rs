//! ingress-nginx: pairs of a main and a canary Ingress.

mod canary;
mod ingress;
mod pairs;
mod rules;

use std::collections::BTreeSet;

use super::{
    Broken, Choices, Imported,
    report::{About, Report},
    source::Place,
};
use ingress::Ingress;

/// Imports the manifests of `files`, names and texts, as one cluster. `prefix` is that of the annotations.
///
/// # Errors
/// The first file that is no manifest, or none of them has an Ingress.
pub fn import(files: &[(String, String)], prefix: &str, choices: &Choices) -> Result<Imported, Broken> {
    let mut report = Report::default();
    let mut ingresses = Vec::new();
    for (file, text) in files {
        let (found, others) = ingress::read(file, text)?;
        let mut about = About { file, report: &mut report };
        if others > 0 {
            let says = "nothing of them concerns canaries";
            about.note(Place::default(), "other-resources", format!("{others} other resources"), says);
        }
        for ingress in &found {
            canary::tell_unread(ingress, prefix, canary::is_canary(ingress, prefix), &mut about);
        }
        ingresses.extend(found);
    }
    if ingresses.is_empty() {
        let first = files.first().map_or("", |(file, _)| file);
        let what = if report.remarks.is_empty() { "no document" } else { "no Ingress among the resources" };
        let why = format!("found {what}, expected manifests of kind Ingress");
        return Err(Broken::new(first, Place::default(), why));
    }
    let (canaries, mains): (Vec<Ingress>, _) =
        ingresses.into_iter().partition(|ingress| canary::is_canary(ingress, prefix));
    let mut taken = BTreeSet::new();
    let mut rule_sets = Vec::new();
    for set in pairs::pair(&mains, &canaries, prefix, &mut report) {
        let ingress = set.canary;
        let mut about = About { file: &ingress.file, report: &mut report };
        let canary = canary::read(ingress, prefix, &choices.variant_header, &mut about);
        rule_sets.push(rules::rule_set(&set, &canary, prefix, choices, &mut taken, &mut about));
    }
    if canaries.is_empty() {
        let says = format!("nothing is marked with {prefix}/canary: \"true\", so there is nothing to carry over");
        let file = files.first().map_or("", |(file, _)| file);
        About { file, report: &mut report }.note(Place::default(), "no-canary", "no canary Ingress", says);
    }
    Ok(Imported { rule_sets, report })
}
