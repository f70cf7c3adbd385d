//! `graylane compact`, `verify`, `backup` and `restore`: what keeps a store in order.

use std::{
    fs::File,
    io::{BufReader, BufWriter, Write as _},
    path::{Path, PathBuf},
    process::ExitCode,
    sync::Arc,
};

use graylane_store::{By, Place, Store, Verified, open};
use serde_json::{Value, json};

use super::{
    made::Form,
    plane::{self, on_store},
};
use crate::{clock::Clock, failure::Failure, finding::one_line, place};

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, clap::Args)]
pub struct Kept {
    /// The store: `redb://PATH` or `etcd://HOST:PORT,…`. Not given: what the environment has as GRAYLANE_STORE, or else
    /// redb://graylane.redb. A file is one process's own: end `graylane serve` before, if that has it.
    #[arg(long, value_name = "URL")]
    store: Option<Place>,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Remove old revisions, and what only they refer to.
///
/// The last revisions of every namespace stay, and numbers are not used again. Whoever asks for one that is gone is told so,
/// and which are still there. Others may publish meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane compact --store redb://graylane.redb
  graylane compact --keep 100 --store etcd://etcd-0:2379,etcd-1:2379

Exit codes:
  0  done
  2  wrong usage, or a store that cannot be used")]
pub struct Compact {
    /// So many revisions of each namespace stay, at least one.
    #[arg(long, value_name = "COUNT", default_value = "10000")]
    keep: usize,
    #[command(flatten)]
    kept: Kept,
}

/// Check that what is kept is what was put there: a store, or a backup.
///
/// Walks the chain of revisions from the head back and checks every digest, every link and every piece. Of a backup it needs no
/// store.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane verify --store redb://graylane.redb
  graylane verify --file nightly.graylane

Exit codes:
  0  everything is as it was put there
  1  something is not: it says what
  2  wrong usage, or a store or file that cannot be read")]
pub struct Verify {
    /// A backup, instead of a store.
    #[arg(long, value_name = "FILE", conflicts_with = "store")]
    file: Option<PathBuf>,
    /// The namespace.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    kept: Kept,
}

/// Take a backup: all revisions of a namespace and everything they refer to, in one file.
///
/// The file says what is in it: label, first and last revision, a digest of each part and of the whole. It stands there whole
/// or not at all, and is verified before this returns. Others may publish meanwhile.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane backup nightly.graylane --store redb://graylane.redb
  graylane backup before-sale.graylane --label 'before the sale'

Exit codes:
  0  taken and verified
  1  nothing is published
  2  wrong usage, a store that cannot be used, a file that cannot be
     written")]
pub struct Backup {
    /// The file to write.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What it is called. Not given: the name of the file.
    #[arg(long, value_name = "TEXT")]
    label: Option<String>,
    /// The namespace.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    kept: Kept,
}

/// Restore a backup: what was published when it was taken is published again.
///
/// It is a new revision on top of what is there; where nothing is, the revisions of the backup stand before it. It begins a
/// new epoch, later than any that is known, so that every Envoy takes it. The backup is verified first, to its end.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane restore nightly.graylane -m 'the disk was lost'
  graylane restore nightly.graylane --store etcd://etcd-0:2379

Exit codes:
  0  restored
  1  the backup is damaged, or somebody published meanwhile
  2  wrong usage, a store or a file that cannot be used")]
pub struct Restore {
    /// The backup.
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// Why: it stands in the history.
    #[arg(short = 'm', long = "reason", value_name = "WHY", default_value = "(no reason given)")]
    reason: String,
    /// The namespace.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    #[command(flatten)]
    kept: Kept,
}

/// Removes old revisions.
///
/// # Errors
/// A store that cannot be used.
pub fn compact(arguments: &Compact) -> Result<ExitCode, Failure> {
    let done = arguments
        .kept
        .on(async |store| graylane_store::compact(&*store, arguments.keep).await.map_err(Failure::unable))?;
    let oldest = done.oldest.iter().map(|(name, revision)| json!({"namespace": name, "oldest": revision.to_string()}));
    let value = json!({"revisions": done.revisions, "pieces": done.pieces, "namespaces": oldest.collect::<Vec<_>>()});
    let mut text = format!("{} revisions and {} pieces removed\n", done.revisions, done.pieces);
    for (name, revision) in &done.oldest {
        text.push_str(&format!("{}: {revision} is the oldest now\n", one_line(name)));
    }
    arguments.kept.told(&value, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Checks a store or a backup.
///
/// # Errors
/// What cannot be read.
pub fn verify(arguments: &Verify) -> Result<ExitCode, Failure> {
    if let Some(file) = &arguments.file {
        return verify_file(arguments, file);
    }
    let verified = arguments
        .kept
        .on(async |store| graylane_store::verify(&*store, &arguments.namespace).await.map_err(Failure::unable))?;
    let Verified { first, last, revisions, pieces, bytes, faults } = verified;
    let text_of = |revision: Option<_>| {
        revision.map_or_else(|| "none".to_owned(), |revision: graylane_rules::Revision| revision.to_string())
    };
    let (first, last) = (text_of(first), text_of(last));
    let told: Vec<_> = faults.iter().map(ToString::to_string).collect();
    let value =
        json!({"first": first, "last": last, "revisions": revisions, "pieces": pieces, "bytes": bytes, "faults": told});
    let mut text = format!("{revisions} revisions, {first} to {last}, and {pieces} pieces of {bytes} bytes: ");
    text.push_str(if told.is_empty() { "as they were put there\n" } else { "not as they were put there\n" });
    told.iter().for_each(|fault| text.push_str(&format!("  {}\n", one_line(fault))));
    arguments.kept.told(&value, &text)?;
    Ok(ExitCode::from(u8::from(!told.is_empty())))
}

fn verify_file(arguments: &Verify, file: &Path) -> Result<ExitCode, Failure> {
    let contents = verified(file)?;
    let header = &contents.header;
    let value = json!({"backup": header, "pieces": contents.pieces, "bytes": contents.bytes});
    let (label, namespace) = (one_line(&header.label), one_line(&header.namespace));
    let text = format!(
        "backup {label} of {namespace}, taken at {}: {} revisions, {} to {}, and {} pieces of {} bytes: whole\n",
        header.at, header.revisions, header.first, header.last, contents.pieces, contents.bytes
    );
    arguments.kept.told(&value, &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Takes a backup.
///
/// # Errors
/// Why there is none.
pub fn backup(arguments: &Backup) -> Result<ExitCode, Failure> {
    let file = &arguments.file;
    let unwritten = |why: std::io::Error| Failure::unwritten(&file.display().to_string(), &why);
    let stem = file.file_stem().unwrap_or_default().to_string_lossy();
    let label = arguments.label.clone().unwrap_or_else(|| stem.into_owned());
    let mut draft = file.as_os_str().to_owned();
    draft.push(".part");
    let draft = PathBuf::from(draft);
    arguments.kept.on(async |store| {
        let mut output = BufWriter::new(File::create(&draft).map_err(unwritten)?);
        let at = Clock::system().now().wall;
        let taken = graylane_store::take_backup(&*store, &arguments.namespace, &label, at, &mut output).await;
        taken.map_err(|why| match why {
            graylane_store::NotTaken::Empty(_) => Failure::refused(why),
            why => Failure::unable(why),
        })?;
        output.flush().map_err(unwritten)?;
        output.get_ref().sync_all().map_err(unwritten)
    })?;
    let contents = verified(&draft)?;
    std::fs::rename(&draft, file).map_err(unwritten)?;
    let header = &contents.header;
    let text = format!(
        "{}: {} revisions, {} to {}, written and verified\n",
        file.display(),
        header.revisions,
        header.first,
        header.last
    );
    arguments.kept.told(&json!({"backup": header, "pieces": contents.pieces, "bytes": contents.bytes}), &text)?;
    Ok(ExitCode::SUCCESS)
}

/// Restores a backup.
///
/// # Errors
/// Why nothing is restored.
pub fn restore(arguments: &Restore) -> Result<ExitCode, Failure> {
    let file = &arguments.file;
    let by = By {
        actor: plane::actor(),
        reason: arguments.reason.clone(),
        source: file.display().to_string(),
        at: Clock::system().now().wall,
    };
    // Before the store is opened, and made where it is not there.
    verified(file)?;
    let restored = arguments.kept.on(async |store| {
        let mut input = BufReader::new(opened(file)?);
        let restored = graylane_store::restore(&*store, &arguments.namespace, &mut input, &by).await;
        restored.map_err(|why| match why {
            graylane_store::NotRestored::Store(why) => Failure::unable(why),
            why => Failure::refused(format!("{}: {why}", file.display())),
        })
    })?;
    let (revision, of) = (restored.revision, restored.header.last);
    let text = format!("revision {revision} published, with what {of} held\n");
    arguments.kept.told(&json!({"revision": revision.to_string(), "of": of.to_string()}), &text)?;
    Ok(ExitCode::SUCCESS)
}

fn opened(file: &Path) -> Result<File, Failure> {
    File::open(file).map_err(|why| Failure::unable(format!("{}: {why}", file.display())))
}

fn verified(file: &Path) -> Result<graylane_store::Contents, Failure> {
    let contents = graylane_store::verify_backup(&mut BufReader::new(opened(file)?));
    contents.map_err(|why| Failure::refused(format!("{}: {why}", file.display())))
}

impl Kept {
    fn on<T>(&self, work: impl AsyncFnOnce(Arc<dyn Store>) -> Result<T, Failure>) -> Result<T, Failure> {
        let place = place::or_default(self.store.as_ref())?;
        on_store(async { work(open(&place).await.map_err(Failure::unable)?).await })
    }

    fn told(&self, value: &Value, text: &str) -> Result<(), Failure> {
        let mut stdout = std::io::stdout().lock();
        let written = match self.output {
            Form::Text => stdout.write_all(text.as_bytes()),
            Form::Json => writeln!(stdout, "{value:#}"),
        };
        written.and_then(|()| stdout.flush()).map_err(|why| Failure::unwritten("stdout", &why))
    }
}
