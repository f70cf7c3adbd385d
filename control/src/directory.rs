//! The directory of rule sets that is served: looked at, compiled, published.

mod mark;

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::JoinError;

use crate::{
    documents::{self, Compiled, Document, Gathered},
    finding::Finding,
    namespace::{About, Namespace},
    overrides::{Origin, Overriding},
    publication::{Content, Publication},
    reload::{NotReloaded, Order, Orders, Outcome, Reloaded},
    watch::Watch,
};

/// How often the directory is looked at without being told of a change.
const LOOK: Duration = Duration::from_secs(1);

/// So often a directory is read at once that changes while it is read.
const ATTEMPTS: u32 = 3;

/// So long one that changed each time is left to come to rest before it is looked at again.
const REST: Duration = Duration::from_millis(20);

/// A directory, and what it looked like when it was last read; None where it did not come to rest for that.
struct Directory {
    path: PathBuf,
    owned: Vec<String>,
    overriding: Overriding,
    seen: Option<mark::Mark>,
}

/// What reading the directory came to.
enum Reading {
    /// What can be published.
    Usable(Box<Sound>),
    /// Why there is none.
    Broken(Vec<Finding>),
}

/// What was read and compiled: a snapshot, what is odd about the documents, which parser read them, and they themselves.
struct Sound {
    compiled: Compiled,
    texts: Vec<Document>,
    switches: String,
}

/// Publishes what stands in `directory`, now and after every change, for ever: it returns only where reading the
/// directory panics, and then nothing will be published any more.
///
/// Whatever does not compile, or sets a header that `owned` does not name (empty: any), publishes nothing: what was
/// published stays, and the namespace says why. `overriding`, which was read at `origin`, stands above the values of
/// switches; it is read again when the namespace is told to.
pub async fn follow(
    directory: PathBuf,
    owned: Vec<String>,
    origin: Origin,
    overriding: Overriding,
    namespace: Arc<Namespace>,
) {
    let mut watch = Watch::on(&directory);
    let mut orders = namespace.orders();
    let mut directory = Directory { path: directory, owned, overriding, seen: None };
    let mut told = true;
    let mut noticed = None;
    loop {
        watch.renew();
        // The time to effect begins with the event; where none came, with the look that finds the change.
        let latest = watch.noticed();
        let told_now = told || latest.is_some();
        let accepted = *noticed.get_or_insert(latest.unwrap_or_else(Instant::now));
        let began = namespace.clock.now().wall;
        let Ok((back, reading)) = looked(directory, told_now).await else { return };
        directory = back;
        if let Some(reading) = reading {
            apply(reading, accepted, &namespace);
        }
        let pause = if directory.is_restless() {
            REST
        } else {
            namespace.note_look(began);
            noticed = None;
            LOOK
        };
        let woken = tokio::select! {
            () = watch.changed() => Woken::Told,
            () = tokio::time::sleep(pause) => Woken::Untold,
            order = ordered(&mut orders) => Woken::Ordered(order),
        };
        told = matches!(woken, Woken::Told);
        match woken {
            Woken::Ordered(order) => {
                let Ok(back) = obeyed(directory, &origin, order, &namespace).await else { return };
                directory = back;
            }
            Woken::Told | Woken::Untold => watch.settled().await,
        }
    }
}

/// Why following goes on.
enum Woken {
    Told,
    Untold,
    Ordered(Order),
}

/// The next order; where nobody can give one any more, none for ever.
async fn ordered(orders: &mut Option<Orders>) -> Order {
    match orders {
        Some(orders) => match orders.recv().await {
            Some(order) => order,
            None => std::future::pending().await,
        },
        None => std::future::pending().await,
    }
}

