//! `graylane diff`: who moves between two states of the documents.

mod side;

use std::{ffi::OsString, process::ExitCode};

use super::{form::Form, made, plane::Plane};
use crate::{
    documents::{self, Gathered},
    failure::Failure,
    finding::one_line,
    revisions::{self, Difference},
};
use side::Side;

/// Compare two states of the rule sets: which rules differ, and exactly who moves.
///
/// Each side is what `serve` would read, a file, or a directory of documents with their locks; or a revision, by its number,
/// by EPOCH.NUMBER or as `head`, of the control plane or the store that --control, --store or the environment say. A file or
/// directory of such a name wins: write #41 for the revision then. A URL with its revision, redb://PATH#41, says both.
/// Without NEW a revision is compared with the head.
///
/// `diff head rules/` is what a publication of rules/ would change: locks that it would make are made here as well, and
/// what stands above the documents stays.
///
/// For each split that differs it says how many slots move from which variant to which; a slot is 0.001 percent of the
/// identities. For each percentage, how many slots come in and fall out, and for each audience how many identities. All are
/// exact, to the slot, among the identities that the split or the percentage is asked about; who is asked depends on the
/// requests, so there is no sum over rules. Where the salt, the list of identities or the name that the salt is made of
/// differ, slots say nothing, and it says that up to 100 % may move.
///
/// JSON is an array of {name, change, fields, reordered, splits, rules}: a split {name, change, experimentChanged, moves}, a
/// rule {id, change, percents, audiences, moves}, an audience {name, enter, leave}, moves {slots, why, transfers: [{from, to, slots}]}, a percentage {before, after,
/// enter, leave}. Slots are null where they are unknowable. What is switched off, frozen or overridden besides is told on
/// stderr then.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane diff running/ rules/
  graylane diff 41 42
  graylane diff 41
  graylane diff head rules/ --control http://127.0.0.1:8460
  graylane diff redb://graylane.redb#41 rules/
  git worktree add ../running && graylane diff ../running/rules rules
  graylane diff -o json running/ rules/ | jq '.[].splits[].moves.slots'

Exit codes:
  0  compared, whether or not anything differs
  1  there are errors in the documents, or no such revision
  2  wrong usage, or a file, store or control plane that cannot be read")]
pub struct Arguments {
    /// What was: a document, a directory of them, or a revision.
    #[arg(value_name = "OLD")]
    old: OsString,
    /// What is to be. Not given: the head.
    #[arg(value_name = "NEW")]
    new: Option<OsString>,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Compares on stdout.
///
/// # Errors
/// Documents that do not compile, locks that do not fit, revisions that are not there, stdout that cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let old = Side::read(&arguments.old).map_err(Failure::unable)?;
    let new = match &arguments.new {
        Some(new) => Side::read(new).map_err(Failure::unable)?,
        None => old.default_other().map_err(Failure::unable)?,
    };
    let (old, mut new) = (old.gathered(&arguments.plane)?, new.gathered(&arguments.plane)?);
    if old.revision.is_some() && new.revision.is_none() {
        publish(&old, &mut new)?;
    }
    let difference = match (documents::compiled_outline(&old), documents::compiled_outline(&new)) {
        (Ok(was), Ok(is)) => Difference::between((&was, &old.overlay), (&is, &new.overlay)),
        (Err(old), Err(new)) => return Err(old.and(new)),
        (Err(why), _) | (_, Err(why)) => return Err(why),
    };
    if arguments.output == Form::Json {
        difference.overlay.iter().for_each(|line| eprintln!("{}", one_line(line)));
    }
    arguments.output.report(&difference.rule_sets, |output| made::write_difference(&difference, output))?;
    Ok(ExitCode::SUCCESS)
}

/// Makes of files what a publication of them on `old` would hold.
fn publish(old: &Gathered, new: &mut Gathered) -> Result<(), Failure> {
    let (running, outline) = (documents::outline(old)?, documents::outline(new)?);
    let made = revisions::complete_locks(&mut new.documents, &outline, &running).map_err(Failure::refused)?;
    for lock in made {
        eprintln!("{}: a lock as publishing would make it", one_line(&lock));
    }
    // Of rule sets that are no longer there, nothing is off.
    new.overlay = old.overlay.clone();
    new.overlay.off.retain(|off| off.rule_set.as_ref().is_none_or(|name| outline.rule_set(name).is_some()));
    Ok(())
}
