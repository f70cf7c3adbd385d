//! `graylane compact`, `verify`, `backup` and `restore`: what keeps a store in order.

mod local;
mod remote;

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read as _, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
};

use graylane_store::{Header, Unreadable};

use super::{
    form::Form,
    plane::{self, Asking, Plane},
};
use crate::{
    clock::second,
    failure::Failure,
    finding::one_line,
    found,
    keeping::{Compaction, Draft, Restoration, Taken, Verification, verified},
    plural::counted,
};

/// What the first line of a backup begins with.
const BACKUP_BEGINNING: &[u8] = br#"{"graylane":"backup","#;

/// Remove old revisions, and what only they refer to.
///
/// The last revisions of every namespace of the store stay, and numbers are not used again. Whoever asks for one that is gone is
/// told so, and which are still there. Others may publish meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane compact
  graylane compact --keep 100 --store etcd://etcd-0:2379,etcd-1:2379

Exit codes:
  0  done
  2  wrong usage, no control plane, or a store that cannot be used")]
pub struct Compact {
    /// So many revisions of each namespace stay, at least one.
    #[arg(long, value_name = "COUNT", default_value = "10000", value_parser = at_least_one)]
    keep: usize,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Check that what is kept is what was put there: a store, or a backup.
///
/// Walks the chain of revisions from the head back and checks every digest, every link and every piece. Of a backup it needs no
/// store.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane verify
  graylane verify --store redb://graylane.redb
  graylane verify --file nightly.graylane

Exit codes:
  0  everything is as it was put there
  1  something is not: it says what
  2  wrong usage, no control plane, a store or file that cannot be read")]
pub struct Verify {
    /// A backup, instead of a store.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["store", "control"])]
    file: Option<PathBuf>,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Take a backup: all revisions of a namespace and everything they refer to, in one file.
///
/// It replaces a backup of that name, and nothing else. The file says what is in it: label, first and last revision, a digest of
/// each part and of the whole. It stands there whole or not at all, and is verified before this returns. Others may publish
/// meanwhile. `graylane serve --backup-to` takes them on a schedule.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane backup nightly.graylane
  graylane backup nightly.graylane --store redb://graylane.redb
  graylane backup before-sale.graylane --label 'before the sale'

Exit codes:
  0  taken and verified
  1  nothing is published
  2  wrong usage, no control plane, a store that cannot be used, a file
     that cannot be written, or that is there and no backup")]
pub struct Backup {
    /// The file to write.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it is called. Not given: the name of the file.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Restore a backup: what was published when it was taken is published again.
///
/// It is a new revision on top of what is there; where nothing is, the revisions of the backup stand before it. It begins a
/// new epoch, later than any that is known, so that every Envoy takes it. The backup is verified first, to its end. It is refused
/// while something is frozen, or off that the backup would switch on again.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane restore nightly.graylane -m 'the disk was lost'
  graylane restore nightly.graylane --store etcd://etcd-0:2379

Exit codes:
  0  restored
  1  the backup is damaged, something is frozen or off, or somebody
     published meanwhile
  2  wrong usage, no control plane, a store or a file that cannot be used")]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Why: it stands in the history.
    #[arg(short = 'm', long = "reason", value_name = "WHY", default_value = "(no reason given)")]
    reason: String,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

fn at_least_one(text: &str) -> Result<usize, String> {
    let found = text.parse().ok().filter(|count| *count > 0);
    found.ok_or_else(|| "expected a number of revisions, one at least".to_owned())
}

/// Removes old revisions.
///
/// # Errors
/// A store that cannot be used.
pub fn compact(arguments: &Compact) -> Result<ExitCode, Failure> {
    let Compact { keep, plane, output } = arguments;
    let done: Compaction = match plane.asking()? {
        Asking::Local(place) => local::compact(&place, *keep),
        Asking::Remote(client) => remote::compact(&client, plane.namespace(), *keep),
    }?;
    let (revisions, pieces) = (counted(done.revisions, "revision"), counted(done.pieces, "piece"));
    let mut text = format!("{revisions} and {pieces} removed\n");
    for left in &done.namespaces {
        text.push_str(&format!("{}: {} is the oldest now\n", one_line(&left.namespace), one_line(&left.oldest)));
    }
    output.report(&done, |output| output.write_all(text.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

/// Checks a store or a backup.
///
/// # Errors
/// What cannot be read.
pub fn verify(arguments: &Verify) -> Result<ExitCode, Failure> {
    let Verify { file, plane, output } = arguments;
    if let Some(file) = file {
        return verify_file(file, *output);
    }
    let found: Verification = match plane.asking()? {
        Asking::Local(place) => local::verify(&place, plane.namespace()),
        Asking::Remote(client) => remote::verify(&client, plane.namespace()),
    }?;
    let Verification { first, last, revisions, pieces, bytes, faults } = &found;
    if revisions.saturating_add(faults.len()) == 0 {
        return Err(nothing(plane));
    }
    let [first, last] = [first, last].map(|revision| revision.as_deref().unwrap_or("none"));
    let (revisions, pieces) = (counted(*revisions, "revision"), counted(*pieces, "piece"));
    let mut text = format!("{revisions}, {first} to {last}, and {pieces} of {bytes} bytes: ");
    text.push_str(if faults.is_empty() { "as they were put there\n" } else { "not as they were put there\n" });
    faults.iter().for_each(|fault| text.push_str(&format!("  {}\n", one_line(fault))));
    output.report(&found, |output| output.write_all(text.as_bytes()))?;
    Ok(ExitCode::from(u8::from(!faults.is_empty())))
}

fn verify_file(file: &Path, output: Form) -> Result<ExitCode, Failure> {
    let taken = whole(file, &mut opened(file)?)?;
    let Taken { backup, pieces, bytes } = &taken;
    let (label, namespace, at) = (one_line(&backup.label), one_line(&backup.namespace), second(backup.at));
    let (span, pieces) = (span(backup), counted(*pieces, "piece"));
    let text = format!("backup {label} of {namespace}, taken at {at}: {span}, and {pieces} of {bytes} bytes: whole\n");
    output.report(&taken, |output| output.write_all(text.as_bytes()))?;
    Ok(ExitCode::SUCCESS)
}

/// Takes a backup.
///
/// # Errors
/// Why there is none.
pub fn backup(arguments: &Backup) -> Result<ExitCode, Failure> {
    let Backup { file, label, plane, output } = arguments;
    let name = file.display().to_string();
    let unwritten = |why: io::Error| Failure::unwritten(&name, &why);
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let label = label.as_deref().unwrap_or(&stem);
    expect_replaceable(file).map_err(|why| Failure::unable(format!("{name}: {why}")))?;
    let asking = plane.asking()?;
    let mut draft = Draft::of(file).map_err(unwritten)?;
    let taken = match asking {
        Asking::Local(place) => local::backup(&place, plane.namespace(), label, draft.file(), &name)?,
        Asking::Remote(client) => {
            remote::backup(&client, plane.namespace(), label, draft.file())?;
            whole(file, draft.file())?
        }
    };
    draft.finish().map_err(unwritten)?;
    let span = span(&taken.backup);
    output.report(&taken, |output| writeln!(output, "{name}: {span}, written and verified"))?;
    Ok(ExitCode::SUCCESS)
}

/// Refuses what would be lost: a name may be mistaken, even for that of the store.
fn expect_replaceable(file: &Path) -> Result<(), String> {
    let expected = "expected a name that is free, or a backup to replace";
    match fs::symlink_metadata(file) {
        // Where it is the directory that is not there, whoever writes finds out.
        Err(why) if matches!(why.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => return Ok(()),
        Err(why) => return Err(found::unread(&why)),
        Ok(_) => {}
    }
    // Looked at before it is opened, which of a device alone may do something.
    let there = fs::metadata(file).map_err(|why| format!("found {}, {expected}", found::said(&why)))?;
    if !there.is_file() {
        let what = if there.is_dir() { "a directory" } else { "no regular file" };
        return Err(format!("found {what}, {expected}"));
    }
    let mut beginning = Vec::new();
    let most = u64::try_from(BACKUP_BEGINNING.len()).unwrap_or(u64::MAX);
    let read = File::open(file).and_then(|file| file.take(most).read_to_end(&mut beginning));
    read.map_err(|why| found::unread(&why))?;
    if beginning.is_empty() || beginning == BACKUP_BEGINNING {
        return Ok(());
    }
    Err(format!("found a file that is no backup, {expected}"))
}

/// Restores a backup.
///
/// # Errors
/// Why nothing is restored.
pub fn restore(arguments: &Restore) -> Result<ExitCode, Failure> {
    let Restore { file, reason, plane, output } = arguments;
    let mut backup = opened(file)?;
    // Before a store is opened, and made where it is not there, or anything is sent.
    whole(file, &mut backup)?;
    let (actor, source) = (plane::actor(), file.display().to_string());
    let by = By { actor: &actor, reason, source: &source };
    let restored: Restoration = match plane.asking()? {
        Asking::Local(place) => local::restore(&place, plane.namespace(), backup, by),
        Asking::Remote(client) => remote::restore(&client, plane.namespace(), backup, by),
    }?;
    let Restoration { revision, of, earlier, cut_short } = &restored;
    if let Some(why) = cut_short {
        let found = "the history of the backup could not be recorded behind it, expected all of that";
        eprintln!("warning: found that {found}: {}", one_line(why));
    }
    let came = if *earlier > 0 { format!(", and {} before it", counted(*earlier, "revision")) } else { String::new() };
    output.report(&restored, |output| writeln!(output, "revision {revision} published, with what {of} held{came}"))?;
    Ok(ExitCode::SUCCESS)
}

/// Who restores, why, and from where.
#[derive(Clone, Copy, Debug)]
struct By<'a> {
    actor: &'a str,
    reason: &'a str,
    source: &'a str,
}

/// It is read twice: once to verify it, and once for what it is for.
fn opened(file: &Path) -> Result<File, Failure> {
    found::open_regular(file).map_err(|why| Failure::unable(format!("{}: {why}", file.display())))
}

/// What is in a backup.
fn span(backup: &Header) -> String {
    format!("{}, {} to {}", counted(backup.revisions, "revision"), backup.first, backup.last)
}

/// Whoever misspells a namespace is not to believe that all is well with it.
fn nothing(plane: &Plane) -> Failure {
    match plane.asking() {
        Ok(Asking::Local(place)) => plane::nothing_published(&place, plane.namespace()),
        _ => Failure::refused(format!("found nothing published in {}, expected revisions", plane.namespace())),
    }
}

fn whole(name: &Path, file: &mut File) -> Result<Taken, Failure> {
    verified(file).map_err(|why| {
        let name = name.display();
        match why {
            Unreadable::Io(why) => Failure::unable(format!("{name}: {}", found::unread(&why))),
            Unreadable::Wrong(why) => Failure::refused(format!("{name}: the backup is damaged: {why}")),
        }
    })
}