/// Reads the overrides again, and the directory with them; tells who gave the order what came of it.
async fn obeyed(
    mut directory: Directory,
    origin: &Origin,
    order: Order,
    namespace: &Namespace,
) -> Result<Directory, JoinError> {
    let (accepted, origin) = (Instant::now(), origin.clone());
    let read = move || {
        let read = directory.read_overrides(&origin);
        (directory, read)
    };
    let (directory, read) = tokio::task::spawn_blocking(read).await?;
    let outcome = read.map(|sound| {
        namespace.replace_problems(About::Switches, Vec::new());
        let published = publish(sound, accepted, namespace);
        let changed = published.as_ref().map(|published| published.switch_changes.clone()).unwrap_or_default();
        Reloaded { revision: in_use(namespace), published: published.is_some(), changed }
    });
    tell(order, outcome, namespace);
    Ok(directory)
}

fn tell(order: Order, outcome: Outcome, namespace: &Namespace) {
    if let Err(why) = &outcome {
        namespace.replace_problems(About::Switches, why.findings());
    }
    // Who gave the order may have gone.
    let _ = order.send(outcome);
}

/// Looks on another thread: reading and compiling take milliseconds, and this one answers requests.
async fn looked(mut directory: Directory, told: bool) -> Result<(Directory, Option<Reading>), JoinError> {
    let look = move || {
        let reading = directory.look(told);
        (directory, reading)
    };
    tokio::task::spawn_blocking(look).await
}

impl Directory {
    /// Reads the directory if it looks different from last time, or if a change was `told`.
    fn look(&mut self, told: bool) -> Option<Reading> {
        self.look_by(told, Gathered::directory)
    }

    /// Whether it changed each time it was read: what was read last is no reading of it.
    fn is_restless(&self) -> bool {
        self.seen.is_none()
    }

    fn look_by(&mut self, told: bool, gather: impl Fn(&Path) -> Gathered) -> Option<Reading> {
        let mut before = mark::Mark::of(&self.path);
        // Two writes within one tick of the file system's clock look the same, hence `told`.
        if !told && self.seen.as_ref() == Some(&before) {
            return None;
        }
        for _ in 0..ATTEMPTS {
            let gathered = gather(&self.path);
            let after = mark::Mark::of(&self.path);
            if after == before {
                self.seen = Some(after);
                return Some(self.reading(gathered));
            }
            before = after;
        }
        // What was read may never have stood there at one time, and could mean what nobody wrote.
        self.seen = None;
        None
    }

    /// Reads the overrides at `origin` again and the directory with them; where one of the two cannot be used, the overrides
    /// stay as they are.
    fn read_overrides(&mut self, origin: &Origin) -> Result<Sound, NotReloaded> {
        if !matches!(origin, Origin::File(_)) {
            return Err(NotReloaded::NoFile);
        }
        let read = origin.read().map_err(NotReloaded::Unreadable)?;
        let before = std::mem::replace(&mut self.overriding, read);
        let why = match self.look(true) {
            Some(Reading::Usable(sound)) => return Ok(*sound),
            Some(Reading::Broken(findings)) => NotReloaded::Broken(findings),
            None => NotReloaded::Busy,
        };
        self.overriding = before;
        // What was seen was not read with the overrides that stay.
        self.seen = None;
        Err(why)
    }

    fn reading(&self, gathered: Gathered) -> Reading {
        match documents::compiled_with(&gathered, &self.owned, &self.overriding) {
            Ok(compiled) => Reading::Usable(Box::new(Sound {
                compiled,
                texts: gathered.documents,
                switches: self.overriding.text.clone(),
            })),
            Err(findings) => Reading::Broken(findings),
        }
    }
}

fn apply(reading: Reading, accepted: Instant, namespace: &Namespace) {
    match reading {
        Reading::Usable(sound) => _ = publish(*sound, accepted, namespace),
        Reading::Broken(findings) => {
            let (line, documents) = (summary(&findings), refused(&findings));
            if namespace.replace_problems(About::Documents, findings) != namespace.problems_with(About::Documents) {
                namespace.metrics.count_refused(documents);
                tracing::warn!("the rules are broken, revision {} stays: {line}", in_use(namespace));
            }
        }
    }
}

