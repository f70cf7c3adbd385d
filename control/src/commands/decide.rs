//! `graylane decide`: decisions in bulk.

pub(super) mod line;

use std::{
    io::{self, BufRead, BufWriter, Read as _, Write},
    process::ExitCode,
};

use graylane_rules::Snapshot;

use super::{paths::Paths, sources::Reaching};
use crate::{documents, failure::Failure, overrides, owned, owned::Owned};

/// The longest request line, in bytes.
const LINE_LIMIT: usize = 1 << 20;

/// Decide many requests: JSON lines in, JSON lines out.
///
/// Reads a request a line from stdin and writes its decision to stdout, in the same order, as it goes. Where the rule
/// sets have several variant headers, a request gets a line for each. Blank lines are skipped.
///
/// A request: {"method","path","host","headers":[["name","value"],…],"source","peer","direction","time","labels":{},"minted"}, all
/// but path optional. The method is GET unless given; a header `host` stands in for an absent host; header names may be in any
/// case. Unknown fields are refused. `source` is an address, with or without a port; `labels` are those of the Envoy node;
/// `time` is RFC 3339. `peer` is the first URI in the sender's validated certificate, `direction` that of the listener, `inbound` or
/// `outbound`: by these and by `source` a rule set may inherit the variant that a request carries. What is asked about any of these
/// that is not given is false: nothing is read from a clock, so that the
/// same lines give the same decisions. For the same reason `minted` is what is random: 16 bytes in hexadecimal, of which
/// `issueCookie` makes an identity; without it none is minted.
///
/// A decision: {"ruleSet","rule","variant","reason","slot","experiment","set":{…},"remove":[…]}, null where there is
/// nothing; all null for a request outside of every scope. `set` begins with the variant header;
/// the time of an experiment is in it where the request has one. `remove` names the
/// owned headers that came with the request and that no decision about it sets: as in Envoy, they are hidden from the
/// decision. Owned are all names the rule sets may set, those given by --owned, and their twins with underscores.
/// Where cookies are set, "cookies" holds the values of set-cookie.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  echo '{\"path\":\"/\",\"headers\":[[\"x-env\",\"gray\"]]}' \\
    | graylane decide checkout.yaml
  graylane decide rules/ < requests.jsonl > decisions.jsonl
  graylane decide redb://graylane.redb#41 < requests.jsonl

Exit codes:
  0  every request is decided
  1  a request line is wrong: stderr says which, and nothing after it is
     decided; or there are errors in the documents, or no such revision
  2  wrong usage, or a file, store or control plane that cannot be read")]
pub struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// Another header that Graylane owns, besides those the rules set. Repeat it, or put commas between.
    #[arg(long, value_name = "NAME", value_delimiter = ',', value_parser = owned::parse_name)]
    owned: Vec<String>,
    #[command(flatten)]
    switches: overrides::Switches,
    // Last: what follows would stand under its heading.
    #[command(flatten)]
    reaching: Reaching,
}

/// Decides what comes on stdin.
///
/// # Errors
/// The first line that is no request.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let snapshot = documents::snapshot(&arguments.paths.gathered(&arguments.reaching)?, &arguments.switches.read()?)?;
    let owned = Owned::new(&snapshot, &arguments.owned);
    let mut output = BufWriter::new(io::stdout().lock());
    let outcome = decide(io::stdin().lock(), &mut output, &snapshot, &owned);
    // What was decided before a wrong line is good.
    let flushed = output.flush().map_err(|why| Failure::unwritten("stdout", &why));
    outcome.and(flushed)?;
    Ok(ExitCode::SUCCESS)
}

fn decide(mut input: impl BufRead, output: &mut impl Write, snapshot: &Snapshot, owned: &Owned) -> Result<(), Failure> {
    let mut text = Vec::new();
    for number in 1_usize.. {
        text.clear();
        let most = LINE_LIMIT.saturating_add(1) as u64;
        let read = (&mut input).take(most).read_until(b'\n', &mut text);
        if read.map_err(|why| Failure::unable(format!("stdin: {why}")))? == 0 {
            break;
        }
        if text.len() > LINE_LIMIT {
            let found = format!("found more than {LINE_LIMIT} bytes, expected at most that much");
            return Err(Failure::refused(format!("stdin: line {number}: {found}")));
        }
        if text.trim_ascii().is_empty() {
            continue;
        }
        let request = line::parse(&text).map_err(|why| Failure::refused(format!("stdin: line {number}{why}")))?;
        line::write(request, snapshot, owned, output).map_err(|why| Failure::unwritten("stdout", &why))?;
    }
    Ok(())
}
