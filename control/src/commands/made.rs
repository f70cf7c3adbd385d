//! What came of a proposal, for people and for programs.

use std::{
    io::{self, Write},
    process::ExitCode,
    time::Duration,
};

use super::{form::Form, plane::Told};
use crate::{
    difference::text,
    duration::spoken,
    failure::Failure,
    finding::one_line,
    movement::Movement,
    nodes::{Acks, WorkerAck},
    revisions::{
        Difference,
        json::{Answer, Came},
    },
};

/// The exit code where a revision was made and is not everywhere in time.
const NOT_EVERYWHERE: u8 = 3;

/// What was promised: that it is everywhere so soon after it was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Promise(pub Duration);

/// Shows what came of it on stdout; warnings go to stderr. The exit code is 3 where it is not everywhere in time.
///
/// # Errors
/// Where stdout cannot be written.
pub fn show(answer: &Told<Answer>, form: Form, promise: Option<Promise>) -> Result<ExitCode, Failure> {
    let Told { value, told } = answer;
    for warning in &told.warnings {
        eprintln!("{warning}");
    }
    form.report(value, |output| write(told, promise, output))?;
    let late = told.acks.as_ref().is_some_and(|acks| !is_kept(acks, promise));
    Ok(ExitCode::from(if late { NOT_EVERYWHERE } else { 0 }))
}

fn is_kept(acks: &Acks, promise: Option<Promise>) -> bool {
    let seconds = acks.seconds.filter(|_| acks.everywhere);
    seconds.is_some_and(|seconds| promise.is_none_or(|Promise(within)| seconds <= within.as_secs_f64()))
}

fn write(answer: &Answer, promise: Option<Promise>, output: &mut impl Write) -> io::Result<()> {
    let revision = answer.revision.as_deref().unwrap_or("none");
    let follows = answer.follows.as_ref().map(|follows| format!(", follows {follows}")).unwrap_or_default();
    match answer.outcome {
        Came::Made => writeln!(output, "revision {revision} published{follows}")?,
        Came::Planned => writeln!(output, "nothing is published, this is what would be{follows}")?,
        Came::Unchanged => writeln!(output, "nothing differs, revision {revision} stays")?,
    }
    if answer.outcome != Came::Unchanged {
        write_difference(&answer.difference, output)?;
    }
    let locks = answer.locks.iter().map(|lock| format!("lock made: {lock}"));
    locks.chain(answer.notes.iter().cloned()).try_for_each(|line| writeln!(output, "{}", one_line(&line)))?;
    answer.movement.iter().try_for_each(|movement| write_movement(movement, output))?;
    answer.acks.iter().try_for_each(|acks| write_acks(acks, promise, output))
}

/// How a revision differs from another: rule sets, and what stands above them.
pub fn write_difference(difference: &Difference, output: &mut impl Write) -> io::Result<()> {
    if !difference.rule_sets.is_empty() || difference.overlay.is_empty() {
        text::write(&difference.rule_sets, output)?;
    }
    if difference.names_only {
        writeln!(output, "(it was too much to keep more than the names: graylane diff of both revisions has all)")?;
    }
    difference.overlay.iter().try_for_each(|line| writeln!(output, "{}", one_line(line)))
}

fn write_movement(movement: &Movement, output: &mut impl Write) -> io::Result<()> {
    let name = |variant: &Option<String>| variant.clone().unwrap_or_else(|| "nothing".to_owned());
    writeln!(output, "{} of {} identities move", movement.moved, movement.identities)?;
    for one in &movement.moves {
        let (from, to) = (name(&one.from), name(&one.to));
        writeln!(output, "  {}: {from} to {to}: {}", one.variant_header, one.identities)?;
    }
    Ok(())
}

/// Who runs it since when, and what that means.
pub fn write_acks(acks: &Acks, promise: Option<Promise>, output: &mut impl Write) -> io::Result<()> {
    for worker in &acks.workers {
        writeln!(output, "  {} {}: {}", one_line(&worker.node), one_line(&worker.worker), ack(worker))?;
    }
    let waited = acks.workers.iter().filter(|worker| worker.seconds.is_none()).count();
    let end = match (acks.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()), promise) {
        _ if acks.workers.is_empty() => "no Envoy has reported to this control plane: nobody runs it yet".to_owned(),
        (None, promise) => {
            let broken = promise.map(|Promise(within)| format!(" within {}: promise broken", spoken(within)));
            let workers = acks.workers.len();
            format!("not everywhere{}: {waited} of {workers} workers do not run it", broken.unwrap_or_default())
        }
        (Some(took), None) => format!("everywhere in {}", spoken(took)),
        (Some(took), Some(Promise(within))) if took <= within => {
            format!("everywhere in {}, within {}: promise kept", spoken(took), spoken(within))
        }
        (Some(took), Some(Promise(within))) => {
            format!("everywhere in {}, not within {}: promise broken", spoken(took), spoken(within))
        }
    };
    let silent =
        if acks.silent == 0 { String::new() } else { format!("; {} silent Envoys not waited for", acks.silent) };
    writeln!(output, "{end}{silent}")
}

fn ack(worker: &WorkerAck) -> String {
    match worker.seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()) {
        Some(took) => format!("runs it after {}", spoken(took)),
        None => {
            let runs = worker.runs.as_deref().unwrap_or("nothing");
            let why = worker.why.as_ref().map(|why| format!(": {}", one_line(why))).unwrap_or_default();
            format!("still runs {}{why}", one_line(runs))
        }
    }
}
