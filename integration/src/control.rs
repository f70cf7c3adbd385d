//! The real control plane and the directory it reads.

use std::{
    ffi::OsString,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
};

use graylane_rules::{Compiled, Format, SNAPSHOT_FORMAT, Source, compile, envelope};
use serde_json::{Value, json};

use crate::{Process, Request, Signer, Status, Wire, artefacts, eventually, fake_control::in_format, process::Second};

/// A directory of documents, changed the way operators should: a new file renamed into place.
#[derive(Debug)]
pub struct Rules {
    directory: PathBuf,
    writes: AtomicU64,
}

impl Rules {
    /// The documents in `directory`.
    pub fn new(directory: PathBuf) -> Self {
        Self { directory, writes: AtomicU64::new(0) }
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// Adds copies of the files in `source`, under their names.
    pub fn copy_from(&self, source: &Path) {
        let files = std::fs::read_dir(source).unwrap_or_else(|why| panic!("{}: {why}", source.display()));
        for file in files.filter_map(Result::ok).filter(|file| file.path().is_file()) {
            let copied = std::fs::copy(file.path(), self.directory.join(file.file_name()));
            copied.unwrap_or_else(|why| panic!("{}: {why}", file.path().display()));
        }
    }

    /// Replaces them all, one file after another; `documents` are YAML or JSON.
    pub fn write(&self, documents: &[String]) {
        for (number, text) in documents.iter().enumerate() {
            self.write_one(&name(number, text), text);
        }
        let keep: Vec<_> = documents.iter().enumerate().map(|(number, text)| name(number, text)).collect();
        for file in std::fs::read_dir(&self.directory).expect("the rules directory").filter_map(Result::ok) {
            let stale = file.file_name().to_str().is_none_or(|name| !keep.iter().any(|keep| keep == name));
            if stale {
                std::fs::remove_file(file.path()).expect("a document is removed");
            }
        }
    }

    fn write_one(&self, name: &str, text: &str) {
        // Hidden while it is written, so that nobody reads half of it.
        let draft = self.directory.join(format!(".{name}.{}", self.writes.fetch_add(1, Ordering::Relaxed)));
        std::fs::write(&draft, text).expect("a document is written");
        std::fs::rename(&draft, self.directory.join(name)).expect("a document is renamed into place");
    }
}

fn name(number: usize, text: &str) -> String {
    format!("{number:02}.{}", if text.trim_start().starts_with('{') { "json" } else { "yaml" })
}

/// What `documents` compile to.
///
/// # Panics
/// Where they do not.
pub fn compiled(documents: &[String]) -> Compiled {
    let sources = documents.iter().map(|text| Source {
        format: if text.trim_start().starts_with('{') { Format::Json } else { Format::Yaml },
        text: text.as_bytes(),
    });
    let sources: Vec<_> = sources.collect();
    compile(&sources).unwrap_or_else(|problems| panic!("the documents do not compile: {problems:#?}\n{documents:#?}"))
}

/// How the control plane is started.
#[derive(Clone, Debug, Default)]
pub(crate) struct Launch {
    /// A build for tests, such as `next`.
    pub(crate) build: Option<String>,
    /// The file of the key it signs with.
    pub(crate) signing_key: Option<PathBuf>,
    /// The file of overrides that it reads.
    pub(crate) switches: Option<PathBuf>,
    /// Whether its log goes to the terminal.
    pub(crate) shown: bool,
    /// Whether it keeps revisions in a store beside the directory, instead of serving that.
    pub(crate) kept: bool,
    /// Further options.
    pub(crate) options: Vec<String>,
}

/// `graylane serve`, which can be killed and started again on the same port.
#[derive(Debug)]
pub struct Control {
    process: Option<Process>,
    address: SocketAddr,
    rules: Rules,
    launch: Launch,
}

impl Control {
    /// Serves `rules` on `address` (`127.0.0.1:0` for a free port), with its log `shown` on the terminal or not.
    pub fn start(rules: Rules, address: &str, shown: bool) -> Self {
        Self::launch(rules, address, Launch { shown, ..Launch::default() })
    }

    pub(crate) fn launch(rules: Rules, address: &str, launch: Launch) -> Self {
        let (process, address) = launch.serve(rules.directory(), address);
        Self { process: Some(process), address, rules, launch }
    }

    /// Its process id.
    ///
    /// # Panics
    /// While it is killed.
    pub fn id(&self) -> u32 {
        self.process().id()
    }

