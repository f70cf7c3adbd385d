//! What whoever looks at a terminal sees, and a file does not get.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panic"
)]

mod common;
#[path = "common/serving.rs"]
mod serving;

use std::{
    fs::File,
    io::Read as _,
    process::{Child, Command, Stdio},
};

use common::{Scratch, rule_set};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use serde_json::json;
use serving::Serving;

/// A terminal, and what was shown on it so far.
struct Terminal {
    ours: File,
    name: String,
    shown: String,
}

impl Terminal {
    fn new() -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&ours).unwrap();
        unlockpt(&ours).unwrap();
        let name = ptsname(&ours, Vec::new()).unwrap().into_string().unwrap();
        Self { ours: File::from(ours), name, shown: String::new() }
    }

    /// The side that a program writes to.
    fn theirs(&self) -> Stdio {
        Stdio::from(File::options().read(true).write(true).open(&self.name).unwrap())
    }

    /// Reads until this was shown, which is waited for as long as the program lives.
    fn until(&mut self, wanted: &str) {
        let mut bytes = [0; 4096];
        while !self.shown.contains(wanted) {
            let read = self.ours.read(&mut bytes).unwrap_or_else(|_| panic!("only this was shown: {:?}", self.shown));
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
    }

    /// All that was shown, once the program has ended.
    fn rest(mut self) -> String {
        let mut bytes = [0; 4096];
        // Nobody has the other side open any more: that is an error, and the end.
        while let Ok(read @ 1..) = self.ours.read(&mut bytes) {
            self.shown.push_str(&String::from_utf8_lossy(&bytes[..read]));
        }
        self.shown
    }
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn ack(serving: &Serving, revision: &str) {
    let workers = json!([{"id": "0a", "revision": revision, "formats": [1], "role": "worker"}]);
    let body = json!({"node": {"id": "edge-1", "cluster": "edge"}, "fetcher": "bootstrap", "workers": workers});
    assert_eq!(serving.post("~/acks", &body.to_string()), 204);
}

fn command(scratch: &Scratch, serving: &Serving, arguments: &[&str]) -> Command {
    scratch.graylane(&[arguments, &["--control", &format!("http://{}", serving.address)]].concat())
}

#[test]
fn whoever_waits_at_a_terminal_sees_how_far_it_came() {
    let scratch = Scratch::with_rules("terminal-progress");
    let serving = Serving::store(&scratch);
    let publish = |reason: &str, more: &[&str]| {
        command(&scratch, &serving, &[&["publish", "rules/", "-m", reason][..], more].concat())
    };
    assert!(publish("first", &[]).output().unwrap().status.success());
    ack(&serving, &serving.published(1));
    scratch.write("rules/shop.yaml", rule_set("shop", "canary"));
    let mut terminal = Terminal::new();
    let mut waiting = {
        // It has the terminal open as long as it is there.
        let mut command = publish("second", &["--wait", "60s"]);
        Running(command.stderr(terminal.theirs()).stdout(Stdio::piped()).spawn().unwrap())
    };
    terminal.until("0 of 1 worker run revision ");
    ack(&serving, &serving.published(2));
    assert!(waiting.0.wait().unwrap().success());
    let mut told = String::new();
    waiting.0.stdout.take().unwrap().read_to_string(&mut told).unwrap();
    assert!(told.contains("everywhere in "), "{told}");
    // Of what was shown nothing stays.
    let shown = terminal.rest();
    let (_, behind) = shown.rsplit_once("\r\u{1b}[K").unwrap();
    assert!(!behind.contains("run revision"), "{shown:?}");
    // Where nobody looks nothing is shown.
    scratch.write("rules/shop.yaml", rule_set("shop", "stable"));
    let output = publish("third", &["--wait", "300ms"]).output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap().as_str()), (Some(3), ""));
}

#[test]
fn colours_are_for_terminals_and_for_whoever_wants_them() {
    let scratch = Scratch::with_rules("terminal-colours");
    let serving = Serving::store(&scratch);
    for (number, no_color, expected) in
        [(1, None, "\u{1b}[1mPublished"), (2, Some("1"), "Z  Published"), (3, Some(""), "\u{1b}[1mPublished")]
    {
        let mut terminal = Terminal::new();
        let mut watching = command(&scratch, &serving, &["watch"]);
        watching.env_remove("NO_COLOR").env("TERM", "xterm");
        no_color.into_iter().for_each(|value| {
            watching.env("NO_COLOR", value);
        });
        let _watching = Running(watching.stdout(terminal.theirs()).stderr(terminal.theirs()).spawn().unwrap());
        // The terminal has it open until the program ends.
        drop(watching);
        terminal.until("watching http://");
        scratch.write("rules/shop.yaml", rule_set("shop", ["stable", "canary"][number % 2]));
        assert!(command(&scratch, &serving, &["publish", "rules/", "-m", "x"]).output().unwrap().status.success());
        terminal.until("Published");
        assert!(terminal.shown.contains(expected), "{number}: {:?}", terminal.shown);
    }
}
