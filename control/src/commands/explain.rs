//! `graylane explain`: why one request goes where it goes.

mod as_json;
mod compared;
mod logged;
pub(super) mod surroundings;

use std::{
    ffi::OsString,
    io::{self, Write},
    process::ExitCode,
};

use graylane_rules::Snapshot;

use super::{form::Form, paths::Files, sources::Reaching};
use crate::{
    clock::Clock,
    curl,
    documents::{self, ParsedDocument},
    explanation::{self, Asked, Masked},
    failure::Failure,
    finding::one_line,
    overrides, owned,
    owned::Owned,
    request::Request,
    shell,
};
use logged::Logged;
use surroundings::Surroundings;

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
///
/// --curl takes the whole command line as one text instead, quotes, continued lines and all: what a browser's "Copy as
/// cURL (bash)" gives. --log-line takes a line of Envoy's access log in JSON; what the rules ask and the log does not tell is
/// named, and if the log has Graylane's `variant`, `rule` and `reason`, they are compared with what is explained.
///
/// JSON is an object {request, decisions, missed, lines}: the request {method, host, path, headers}, the decisions as
/// `graylane decide` has them, what the rules asked and a log does not tell, and the lines of the text.
///
/// Credentials are shortened wherever they would be printed: cookies, authorization and whatever is called a token,
/// secret, password, session or key.
#[derive(Debug, clap::Args)]
#[command(
    override_usage = "graylane explain [OPTIONS] [-f FILE|DIR|URL] -- CURL-ARGS\n       graylane explain [OPTIONS] [-f FILE|DIR|URL] curl CURL-ARGS\n       graylane explain [OPTIONS] [-f FILE|DIR|URL] --curl LINE\n       graylane explain [OPTIONS] [-f FILE|DIR|URL] --log-line JSON|-"
)]
#[command(after_long_help = "\
Examples:
  graylane explain -f checkout.yaml -- -H 'x-user-id: 42' https://shop/cart
  graylane explain -f shop.yaml --source 10.1.2.3 --label region=us \\
    --time 2026-12-24T18:00:00+01:00 -- https://shop/cart
  graylane explain -f rules/ --peer spiffe://cluster.local/ns/edge/sa/gw \\
    -- -H 'x-gray-variant: canary' https://shop/cart
  graylane explain -f rules/ curl -sk -b uid=42 -d item=7 https://shop/cart
  graylane explain -f http://127.0.0.1:8460 -- https://shop/cart
  graylane explain -f redb://graylane.redb#41 -- https://shop/cart
  graylane explain -f rules/ --curl 'curl -H \"x-env: gray\" https://shop/cart'
  graylane explain -f rules/ -o json -- https://shop/cart | jq .decisions
  kubectl logs deploy/edge | grep 4f1c-8a02 |
    graylane explain -f rules/ --log-line -

