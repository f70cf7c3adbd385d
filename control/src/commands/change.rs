//! `graylane rollback`, `off`, `on`, `freeze` and `unfreeze`: revisions without documents of one's own.

mod standing;

use std::{process::ExitCode, time::Duration};

use graylane_store::Overlay;

use super::{
    form::Form,
    made::{self, Promise},
    plane::{self, Plane},
    publish::{millis, wait},
};
use crate::{
    failure::Failure,
    finding::one_line,
    revisions::json::{Asked, Came, LONGEST_WAIT, Verb},
};
use standing::{Left, Standing};

/// So long a promise may be overdue before it is given up to wait: what is late is told with how late it was.
const OVERDUE: u32 = 10;

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct Common {
    /// Why: it stands in the history.
    #[arg(short = 'm', long = "reason", value_name = "WHY", default_value = "(no reason given)")]
    reason: String,
    /// Only this rule set.
    #[arg(long, value_name = "NAME")]
    rule_set: Option<String>,
    /// Return when every known worker runs it, or after so long; --wait alone is 30s.
    #[arg(long, value_name = "DURATION", num_args = 0..=1, default_missing_value = "30s", value_parser = wait)]
    wait: Option<Duration>,
    /// Who does it, where the control plane does not know. Not given: you, at this host.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Publish the documents of an earlier revision again.
///
/// It is a new revision with the old documents and locks, so that everybody is where they were, to the slot. Whatever its
/// size it is one transaction. What is switched off or frozen stays so. A rollback of a rollback goes forward again;
/// --to N goes further back.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane rollback --within 1s
  graylane rollback --to 41 -m 'errors at checkout' --within 1s
  graylane rollback --to 41 --rule-set checkout --dry-run
  graylane history --limit 5

Exit codes:
  0  published, and everywhere within what was promised; or nothing differs
  1  refused: no such revision, frozen, or somebody else was first
  2  wrong usage, or no control plane
  3  published, and not everywhere in time")]
pub struct Rollback {
    /// The revision to go back to, or its number in the epoch of the head. Not given: the
    /// last one that holds something else.
    #[arg(long, value_name = "REVISION")]
    to: Option<String>,
    /// The promise: every known worker runs it so soon after it was asked for. It is measured, and told where it is broken: then
    /// it looks on to tell who is late, up to ten times as long in all, and 5m at most.
    #[arg(long, value_name = "DURATION", value_parser = wait, conflicts_with_all = ["wait", "dry_run"])]
    within: Option<Duration>,
    /// Tell what would change, and who would move, and publish nothing.
    #[arg(long, conflicts_with = "wait")]
    dry_run: bool,
    #[command(flatten)]
    common: Common,
}

/// Switch rule sets off: everybody has the default variant.
///
/// The kill switch. Rules stay as they are published, and are not asked: no split, no cookie, no variant that a request
/// carries; decisions say DISABLED. It arrives as any revision does, and also where changes are frozen. It ends with
/// `graylane on`; no rollback and no publication ends it.
///
/// Where no control plane answers any more, each Envoy can do it: docs/failures.md.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane off -m 'checkout fails' --wait
  graylane off --rule-set checkout
  graylane on --rule-set checkout -m 'fixed in 41'

Exit codes:
  0  published, or off already
  1  refused: no such rule set, or nothing is published
  2  wrong usage, or no control plane
  3  published, and not everywhere in time")]
pub struct Off {
    #[command(flatten)]
    common: Common,
}

/// Switch rule sets on again that were switched off.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane on --wait
  graylane on --rule-set checkout -m 'fixed in 41'

Exit codes: as those of graylane off, and 1 where it is frozen.")]
pub struct On {
    #[command(flatten)]
    common: Common,
}

/// Refuse changes of rule sets from now on.
///
/// What is published stays, and goes on deciding. Publishing, rolling back and switching on are refused, and it is told who
/// froze it and why; switching off is not. It ends with `graylane unfreeze`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane freeze -m 'sale until Monday'
  graylane freeze --rule-set checkout -m 'incident 4711'
  graylane unfreeze --rule-set checkout

Exit codes:
  0  published, or frozen already
  1  refused: no such rule set, or nothing is published
  2  wrong usage, or no control plane
  3  published, and not everywhere in time")]
pub struct Freeze {
    #[command(flatten)]
    common: Common,
}

/// Take changes of rule sets again that were frozen.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane unfreeze
  graylane unfreeze --rule-set checkout -m 'incident 4711 is over'

Exit codes: as those of graylane freeze, and 1 where what is named is not
frozen by itself, but all or single rule sets are.")]
pub struct Unfreeze {
    #[command(flatten)]
    common: Common,
}

/// Goes back, and shows what came of it.
///
/// # Errors
/// Why nothing was published.
pub fn rollback(arguments: &Rollback) -> Result<ExitCode, Failure> {
    let Rollback { to, within, dry_run, common } = arguments;
    let asked = Asked { to: to.clone(), dry_run: *dry_run, ..common.asked() };
    let waiting = within.map(|within| millis(within.saturating_mul(OVERDUE).min(LONGEST_WAIT)));
    let asked = Asked { wait_millis: waiting.or(asked.wait_millis), promise_millis: within.map(millis), ..asked };
    let answer = common.plane.make(Verb::Rollback, asked)?;
    made::show(&answer, common.output, within.map(Promise))
}

/// Switches off.
///
/// # Errors
/// Why nothing was published.
pub fn off(arguments: &Off) -> Result<ExitCode, Failure> {
    arguments.common.make(Verb::Off)
}

/// Switches on.
///
/// # Errors
/// Why nothing was published.
pub fn on(arguments: &On) -> Result<ExitCode, Failure> {
    arguments.common.end(Verb::On, Standing::off)
}

/// Freezes.
///
/// # Errors
/// Why nothing was published.
pub fn freeze(arguments: &Freeze) -> Result<ExitCode, Failure> {
    arguments.common.make(Verb::Freeze)
}

/// Ends a freeze.
///
/// # Errors
/// Why nothing was published.
pub fn unfreeze(arguments: &Unfreeze) -> Result<ExitCode, Failure> {
    arguments.common.end(Verb::Unfreeze, Standing::frozen)
}

impl Common {
    fn asked(&self) -> Asked {
        Asked {
            rule_set: self.rule_set.clone(),
            actor: Some(self.actor.clone().unwrap_or_else(plane::actor)),
            reason: self.reason.clone(),
            source: "graylane".to_owned(),
            wait_millis: self.wait.map(millis),
            ..Asked::default()
        }
    }

    fn make(&self, verb: Verb) -> Result<ExitCode, Failure> {
        made::show(&self.plane.make(verb, self.asked())?, self.output, None)
    }

    /// Makes a revision that ends something, and says what of that kind stands all the same.
    ///
    /// # Errors
    /// Where what was meant goes on: whoever asked is not to believe that it ended.
    fn end(&self, verb: Verb, standing: impl Fn(&Overlay) -> Standing) -> Result<ExitCode, Failure> {
        let answer = self.plane.make(verb, self.asked())?;
        let shown = made::show(&answer, self.output, None)?;
        // It is done: that nobody can say what else stands is no reason to fail.
        let Ok(head) = self.plane.manifest("head") else { return Ok(shown) };
        let is_made = answer.told.outcome == Came::Made;
        match standing(&head.told.overlay).left(self.rule_set.as_deref(), is_made) {
            Left::Nothing => Ok(shown),
            Left::Beside(what) => {
                eprintln!("{}", one_line(&what));
                Ok(shown)
            }
            Left::Meant(what) => Err(Failure::refused(what)),
        }
    }
}
