//! `spec.output`: the headers that carry a decision.

use super::{Fields, Name, names};
use crate::{
    owned,
    report::{Path, Report},
    tree::{Node, quote},
};

/// The headers that carry a decision; their names in lower case, no two of them the same.
#[derive(Debug)]
pub(crate) struct Output {
    pub(crate) variant_header: String,
    /// None: the experiment is not handed on.
    pub(crate) experiment_header: Option<Name>,
    /// None: the time of the decision is not handed on.
    pub(crate) evaluated_at_header: Option<Name>,
}

/// What a header carries that rules may not set besides.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Carries {
    Variant,
    Experiment,
    EvaluatedAt,
    Switches,
}

impl Carries {
    /// What would be right where another header is given this name.
    pub(crate) fn instead(self) -> String {
        let what = match self {
            Carries::Variant => "the variant",
            Carries::Experiment => "the experiment",
            Carries::EvaluatedAt => "the time of the decision",
            Carries::Switches => "the switches",
        };
        format!("another header: this one carries {what}")
    }
}

impl Default for Output {
    fn default() -> Self {
        Self { variant_header: owned::DEFAULT.concat(), experiment_header: None, evaluated_at_header: None }
    }
}

impl Output {
    /// What the header `name` carries, if it carries anything.
    pub(crate) fn carried_by(&self, name: &str) -> Option<Carries> {
        let is = |header: &Option<Name>| header.as_ref().is_some_and(|header| header.text == name);
        match name {
            owned::SWITCHES => Some(Carries::Switches),
            name if name == self.variant_header => Some(Carries::Variant),
            _ if is(&self.experiment_header) => Some(Carries::Experiment),
            _ if is(&self.evaluated_at_header) => Some(Carries::EvaluatedAt),
            _ => None,
        }
    }
}

/// Decodes `spec.output`. A header that is wrong is left out, having said why.
pub(super) fn decode(node: &Node, path: &Path<'_>, report: &mut Report) -> Output {
    let mut output = Output::default();
    let Some(mut fields) = Fields::open_such(node, path, "{variantHeader: x-gray-variant}", report) else {
        return output;
    };
    let variant = fields.optional("variantHeader");
    let experiment = fields.optional("experimentHeader");
    let evaluated_at = fields.optional("evaluatedAtHeader");
    fields.finish(report);
    if let Some(variant) = variant.and_then(|node| header(node, &path.field("variantHeader"), None, report)) {
        output.variant_header = variant.text;
    }
    let mut further =
        |node: Option<&Node>, field: &str, output: &Output| header(node?, &path.field(field), Some(output), report);
    output.experiment_header = further(experiment, "experimentHeader", &output);
    output.evaluated_at_header = further(evaluated_at, "evaluatedAtHeader", &output);
    output
}

/// A header of its own: none that carries something of `output` already.
fn header(node: &Node, path: &Path<'_>, output: Option<&Output>, report: &mut Report) -> Option<Name> {
    let span = node.span.clone();
    let text = names::settable(names::string(node, path, report)?, &span, path, report)?;
    let carried = match output {
        Some(output) => output.carried_by(&text),
        None => (text == owned::SWITCHES).then_some(Carries::Switches),
    };
    if let Some(carries) = carried {
        report.error("forbidden-header", path, span, quote(&text), carries.instead());
        return None;
    }
    Some(Name { text, span })
}
