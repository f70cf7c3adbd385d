//! One request explained in words: what `graylane explain` prints, and the page shows.

mod masked;
mod notes;
mod watched;

use std::io::{self, Write};

use graylane_rules::Snapshot;

use crate::{documents::ParsedDocument, finding::one_line, request::Request};
use watched::Watched;

pub use masked::Masked;

/// What is explained.
pub struct Asked<'a> {
    /// The request as it is sent.
    pub as_sent: &'a Request,
    /// The headers that were stripped of it.
    pub stripped: &'a [String],
    /// The request without them.
    pub request: &'a Request,
    /// Headers that are known not to be there, where not all of the request is known.
    pub absent: Option<&'a [String]>,
}

/// Writes the request, and the path through the rules. Gives what the rules asked and nobody knows.
///
/// # Errors
/// Where `output` takes no more.
pub fn write(
    asked: &Asked<'_>,
    snapshot: &Snapshot,
    parsed: &[ParsedDocument],
    output: &mut impl Write,
) -> io::Result<Vec<String>> {
    let masked = Masked::of(asked.as_sent);
    write_request(asked, &masked, output)?;
    for document in parsed.iter().filter(|document| document.tag.is_some()) {
        writeln!(output, "  document: {document}")?;
    }
    let watched = match asked.absent {
        Some(absent) => Watched::partly(asked.request, absent),
        None => Watched::whole(asked.request),
    };
    let explanations = snapshot.explain(&watched);
    if explanations.is_empty() {
        writeln!(output, "\nno rule set to decide it: nothing is set")?;
    }
    for explanation in explanations {
        write!(output, "\n{}", masked.text(&explanation.to_string()))?;
    }
    Ok(watched.missed())
}

fn write_request(asked: &Asked<'_>, masked: &Masked, output: &mut impl Write) -> io::Result<()> {
    let Asked { as_sent, stripped, request, absent } = asked;
    writeln!(output, "request{}", if absent.is_some() { ", as far as the log tells" } else { "" })?;
    writeln!(output, "  {} {}", one_line(&as_sent.method), one_line(&masked.text(&as_sent.target)))?;
    writeln!(output, "  host: {}", one_line(as_sent.authority.as_deref().unwrap_or("(none)")))?;
    for (name, value) in &as_sent.headers {
        let owned = if stripped.contains(name) { "   (owned by Graylane: stripped first)" } else { "" };
        let value = masked.text(&String::from_utf8_lossy(value));
        writeln!(output, "  {}: {}{owned}", one_line(name), one_line(&value))?;
    }
    for line in surroundings(as_sent) {
        writeln!(output, "  {}", one_line(&line))?;
    }
    for note in notes::about(request) {
        writeln!(output, "  note: {}", one_line(&note))?;
    }
    Ok(())
}

/// A line for each thing that is said of the request beside itself.
fn surroundings(request: &Request) -> Vec<String> {
    let source = request.source.iter().map(|source| format!("(source {source})"));
    let peer = request.peer.iter().map(|peer| format!("(peer {peer})"));
    let direction = request.direction.iter().map(|direction| format!("(direction {})", direction.name()));
    let labels = request.labels.iter().map(|(name, value)| format!("(node label {name}={value})"));
    let time = request.time.iter().map(|time| format!("(time {time})"));
    source.chain(peer).chain(direction).chain(labels).chain(time).collect()
}
