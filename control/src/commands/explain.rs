//! `graylane explain`: why one request goes where it goes.

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use graylane_rules::Snapshot;

use crate::{curl, documents, failure::Failure, owned, owned::Owned, request::Request};

/// Explain the decision for one request, written as for curl.
///
/// Prints the request as Envoy would see it, then the path through the rules: which rule set is in charge, which rule
/// decided, and why the others did not match. Nothing is sent.
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
  graylane explain -f checkout.yaml -- -H 'x-user-id: 42' https://shop.example.com/checkout
  graylane explain -f rules/ curl -sk -b uid=42 -d item=7 https://shop.example.com/cart

Exit codes:
  0  explained, whether or not a rule set includes the request
  1  there are errors in the documents
  2  wrong usage, such as a curl option that is not understood, or a file that cannot be read")]
pub struct Arguments {
    /// A document or a directory of them; may be repeated.
    #[arg(short, long = "file", required = true, value_name = "FILE|DIR")]
    files: Vec<PathBuf>,
    /// Another header that Graylane owns; may be repeated.
    #[arg(long, value_name = "NAME", value_parser = owned::parse_name)]
    owned: Vec<String>,
    /// The request: curl's options and the URL.
    #[arg(required = true, trailing_var_arg = true, allow_hyphen_values = true, value_name = "CURL-ARGS")]
    curl: Vec<String>,
}

/// Explains on stdout.
///
/// # Errors
/// A command line curl would not take either, or documents that do not compile.
pub fn run(mut arguments: Arguments) -> Result<ExitCode, Failure> {
    // `-f a b -- URL`: what stands before the dashes are further documents.
    if let Some(dashes) = arguments.curl.iter().position(|word| word == "--") {
        let rest = arguments.curl.split_off(dashes);
        arguments.files.extend(arguments.curl.drain(..).map(PathBuf::from));
        arguments.curl = rest.into_iter().skip(1).collect();
    }
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
    writeln!(output, "  {} {}", as_sent.method, as_sent.target)?;
    writeln!(output, "  host: {}", as_sent.authority.as_deref().unwrap_or("(none)"))?;
    for (name, value) in &as_sent.headers {
        let owned = if stripped.contains(name) { "   (owned by Graylane: stripped first)" } else { "" };
        writeln!(output, "  {name}: {}{owned}", String::from_utf8_lossy(value))?;
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
