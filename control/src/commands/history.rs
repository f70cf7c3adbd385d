//! `graylane history` and `graylane show`: what was published.

use std::{
    collections::BTreeSet,
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use graylane_store::Manifest;

use super::{
    columns,
    form::Form,
    made,
    plane::{History, Plane, Told},
};
use crate::{
    clock::second,
    documents::Document,
    failure::Failure,
    finding::one_line,
    plural::counted,
    replace::replace,
    revisions::{
        Difference,
        json::{Text, Texts},
        words_of,
    },
};

/// The headings of the table; the last column is as wide as it has to be.
const HEADINGS: [&str; 6] = ["REVISION", "AT", "ACTOR", "ACTION", "CHANGES", "REASON"];

/// List what was published: who, when, why, and what changed.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane history
  graylane history --limit 100 --before 41
  graylane history -o json | jq -r '.revisions[].actor'

Exit codes:
  0  listed
  1  no such revision
  2  wrong usage, or no control plane")]
pub struct Listing {
    /// How many at most, up to 1000.
    #[arg(long, value_name = "COUNT", default_value = "20", value_parser = clap::value_parser!(u16).range(1..=1_000))]
    limit: u16,
    /// Only those before this revision.
    #[arg(long, value_name = "REVISION")]
    before: Option<String>,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Show a revision: who made it, how it differs, its documents.
///
/// With --into its documents and locks are written as they were published: what `graylane check`, `diff` and `explain`
/// read. Where a file of such a name is there and says something else, nothing is written at all, but with --force.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane show
  graylane show 41 -o json | jq .difference
  graylane show 41 --into before/ && graylane diff before/ rules/

Exit codes:
  0  shown
  1  no such revision
  2  wrong usage, a file that cannot be written or says something else,
     or no control plane")]
pub struct Show {
    /// The revision, or its number in the epoch of the head. Not given: the head.
    #[arg(value_name = "REVISION", default_value = "head")]
    revision: String,
    /// Write its documents into this directory, which is made where it is not there.
    #[arg(long, value_name = "DIR")]
    into: Option<PathBuf>,
    /// With --into, write over files that say something else.
    #[arg(long, requires = "into")]
    force: bool,
    #[command(flatten)]
    plane: Plane,
    /// How to report.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Lists revisions on stdout.
///
/// # Errors
/// Why they are not listed.
pub fn list(arguments: &Listing) -> Result<ExitCode, Failure> {
    let Told { value, told } = arguments.plane.history(arguments.before.as_deref(), usize::from(arguments.limit))?;
    arguments.output.report(&value, |output| table(&told, arguments.plane.namespace(), output))?;
    Ok(ExitCode::SUCCESS)
}

/// Shows a revision on stdout, or writes its documents.
///
/// # Errors
/// Why it is not shown.
pub fn show(arguments: &Show) -> Result<ExitCode, Failure> {
    if let Some(directory) = &arguments.into {
        return write_into(arguments, directory);
    }
    let Told { value, told } = arguments.plane.manifest(&arguments.revision)?;
    let documents = arguments.plane.documents(&arguments.revision)?.told.documents;
    arguments.output.report(&value, |output| {
        head(&told, output)?;
        made::write_difference(&Difference::read(&told.difference), output)?;
        documents.iter().try_for_each(|document| writeln!(output, "document {}", one_line(&document.file)))
    })?;
    Ok(ExitCode::SUCCESS)
}

fn write_into(arguments: &Show, directory: &Path) -> Result<ExitCode, Failure> {
    let documents = arguments.plane.documents(&arguments.revision)?.told;
    let files = files_of(&documents, directory)?;
    // All of them before the first is written.
    let lost: Vec<_> = files.iter().filter_map(|(path, text)| lost(path, text, arguments.force)).collect();
    if !lost.is_empty() {
        return Err(Failure::unable(lost.join("\n")));
    }
    let unwritten = |why: io::Error, path: &Path| Failure::unwritten(&path.display().to_string(), &why);
    fs::create_dir_all(directory).map_err(|why| unwritten(why, directory))?;
    files.iter().try_for_each(|(path, text)| replace(path, text.as_bytes()).map_err(|why| unwritten(why, path)))?;
    let place = directory.display();
    let (count, revision) = (counted(files.len(), "document"), one_line(&documents.revision));
    eprintln!("{place}: {count} of revision {revision} written");
    Ok(ExitCode::SUCCESS)
}

/// Where each document goes. Whoever answers is not believed to name files alone.
fn files_of<'t>(documents: &'t Texts, directory: &Path) -> Result<Vec<(PathBuf, &'t str)>, Failure> {
    let file = |document: &'t Text| {
        Document::named(document.file.clone(), Vec::new()).map_err(Failure::unable)?;
        Ok((directory.join(&document.file), document.text.as_str()))
    };
    let files = documents.documents.iter().map(file).collect::<Result<Vec<_>, Failure>>()?;
    let mut names = BTreeSet::new();
    match files.iter().find(|(path, _)| !names.insert(path)) {
        None => Ok(files),
        Some((path, _)) => {
            let found = format!("{}: found two documents of this name", path.display());
            Err(Failure::unable(format!("{found}, expected names that differ: one would take the place of the other")))
        }
    }
}

/// What would be lost if `text` took the place of what stands there; None: nothing.
fn lost(path: &Path, text: &str, force: bool) -> Option<String> {
    let name = path.display();
    // Where it cannot be looked at it cannot be written either, which whoever writes finds out.
    fs::symlink_metadata(path).ok()?;
    let Some(there) = fs::metadata(path).ok().filter(fs::Metadata::is_file) else {
        return Some(format!("{name}: found no regular file, expected one, or a name that is free"));
    };
    let is_same =
        || u64::try_from(text.len()) == Ok(there.len()) && fs::read(path).is_ok_and(|is| is == text.as_bytes());
    if force || is_same() {
        return None;
    }
    Some(format!("{name}: found a file that says something else, expected another directory, or --force to replace it"))
}

fn head(manifest: &Manifest, output: &mut impl Write) -> io::Result<()> {
    let Manifest { revision, at, actor, reason, source, .. } = manifest;
    writeln!(output, "revision {revision} of {}", one_line(&manifest.namespace))?;
    writeln!(output, "at       {}", second(*at))?;
    writeln!(output, "actor    {}", one_line(actor))?;
    writeln!(output, "reason   {}", one_line(reason))?;
    writeln!(output, "action   {}", words_of(manifest))?;
    writeln!(output, "source   {}", one_line(source))?;
    let follows = manifest.previous.map(|link| format!("{}, manifest {}", link.revision, link.manifest));
    writeln!(output, "follows  {}", follows.unwrap_or_else(|| "none: it is the first".to_owned()))
}

fn table(history: &History, namespace: &str, output: &mut impl Write) -> io::Result<()> {
    if history.revisions.is_empty() {
        return writeln!(output, "nothing is published in {namespace}");
    }
    let rows: Vec<_> = std::iter::once(HEADINGS.map(str::to_owned)).chain(history.revisions.iter().map(row)).collect();
    let widths = columns::widths(&rows);
    rows.iter().try_for_each(|row| writeln!(output, "{}", columns::line(row, &widths)))
}

fn row(manifest: &Manifest) -> [String; HEADINGS.len()] {
    let Manifest { revision, at, actor, reason, difference, .. } = manifest;
    let changes = Difference::read(difference).summary();
    [revision.to_string(), second(*at), one_line(actor), words_of(manifest), one_line(&changes), one_line(reason)]
}

#[cfg(test)]
mod tests {
    use graylane_store::Overlay;

    use super::*;

    #[test]
    fn no_document_takes_the_place_of_another() {
        let said = |names: &[&str]| {
            let text = |name: &&str| Text { file: (*name).to_owned(), text: String::new() };
            let documents = names.iter().map(text).collect();
            let texts = Texts { revision: "7.1".to_owned(), overlay: Overlay::default(), documents };
            files_of(&texts, Path::new("into")).map(|files| files.len()).map_err(|why| format!("{why:?}"))
        };
        assert_eq!(said(&["a.yaml", "b.yaml"]), Ok(2));
        assert!(
            said(&["a.yaml", "b.yaml", "a.yaml"]).unwrap_err().contains("into/a.yaml: found two documents of this")
        );
        assert!(said(&["../a.yaml"]).unwrap_err().contains("expected one without directories"));
    }
}
