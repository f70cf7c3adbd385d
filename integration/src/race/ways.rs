//! The two ways to make one change: a header for the upstream, and the upstream itself.

use std::{
    fs, io,
    path::{Path, PathBuf},
    time::Instant,
};

use serde_json::{Value, json};

/// How a change is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Rules that `graylane serve` reads.
    Graylane,
    /// A route configuration that Envoy itself reads.
    Rds,
}

impl Way {
    /// Both, in the order of the table.
    pub const ALL: [Self; 2] = [Self::Graylane, Self::Rds];

    /// Its name: that of its listener, too.
    pub fn name(self) -> &'static str {
        match self {
            Self::Graylane => "graylane",
            Self::Rds => "rds",
        }
    }

    /// The number of its lane.
    pub fn lane(self) -> usize {
        self as usize
    }

    /// Its file, which says `number`.
    pub fn document(self, number: u32) -> Value {
        match self {
            Self::Graylane => rule_set(number),
            Self::Rds => route_configuration(number),
        }
    }
}

/// The upstream that `number` sends everyone to: with each change the route changes as well.
pub fn upstream(number: u32) -> &'static str {
    if number.is_multiple_of(2) { "stable" } else { "canary" }
}

fn rule_set(number: u32) -> Value {
    let when = json!({"header": {"name": "x-user-id", "present": true}});
    let set = json!({"x-feature-flags": format!("n={number}")});
    json!({
        "apiVersion": "graylane.dev/v1",
        "kind": "RuleSet",
        "metadata": {"name": "race"},
        "spec": {
            "variants": ["stable", "canary"],
            "default": "stable",
            "rules": [{"id": "numbered", "when": when, "variant": upstream(number), "set": set}],
        },
    })
}

/// As JSON, not YAML: Envoy reads it sooner.
fn route_configuration(number: u32) -> Value {
    let header = json!({"key": "x-feature-flags", "value": format!("n={number}")});
    let numbered = json!({
        "match": {"prefix": "/", "headers": [{"name": "x-user-id", "present_match": true}]},
        "route": {"cluster": upstream(number)},
        "request_headers_to_add": [{"header": header, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}],
    });
    let rest = json!({"match": {"prefix": "/"}, "route": {"cluster": "stable"}});
    json!({
        "version_info": number.to_string(),
        "resources": [{
            "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            "name": "rds",
            "virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [numbered, rest]}],
        }],
    })
}

/// A watched directory with one file, and a place beside it, which nobody watches, for the file that comes next.
///
/// Written within the watched directory, a draft would wake the watcher before the change.
#[derive(Debug)]
pub struct Folder {
    file: PathBuf,
    draft: PathBuf,
}

impl Folder {
    /// The directory `name` in `scratch`, which is made, with a file called `file`.
    ///
    /// # Errors
    /// Where it cannot be made.
    pub fn make(scratch: &Path, name: &str, file: &str) -> io::Result<Self> {
        let directory = scratch.join(name);
        fs::create_dir(&directory)?;
        Ok(Self::beside(&directory, scratch, file))
    }

    /// The directory `watched`, which exists, and drafts in `beside`, which is on the same file system.
    pub fn beside(watched: &Path, beside: &Path, file: &str) -> Self {
        let draft = beside.join(format!("draft-{}-{file}", watched.file_name().unwrap_or_default().display()));
        Self { file: watched.join(file), draft }
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Writes what comes next.
    ///
    /// # Panics
    /// Where it cannot be written.
    pub fn prepare(&self, text: &str) {
        fs::write(&self.draft, text).unwrap_or_else(|why| panic!("{}: {why}", self.draft.display()));
    }

    /// Renames that into place; gives the moment before.
    ///
    /// # Panics
    /// Where nothing was prepared.
    pub fn swap(&self) -> Instant {
        let before = Instant::now();
        fs::rename(&self.draft, &self.file).unwrap_or_else(|why| panic!("{}: {why}", self.file.display()));
        before
    }
}