    /// The process, to be looked at, paused or resumed.
    ///
    /// # Panics
    /// While it is killed.
    pub fn process(&self) -> &Process {
        self.process.as_ref().expect("control runs")
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The documents it reads.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// Kills it with SIGKILL.
    pub fn kill(&mut self) {
        self.process.take().expect("control runs").kill();
    }

    /// Starts it again on the same port, after [`kill`](Self::kill).
    pub fn start_again(&mut self) {
        assert!(self.process.is_none(), "control runs already");
        self.process = Some(self.launch.serve(self.rules.directory(), &self.address.to_string()).0);
    }

    /// Has another build serve, the one of every day where it is None, when it is [started again](Self::start_again).
    pub fn use_build(&mut self, build: Option<&str>) {
        self.launch.build = build.map(str::to_owned);
    }

    /// Signs with this key, whose file is put into `directory`, when it is [started again](Self::start_again); with
    /// none where it is None.
    pub fn sign_with(&mut self, signer: Option<&Signer>, directory: &Path) {
        self.launch.signing_key = signer.map(|signer| signer.write(directory));
    }

    /// Signs with every key whose file is in `directory`, in the same way.
    pub fn sign_with_all_in(&mut self, directory: &Path) {
        self.launch.signing_key = Some(directory.to_owned());
    }

    /// What it says about the namespace `default`.
    ///
    /// # Errors
    /// Where it does not answer.
    pub fn status(&self) -> Result<Status, String> {
        let request = Request::get("/v1/namespaces/default/status").host("control").header("connection", "close");
        let answer = Wire::open(self.address).and_then(|mut wire| wire.exchange(&request));
        let answer = answer.map_err(|why| format!("control's status: {why}"))?;
        let text = String::from_utf8_lossy(&answer.body);
        serde_json::from_str(&text).map_err(|why| format!("control's status: {why}: {} {text}", answer.status))
    }

    /// Replaces what stands in the file of overrides; nobody is told.
    ///
    /// # Panics
    /// Where it was started without one.
    pub fn write_switches(&self, text: &str) {
        let file = self.launch.switches.as_ref().expect("a file of overrides");
        std::fs::write(file, text).expect("the file of overrides is written");
    }

    /// Has it read the overrides again, by a signal.
    pub fn reload_by_signal(&self) {
        self.process().signal_user();
    }

    /// Has it read the overrides again, by a request; gives status and body of the answer.
    ///
    /// # Panics
    /// Where it does not answer.
    pub fn reload(&self) -> (u16, serde_json::Value) {
        let request = Request::new("POST", "/v1/switches/reload").host("control").header("connection", "close");
        let answer = Wire::open(self.address).and_then(|mut wire| wire.exchange(&request)).expect("control answers");
        (answer.status, serde_json::from_slice(&answer.body).expect("JSON"))
    }

    /// Publishes all of `documents`, YAML, in its store, because of `reason`; gives the revision.
    ///
    /// # Panics
    /// Where it does not answer, or refuses.
    pub fn publish(&self, documents: &[String], actor: &str, reason: &str) -> String {
        let texts =
            documents.iter().enumerate().map(|(number, text)| json!({"file": name(number, text), "text": text}));
        let texts: Vec<_> = texts.collect();
        self.propose("revisions", &json!({"documents": texts, "actor": actor, "reason": reason}))
    }

    /// Asks for a revision: `revisions`, `off`, `freeze` and so on; gives the one that is published then.
    ///
    /// # Panics
    /// Where it does not answer, or refuses.
    pub fn propose(&self, verb: &str, asked: &Value) -> String {
        let body = asked.to_string();
        let head = format!(
            "POST /v1/namespaces/default/{verb} HTTP/1.1\r\nhost: control\r\nconnection: close\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        let exchange = Wire::open(self.address).and_then(|mut wire| {
            wire.write(head.as_bytes())?;
            wire.answer()
        });
        let answer = exchange.expect("control answers");
        let text = String::from_utf8_lossy(&answer.body);
        assert_eq!(answer.status, 200, "{verb}: {text}");
        let answer: Value = serde_json::from_str(&text).expect("JSON");
        answer["revision"].as_str().expect("a revision").to_owned()
    }

    /// Has it read the keys again that it signs with.
    pub fn hang_up(&self) {
        self.process().hang_up();
    }

    /// The digest of what it makes of `documents`, in the newest format that its build writes.
    fn digest(&self, documents: &[String]) -> String {
        let snapshot = compiled(documents).snapshot;
        match self.launch.build.as_deref() {
            Some("next") => envelope::digest(&in_format(SNAPSHOT_FORMAT + 1, snapshot)),
            _ => envelope::digest(&snapshot),
        }
    }

    /// Waits until exactly `documents` are published and each of `workers` VMs runs them; gives the revision.
    pub fn await_everyone(&self, documents: &[String], workers: usize) -> String {
        let digest = self.digest(documents);
        eventually("the new rules in every worker", || {
            let status = self.status()?;
            match &status.sha256 {
                Some(found) if *found == digest => status.on_it(workers),
                _ => Err(format!("expected the snapshot {digest} to be published, found {status:?}")),
            }
        })
    }
}

impl Launch {
    fn serve(&self, directory: &Path, address: &str) -> (Process, SocketAddr) {
        let mut arguments: Vec<OsString> = vec!["serve".into(), "--listen".into(), address.into()];
        if self.kept {
            let place = format!("redb://{}", directory.with_file_name("revisions.redb").display());
            arguments.extend::<[OsString; 2]>(["--store".into(), place.into()]);
        } else {
            arguments.extend::<[OsString; 2]>(["--rules".into(), directory.into()]);
        }
        arguments.extend(self.options.iter().map(OsString::from));
        if let Some(file) = &self.signing_key {
            arguments.extend::<[OsString; 2]>(["--signing-key".into(), file.into()]);
        }
        if let Some(file) = &self.switches {
            arguments.extend::<[OsString; 2]>(["--switches".into(), format!("@{}", file.display()).into()]);
        }
        let log = self.shown.then_some(Second::Terminal("control"));
        let binary = artefacts::graylane(self.build.as_deref());
        let process = Process::start_read("control", &binary, &arguments, None, log);
        let listening = |line: &str| line.strip_prefix("listening on http://")?.parse().ok();
        let address = process.line(0, "control's address", listening);
        (process, address)
    }
}
