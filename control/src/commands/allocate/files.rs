//! The files that locks stand in.

use std::{
    io::{self, Write},
    path::{Path, PathBuf},
};

use graylane_rules::{Format, Outline};

use crate::{
    documents::{self, Document, Gathered, locks_beside},
    failure::Failure,
    lock::plan::Plan,
};

/// The documents of the command line, and the locks that stand beside them.
pub struct Sources {
    /// All of them, those that were named first.
    pub gathered: Gathered,
}

/// A lock file to write.
pub struct Writing {
    /// Where.
    pub path: PathBuf,
    /// How.
    format: Format,
    /// What.
    pub text: String,
}

impl Writing {
    /// Where it would go, as a comment where the format has any.
    pub fn heading(&self, output: &mut impl Write) -> io::Result<()> {
        match self.format {
            Format::Yaml => writeln!(output, "# {}", self.path.display()),
            Format::Json => Ok(()),
        }
    }
}

impl Sources {
    /// What was gathered, if files can be written beside it or none are to be.
    ///
    /// # Errors
    /// Where locks would be written beside the documents of a revision.
    pub fn of(mut gathered: Gathered, dry_run: bool) -> Result<Self, Failure> {
        if let Some(revision) = gathered.revision.take() {
            if !dry_run {
                let expected = "expected files, or --dry-run: graylane publish makes the locks of a revision";
                return Err(Failure::unable(format!("found revision {revision}, {expected}")));
            }
            // They are named as their files would be.
            let end = format!("#{revision}");
            for document in &mut gathered.documents {
                document.file = document.file.trim_end_matches(&end).to_owned();
            }
        }
        Ok(Self { gathered })
    }

    /// What is to be written: the lock's own file, or one beside the rule set.
    ///
    /// # Errors
    /// Where something else stands in the place of a lock.
    pub fn writings(&self, outline: &Outline, plans: &[Plan]) -> Result<Vec<Writing>, Failure> {
        let stranger = outline.rule_sets.iter().find(|rule_set| rule_set.source >= self.gathered.named);
        if let Some(document) = stranger.and_then(|rule_set| self.gathered.documents.get(rule_set.source)) {
            return Err(Failure::refused(format!("{}: found a rule set, expected a lock", document.file)));
        }
        plans.iter().filter(|plan| !plan.unchanged).map(|plan| self.writing(outline, plan)).collect()
    }

    fn writing(&self, outline: &Outline, plan: &Plan) -> Result<Writing, Failure> {
        let name = &plan.lock.rule_set;
        let document = |source: usize| self.gathered.documents.get(source);
        let own = outline.lock(name).and_then(|lock| document(lock.source));
        let writing = |path: PathBuf, format| Writing { text: plan.lock.text(format), path, format };
        if let Some(own) = own {
            return Ok(writing(PathBuf::from(&own.file), own.format));
        }
        let rule_set = outline.rule_set(name).and_then(|rule_set| document(rule_set.source));
        let path = rule_set.and_then(|document| locks_beside(&document.file).into_iter().next());
        let path = path.ok_or_else(|| Failure::unable(format!("found no file of rule set {name}, expected one")))?;
        if path.exists() {
            let expected = format!("no such file, or the lock of rule set {name}");
            return Err(Failure::refused(format!("{}: found something else, expected {expected}", path.display())));
        }
        Ok(writing(path, Format::Yaml))
    }

    /// Compiles everything as it will be, before anything is written.
    ///
    /// # Errors
    /// Every problem.
    pub fn check(&self, writings: &[Writing]) -> Result<(), Failure> {
        let written = |file: &str| writings.iter().any(|writing| writing.path == Path::new(file));
        let kept = self.gathered.documents.iter().filter(|document| !written(&document.file)).cloned();
        let new = writings.iter().map(|writing| Document {
            file: writing.path.display().to_string(),
            format: writing.format,
            text: writing.text.clone().into_bytes(),
        });
        let all = Gathered::given(kept.chain(new).collect());
        documents::sound(&all).map(drop)
    }
}
