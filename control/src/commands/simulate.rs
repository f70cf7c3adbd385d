//! `graylane simulate`: what share of the identities each rule and variant gets.

mod tally;
mod text;

use std::{io, path::PathBuf, process::ExitCode};

use graylane_rules::Snapshot;

use super::{explain::surroundings::Surroundings, form::Form, paths::Files, sources::Reaching};
use crate::{
    clock::Clock,
    curl, documents,
    failure::Failure,
    identities::{self, Identities},
    owned::Owned,
    request::Request,
    subject::{Carriers, Subject},
};
use tally::Tally;

/// Send many identities through the rules, and show what share each rule and variant gets.
///
/// The request is written as for curl, as in `explain`; it is decided once for each identity, with that as its identity.
/// Beside what was observed stands what is to be expected: computed from the slots of the rules, not counted. Percentages of
/// one salt are the same identities, those of different salts are independent; what a rule asks of the identity itself is asked
/// of each. A sample of 100,000 identities differs from what is expected by less than half a percent, nearly always. Where very
/// many rules share salts, nothing is expected, and it says so.
///
/// Identities are the numbers from 1 on, or the lines of a file. Each is put into the first header or cookie of the rule
/// set's `identity.from`, one that is issued included; a header or cookie of that name in the request is replaced. Tokens are
/// not made up: a rule set that reads its identity from nothing but `jwtClaim` is decided without one, and it says so.
///
/// JSON is an array of {variantHeader, ruleSet, identities, variants: [{variant, expected, observed}], rules: [{rule, variant,
/// reason, expected, observed, count}]}, shares from 0 to 1; expected is null where it is not known, rule where none matches.
#[derive(Debug, clap::Args)]
#[command(override_usage = "graylane simulate [OPTIONS] [-f FILE|DIR|URL] [-- CURL-ARGS]")]
#[command(after_long_help = "\
Examples:
  graylane simulate -f checkout.yaml
  graylane simulate -f rules/ -H 'x-app: web' -- https://shop/cart
  graylane simulate -f rules/ --identities 1000000 -o json -- -b beta=1 shop
  graylane simulate -f rules/ --identities-from users.txt -- https://shop/
  graylane simulate -f redb://graylane.redb#41

Exit codes:
  0  simulated
  1  there are errors in the documents, or no such revision
  2  wrong usage, such as a curl option that is not understood; or a file,
     store or control plane that cannot be read")]
pub struct Arguments {
    #[command(flatten)]
    files: Files,
    /// How many identities: the numbers from 1 to this, at most 1000000.
    #[arg(long, value_name = "N", default_value = "100000", value_parser = identities::count)]
    identities: u32,
    /// A file of identities, one a line; `-` is stdin.
    #[arg(long, value_name = "FILE", conflicts_with = "identities")]
    identities_from: Option<PathBuf>,
    /// A header of the request, as for curl. Repeat it for more.
    #[arg(short = 'H', value_name = "NAME: VALUE")]
    headers: Vec<String>,
    #[command(flatten)]
    surroundings: Surroundings,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
    /// The request: curl's options and the URL, behind `--` [default: http://localhost/]
    #[arg(last = true, value_name = "CURL-ARGS")]
    curl: Vec<String>,
    // Last: what follows would stand under its heading.
    #[command(flatten)]
    reaching: Reaching,
}

/// Simulates on stdout.
///
/// # Errors
/// A request curl would not send either, documents that do not compile or have no identity, identities that cannot be read.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let mut request = arguments.request().map_err(Failure::unable)?;
    let gathered = arguments.files.gathered(&arguments.reaching)?;
    let compiled = documents::sound(&gathered)?;
    let outline = documents::outline(&gathered)?;
    let snapshot = &compiled.snapshot;
    compiled.warnings.iter().for_each(|warning| eprintln!("{warning}"));
    Owned::new(snapshot, &[]).strip(&mut request);
    let carriers = Carriers::of(&outline).map_err(Failure::refused)?;
    for name in &carriers.unreached {
        let expected = "expected one to put identities into: here it decides as for whoever has none";
        eprintln!("rule set {name}: found no header and no cookie in spec.identity.from, {expected}");
    }
    let identities = match &arguments.identities_from {
        Some(file) => Identities::read(file)?,
        None => Identities::numbers(arguments.identities),
    };
    let tallies = tallies(snapshot, &carriers, &carriers.emptied(request), &identities);
    let mut stdout = io::stdout().lock();
    let written = match arguments.output {
        Form::Text => text::write(&tallies, &mut stdout),
        Form::Json => text::write_json(&tallies, &mut stdout),
    };
    written.map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::SUCCESS)
}

fn tallies(snapshot: &Snapshot, carriers: &Carriers, shape: &Request, identities: &Identities) -> Vec<Tally> {
    let population: Vec<Subject<'_>> =
        identities.iter().map(|identity| Subject::new(shape, carriers, identity)).collect();
    let names = carriers.header_names();
    let expected = snapshot.expected(&population, &names);
    let mut tallies: Vec<Tally> = expected.iter().map(|expected| Tally::new(expected, population.len())).collect();
    for subject in &population {
        for (decision, tally) in snapshot.decide(subject).zip(&mut tallies) {
            tally.count(&decision);
        }
    }
    tallies
}

impl Arguments {
    fn request(&self) -> Result<Request, String> {
        let headers = self.headers.iter().flat_map(|header| ["-H".to_owned(), header.clone()]);
        let given = self.curl.strip_prefix(&["curl".to_owned()]).unwrap_or(&self.curl);
        let mut words: Vec<String> = headers.chain(given.iter().cloned()).collect();
        if given.is_empty() {
            words.push("http://localhost/".to_owned());
        }
        let mut request = curl::parse(&words)?;
        self.surroundings.add_to(&mut request, None);
        request.time = request.time.or_else(|| Some(Clock::system().now().wall));
        Ok(request)
    }
}
