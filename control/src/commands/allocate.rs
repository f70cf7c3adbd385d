//! `graylane allocate`: locks that fit their rule sets, made by moving as few identities as the weights require.

mod as_json;
mod files;
mod told;

use std::{
    io::{self, Write as _},
    process::ExitCode,
};

use super::{
    form::Form,
    paths::Paths,
    sources::{self, Reaching, Source},
};
use crate::{
    documents,
    failure::Failure,
    lock::plan::{Plan, Wishes, plans},
    replace::replace,
};
use files::{Sources, Writing};

/// Make the locks that remember which identities belong to which variant.
///
/// A split of two variants is one threshold: a change of weights moves nobody but those who have to. From three on that
/// needs memory: an AllocationLock document beside the rule set, checkout.lock.yaml beside checkout.yaml. Run this after
/// every change of weights or variants, and commit both files together. Each split is moved from what its lock remembers
/// to what its weights say; exactly as many identities move as the growing variants gain. Until the lock fits, every other
/// command refuses the documents, and `serve` keeps the last good revision.
///
/// Splits of two variants are left alone, unless the lock has them or --all asks. Where nothing is remembered yet, the
/// lock begins with what the documents mean without one; where other weights run already, name those documents with --from.
/// Slots of a variant that is gone are given away; a variant that is only named otherwise keeps them with --rename. To go
/// back, restore the document with its lock: that moves everybody back to where they were.
///
/// What moves from which variant to which is told on stderr, or with -o json on stdout: an array of {ruleSet, splits,
/// forgotten, file, written, document}, a split {name, ranges, remembered, slots, transfers: [{from, to, slots}]}. Slots are null
/// where another salt says nothing of who moves; file and document, the lock itself, are null where nothing changes. Files are written whole or not at all, only once everything
/// compiles, and not touched where nothing changes. `graylane diff` compares any two states. `graylane publish` makes the
/// locks of what it publishes itself; of a revision they are shown with --dry-run, since there are no files to write.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane allocate rules/
  graylane allocate --dry-run checkout.yaml
  graylane allocate --from running/ rules/
  graylane allocate --from http://127.0.0.1:8460 rules/
  graylane allocate --rename canary=blue rules/
  graylane allocate --dry-run -o json rules/ | jq '.[].splits[].slots'

Exit codes:
  0  the locks fit, whether or not anything had to be written
  1  there are errors in the documents, or a split would have too many ranges;
     no such revision
  2  wrong usage, or a file, store or control plane that cannot be read or
     written")]
pub struct Arguments {
    #[command(flatten)]
    paths: Paths,
    /// Write the lock documents to stdout instead of to their files.
    #[arg(long)]
    dry_run: bool,
    /// Remember every split, those of two variants too.
    #[arg(long)]
    all: bool,
    /// The documents that run now, with their locks: move from those instead of from the locks that are there. Files and
    /// directories, of which there may be several, or a URL.
    #[arg(long, value_name = "FILE|DIR|URL", value_parser = Source::parser())]
    from: Vec<Source>,
    /// A variant that goes on under another name and keeps its slots. Repeat it, or put commas between.
    #[arg(long, value_name = "OLD=NEW", value_delimiter = ',', value_parser = rename)]
    rename: Vec<(String, String)>,
    /// How to report: text goes to stderr, JSON to stdout.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
    /// A split to lay out from the beginning, whatever that moves: SPLIT, or RULE-SET/SPLIT.
    #[arg(long, value_name = "SPLIT", value_delimiter = ',')]
    anew: Vec<String>,
    // Last: what follows would stand under its heading.
    #[command(flatten)]
    reaching: Reaching,
}

fn rename(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => Ok((old.to_owned(), new.to_owned())),
        _ => Err(format!("found {text:?}, expected OLD=NEW, the names of a variant")),
    }
}

/// Writes the locks and says on stderr what moves.
///
/// # Errors
/// Documents that do not compile with their locks, too many ranges, files that cannot be read or written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let sources = Sources::of(arguments.paths.gathered(&arguments.reaching)?, arguments.dry_run)?;
    let outline = documents::outline(&sources.gathered)?;
    let running = match arguments.from.as_slice() {
        [] => None,
        // What runs has to be sound, locks and all: else nobody knows what it decides.
        from => Some(documents::compiled_outline(&sources::gathered(from, &arguments.reaching)?)?),
    };
    let (anew, renames) = (arguments.anew.clone(), arguments.rename.clone());
    let wishes = Wishes { all: arguments.all, anew, renames, running };
    check_names(&outline, &wishes)?;
    let plans = plans(&outline, &wishes).map_err(Failure::refused)?;
    let writings = sources.writings(&outline, &plans)?;
    sources.check(&writings)?;
    if arguments.output == Form::Json {
        return json(arguments, &plans, &writings);
    }
    let mut stderr = io::stderr().lock();
    // Nobody to tell is no reason to leave the work undone.
    let _ = plans.iter().try_for_each(|plan| told::write(plan, &mut stderr));
    for writing in &writings {
        let (path, text) = (writing.path.display(), writing.text.as_bytes());
        if arguments.dry_run {
            let written = writing.heading(&mut io::stdout()).and_then(|()| io::stdout().write_all(text));
            written.map_err(|why| Failure::unwritten("stdout", &why))?;
            continue;
        }
        written(writing)?;
        let _ = writeln!(stderr, "{path}: written");
    }
    let _ = told::write_end(&plans, &writings, &mut stderr);
    Ok(ExitCode::SUCCESS)
}

fn written(writing: &Writing) -> Result<(), Failure> {
    let unwritten = |why| Failure::unwritten(&writing.path.display().to_string(), &why);
    replace(&writing.path, writing.text.as_bytes()).map_err(unwritten)
}

/// Writes the files, unless they are only to be shown, and says on stdout what it did.
fn json(arguments: &Arguments, plans: &[Plan], writings: &[Writing]) -> Result<ExitCode, Failure> {
    if !arguments.dry_run {
        writings.iter().try_for_each(written)?;
    }
    let mut stdout = io::stdout().lock();
    let told = as_json::write(plans, writings, !arguments.dry_run, &mut stdout).and_then(|()| stdout.flush());
    told.map_err(|why| Failure::unwritten("stdout", &why))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses wishes about what is not there: a typo would move identities in silence.
fn check_names(outline: &graylane_rules::Outline, wishes: &Wishes) -> Result<(), Failure> {
    let mut splits =
        outline.rule_sets.iter().flat_map(|set| set.splits.iter().map(move |split| (&set.name, &split.name)));
    let unknown = wishes
        .anew
        .iter()
        .find(|wish| !splits.clone().any(|(set, split)| **wish == *split || **wish == format!("{set}/{split}")));
    if let Some(wish) = unknown {
        let known: Vec<_> = splits.by_ref().take(20).map(|(set, split)| format!("{set}/{split}")).collect();
        return Err(Failure::unable(format!("found --anew {wish}, expected a split: one of {}", known.join(", "))));
    }
    let variants = |name: &String| {
        let mut slots = outline.rule_sets.iter().flat_map(|set| &set.splits).flat_map(|split| &split.slots);
        slots.any(|(variant, _)| variant == name)
    };
    match wishes.renames.iter().find(|(_, new)| !variants(new)) {
        Some((old, new)) => {
            let expected = format!("a variant of the rule sets in the place of {new}");
            Err(Failure::unable(format!("found --rename {old}={new}, expected {expected}")))
        }
        None => Ok(()),
    }
}