/// Publishes what can be used, and logs what is new; gives it where anything is.
fn publish(sound: Sound, accepted: Instant, namespace: &Namespace) -> Option<Arc<Publication>> {
    let Sound { compiled: Compiled { snapshot, warnings, parsed, .. }, texts, switches } = sound;
    let before = namespace.replace_problems(About::Documents, warnings.clone());
    let was_broken = before.iter().any(Finding::is_error);
    let published = namespace.publish(snapshot, Content { parsed, texts, switches }, accepted);
    if let Some(published) = &published {
        let (revision, bytes, names) = (published.revision, published.size(), published.rule_sets.join(", "));
        tracing::info!("revision {revision} published: {bytes} bytes, rule sets: {names}");
        for document in published.documents.iter().filter(|document| document.tag.is_some()) {
            tracing::info!("revision {revision}: {document}");
        }
        log_warnings(published, &warnings);
        log_changes(published);
    } else if was_broken {
        tracing::info!("the rules are sound again and unchanged, revision {} stays", in_use(namespace));
    }
    published
}

/// So many warnings, and so many changes of switches, are logged for a revision.
const LOGGED: usize = 20;

fn log_warnings(published: &Publication, warnings: &[Finding]) {
    let revision = published.revision;
    warnings.iter().take(LOGGED).for_each(|warning| tracing::warn!("revision {revision}: {warning}"));
    let more = warnings.len().saturating_sub(LOGGED);
    if more > 0 {
        tracing::warn!("revision {revision}: {more} more warnings: see /v1/namespaces/…/status");
    }
}

fn log_changes(published: &Publication) {
    let revision = published.revision;
    let changes = &published.switch_changes;
    changes.iter().take(LOGGED).for_each(|changed| tracing::info!("revision {revision}: SwitchChanged {changed}"));
    let more = changes.len().saturating_sub(LOGGED);
    if more > 0 {
        tracing::info!("revision {revision}: SwitchChanged, {more} more: see /v1/events");
    }
}

fn in_use(namespace: &Namespace) -> String {
    namespace.published().map_or_else(|| "none".to_owned(), |published| published.revision.to_string())
}

/// How many files have errors; those that cannot be read are among them.
fn refused(findings: &[Finding]) -> usize {
    let files: BTreeSet<_> =
        findings.iter().filter(|finding| finding.is_error()).map(|finding| &finding.file).collect();
    files.len()
}

/// The first error, and how many more there are.
fn summary(findings: &[Finding]) -> String {
    let errors = findings.iter().filter(|finding| finding.is_error());
    let first = errors.clone().next().map(Finding::to_string).unwrap_or_default();
    match errors.count().saturating_sub(1) {
        0 => first,
        more => format!("{first} (and {more} more, see /v1/namespaces/…/status)"),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;
    use crate::scratch::Scratch;

    const RULES: &str = "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {name: shop}\n\
                         spec: {variants: [a], default: a, rules: []}\n";

    #[test]
    fn what_changed_each_time_it_was_read_is_never_published() {
        let scratch = Scratch::new("restless");
        let file = scratch.path("a.yaml");
        std::fs::write(&file, RULES).unwrap();
        let mut directory =
            Directory { path: scratch.path(""), owned: Vec::new(), overriding: Overriding::default(), seen: None };
        let changes = Cell::new(0);
        let changing = |path: &Path| {
            let gathered = Gathered::directory(path);
            let left = changes.get();
            if left > 0 {
                changes.set(left - 1);
                std::fs::write(&file, format!("{RULES}{}\n", "#".repeat(left))).unwrap();
            }
            gathered
        };
        changes.set(3);
        assert!(directory.look_by(true, changing).is_none() && directory.is_restless());
        changes.set(2);
        assert!(matches!(directory.look_by(false, changing), Some(Reading::Usable(..))), "it is not told again");
        assert!(!directory.is_restless() && directory.look(false).is_none());
    }
}