Keys of --log-line (the first of a line that is there counts; null, \"-\" and
\"\" tell that something is absent):
  path, x-envoy-original-path, x-envoy-origin-path, x_envoy_original_path,
    :path                                        must be there
  method, :method, request_method                must be there
  authority, :authority, host
  accept, cookie, origin, referer, user-agent or user_agent; request_id for
    x-request-id
  each key that begins with x- or x_             that header: x-env, x_env
  headers, request_headers                       an object of headers
  start_time                                     for rules that ask the time
  variant, rule, reason, revision                with or without graylane_
Of other headers a log tells nothing under a key of its own. For rules on
x-env the log's format needs `x-env: \"%REQ(X-ENV)%\"`.

Exit codes:
  0  explained, whether or not a rule set includes the request
  1  there are errors in the documents, or no such revision
  2  wrong usage, such as a curl option that is not understood; or a file,
     store or control plane that cannot be read")]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// Another header that Graylane owns, besides those the rules set. Repeat it, or put commas between.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = owned::parse_name)]
    owned: Vec<String>,
    #[command(flatten)]
    switches: overrides::Switches,
    /// The request, as one text: a curl command line as it was copied.
    #[arg(long = "curl", value_name = "LINE", conflicts_with_all = ["log_line", "curl"])]
    line: Option<String>,
    /// The request, as a line of an access log in JSON; `-` reads it from stdin.
    #[arg(long, value_name = "JSON|-", conflicts_with = "curl")]
    log_line: Option<String>,
    #[command(flatten)]
    surroundings: Surroundings,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
    /// The request: curl's options and the URL, behind `--` or the word `curl`.
    #[arg(last = true, value_name = "CURL-ARGS")]
    curl: Vec<String>,
    // Last: what follows would stand under its heading.
    #[command(flatten)]
    reaching: Reaching,
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
/// A command line curl would not take either, a line that is none of an access log, or documents that do not compile.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let logged = arguments.log_line.as_deref().map(logged::read).transpose().map_err(Failure::unable)?;
    let gathered = arguments.files.gathered(&arguments.reaching)?;
    let mut request = arguments.request(logged.as_ref()).map_err(Failure::unable)?;
    let told = documents::told(&gathered, &arguments.switches.read()?)?;
    let documents::Compiled { snapshot, parsed, .. } = told;
    arguments.surroundings.add_to(&mut request, logged.as_ref());
    let as_sent = request.clone();
    if logged.is_none() {
        request.time = request.time.or_else(|| Some(Clock::system().now().wall));
    }
    let stripped = Owned::new(&snapshot, &arguments.owned).strip(&mut request);
    if let Some(logged) = &logged {
        request.carried = logged.inherited(&snapshot);
    }
    let absent = logged.as_ref().map(|logged| logged.absent.as_slice());
    let asked = Asked { as_sent: &as_sent, stripped: &stripped, request: &request, absent };
    let mut text = Vec::new();
    let missed = write(&asked, logged.as_ref(), &snapshot, &parsed, &mut text);
    let written = missed.and_then(|missed| {
        let mut stdout = io::stdout().lock();
        match arguments.output {
            Form::Text => stdout.write_all(&text)?,
            Form::Json => as_json::write(&asked, &snapshot, &missed, &text, &mut stdout)?,
        }
        stdout.flush()
    });
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::SUCCESS)
}

impl Arguments {
    fn request(&self, logged: Option<&Logged>) -> Result<Request, String> {
        match (logged, &self.line) {
            (Some(logged), _) => Ok(logged.request.clone()),
            (None, Some(line)) => pasted(line),
            (None, None) if self.curl.is_empty() => {
                let expected = "expected one behind --, such as -- -H 'x-env: gray' https://shop/cart";
                Err(format!("found no request, {expected}; or --curl, or --log-line"))
            }
            (None, None) => curl::parse(&self.curl),
        }
    }
}

/// A command line in one text; a prompt in front of it does not count.
fn pasted(line: &str) -> Result<Request, String> {
    let words = shell::words(line)?;
    let words = words.strip_prefix(&["$".to_owned()]).unwrap_or(&words);
    match words {
        [program, rest @ ..] if matches!(program.rsplit(['/', '\\']).next(), Some("curl" | "curl.exe")) => {
            curl::parse(rest)
        }
        [other, ..] => Err(format!("found the command {other:?}, expected curl")),
        [] => Err("found no command, expected one such as: curl https://shop.example.com/checkout".to_owned()),
    }
}

fn write(
    asked: &Asked<'_>,
    logged: Option<&Logged>,
    snapshot: &Snapshot,
    parsed: &[ParsedDocument],
    output: &mut impl Write,
) -> io::Result<Vec<String>> {
    let missed = explanation::write(asked, snapshot, parsed, output)?;
    if let Some(logged) = logged {
        let masked = Masked::of(asked.as_sent);
        for line in compared::lines(logged, asked.request, &missed, snapshot) {
            writeln!(output, "{}", one_line(&masked.text(&line)))?;
        }
    }
    Ok(missed)
}
