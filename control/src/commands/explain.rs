//! `graylane explain`: why one request goes where it goes.

mod notes;

use std::{
    ffi::OsString,
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use graylane_rules::Snapshot;

use crate::{curl, documents, failure::Failure, finding::one_line, owned, owned::Owned, request::Request};

/// Explain the decision for one request, written as for curl.
///
/// Prints the request as curl would send it, then the path through the rules: which rule set is in charge, which rule
/// decided, and why the others did not match. Nothing is sent.
///
/// Envoy may change a request before the filter sees it: Graylane's own envoy.yaml drops headers with underscores,
/// merges slashes, resolves dot segments and redirects escaped slashes (%2F, %5C). Where a request has any of these,
/// a note says so.
///
/// The request is written in curl's own syntax, after `--` or after the word `curl`, so that a command line copied from
/// a browser or a terminal works as it is. Options that do not change the request, such as -s, -k or -o FILE, are
/// skipped; options that are not understood are an error.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "graylane explain [OPTIONS] -f FILE|DIR -- CURL-ARGS\n       graylane explain [OPTIONS] -f FILE|DIR curl CURL-ARGS"
)]
#[command(after_long_help = "\
Examples:
  graylane explain -f checkout.yaml -- -H 'x-user-id: 42' https://shop/cart
  graylane explain -f rules/ curl -sk -b uid=42 -d item=7 https://shop/cart

Exit codes:
  0  explained, whether or not a rule set includes the request
  1  there are errors in the documents
  2  wrong usage, such as a curl option that is not understood; or a file
     that cannot be read")]
pub struct Arguments {
    /// Documents, and directories of them.
    #[arg(short, long = "file", required = true, num_args = 1.., value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Another header that Graylane owns, besides those the rules set. Repeat it, or put commas between.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = owned::parse_name)]
    owned: Vec<String>,
    /// The request: curl's options and the URL, behind `--` or the word `curl`.
    #[arg(required = true, last = true, value_name = "CURL-ARGS")]
    curl: Vec<String>,
}

/// Writes `--` for the word `curl` that separates the request from the options of `explain`, if this is its command
/// line: so what stands before it is read as strictly as everywhere else.
pub fn separated(mut words: Vec<OsString>) -> Vec<OsString> {
    let is_ours = words.get(1).is_some_and(|command| command == "explain");
    let separator = words.iter_mut().skip(2).find(|word| *word == "--" || *word == "curl");
    if let Some(separator) = separator.filter(|_| is_ours) {
        *separator = "--".into();
    }
    words
}

/// Explains on stdout.
///
/// # Errors
/// A command line curl would not take either, or documents that do not compile.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut request = curl::parse(&arguments.curl).map_err(Failure::unable)?;
    let snapshot = documents::snapshot(&arguments.files)?;
    let as_sent = request.clone();
    let stripped = Owned::new(&snapshot, &arguments.owned).strip(&mut request);
    let written = write(&as_sent, &stripped, &request, &snapshot, &mut io::stdout().lock());
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::SUCCESS)
}

fn write(
    as_sent: &Request,
    stripped: &[String],
    request: &Request,
    snapshot: &Snapshot,
    output: &mut impl Write,
) -> io::Result<()> {
    writeln!(output, "request")?;
    writeln!(output, "  {} {}", one_line(&as_sent.method), one_line(&as_sent.target))?;
    writeln!(output, "  host: {}", one_line(as_sent.authority.as_deref().unwrap_or("(none)")))?;
    for (name, value) in &as_sent.headers {
        let owned = if stripped.contains(name) { "   (owned by Graylane: stripped first)" } else { "" };
        writeln!(output, "  {}: {}{owned}", one_line(name), one_line(&String::from_utf8_lossy(value)))?;
    }
    for note in notes::about(request) {
        writeln!(output, "  note: {}", one_line(&note))?;
    }
    let explanations = snapshot.explain(request);
    if explanations.is_empty() {
        writeln!(output, "\nno rule set to decide it: nothing is set")?;
    }
    for explanation in explanations {
        write!(output, "\n{explanation}")?;
    }
    output.flush()
}
