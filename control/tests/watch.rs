//! `graylane watch` beside a real control plane.
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
    io::{BufRead as _, BufReader},
    process::{Child, ChildStderr, ChildStdout, Command, Stdio},
};

use common::{Scratch, rule_set};
use serde_json::{Value, json};
use serving::Serving;

/// Somebody who watches, killed with its test.
struct Watching {
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    stderr: BufReader<ChildStderr>,
}

impl Watching {
    /// Watches, and listens when this returns.
    fn begin(scratch: &Scratch, address: &str, options: &[&str]) -> Self {
        let control = format!("http://{address}");
        let mut command = scratch.graylane(&[&["watch", "--control", &control], options].concat());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let stdout = child.stdout.take().map(BufReader::new);
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let mut watching = Self { child, stdout, stderr };
        let said = watching.said();
        assert!(said.starts_with(&format!("watching {control}: ")), "{said}");
        watching
    }

    /// The next line of stderr.
    fn said(&mut self) -> String {
        let mut line = String::new();
        self.stderr.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// The next line of stdout.
    fn line(&mut self) -> String {
        let mut line = String::new();
        self.stdout.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    fn event(&mut self) -> Value {
        serde_json::from_str(&self.line()).unwrap()
    }

    fn end(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Watching {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn publish(serving: &Serving, default: &str) -> String {
    let documents = json!([{"file": "shop.yaml", "text": rule_set("shop", default)}]);
    let body = json!({"documents": documents, "reason": format!("default {default}"), "actor": "ann", "source": ""});
    let (status, answer) = serving.send("~/revisions", &body);
    assert_eq!(status, 200, "{answer:#}");
    answer["revision"].as_str().unwrap().to_owned()
}

fn ack(serving: &Serving, workers: &Value) {
    let body = json!({"node": {"id": "edge-1", "cluster": "edge"}, "fetcher": "bootstrap", "workers": workers});
    assert_eq!(serving.post("~/acks", &body.to_string()), 204);
}

fn worker(id: &str, revision: &str) -> Value {
    json!({"id": id, "revision": revision, "formats": [1], "role": "worker"})
}

fn cells(line: &str) -> Vec<&str> {
    line.split("  ").map(str::trim).filter(|cell| !cell.is_empty()).collect()
}

#[test]
fn each_event_is_a_line() {
    let scratch = Scratch::new("watch-lines");
    let serving = Serving::store(&scratch);
    let first = publish(&serving, "stable");
    ack(&serving, &json!([worker("0a", &first)]));
    let mut watching = Watching::begin(&scratch, &serving.address, &[]);
    let second = publish(&serving, "canary");
    let line = watching.line();
    assert!(!line.contains('\u{1b}'), "no colours where nobody looks: {line}");
    assert_eq!(cells(&line)[1..], ["Published", &second, "-", "publish by ann: default canary"], "{line}");
    assert!(cells(&line)[0].parse::<jiff::Timestamp>().is_ok(), "{line}");
    let refusing = json!({"id": "0a", "revision": first, "formats": [1], "role": "worker", "error": "no\nroom", "refused": second});
    ack(&serving, &json!([refusing]));
    assert_eq!(cells(&watching.line())[1..], ["Refused", &second, "edge-1 0a", "no\\nroom"]);
    ack(&serving, &json!([worker("0a", &second)]));
    assert_eq!(cells(&watching.line())[1..], ["Acknowledged", &second, "edge-1 0a"]);
    let line = watching.line();
    assert_eq!(cells(&line)[1..4], ["InEffect", &second, "-"], "{line}");
    assert!(cells(&line)[4].starts_with("everywhere in "), "{line}");
    let interrupted = Command::new("kill").args(["-INT", &watching.child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    assert_eq!(watching.end(), Some(130));
}

#[test]
fn it_goes_on_where_the_control_plane_comes_back() {
    let scratch = Scratch::new("watch-restart");
    let serving = Serving::store(&scratch);
    publish(&serving, "stable");
    let address = serving.address.clone();
    let mut watching = Watching::begin(&scratch, &address, &["-o", "json"]);
    let second = publish(&serving, "canary");
    let event = watching.event();
    assert_eq!((&event["event"], &event["revision"]), (&json!("Published"), &json!(second)), "{event}");
    assert!(serving.terminate().0.success());
    let said = watching.said();
    assert!(
        said.starts_with(&format!("http://{address}: ")) && said.ends_with("; asking again until it answers"),
        "{said}"
    );
    let again = Serving::of(&mut scratch.graylane(&["serve", "--store", "redb://store.redb", "--listen", &address]));
    let said = watching.said();
    assert!(
        said.contains("answers again: revision ") && said.ends_with("what happened meanwhile is not told"),
        "{said}"
    );
    let third = publish(&again, "stable");
    assert_eq!(watching.event()["revision"], json!(third));
}

#[test]
fn it_ends_when_a_revision_is_in_effect_or_nobody_reads() {
    let scratch = Scratch::new("watch-until");
    let serving = Serving::store(&scratch);
    let first = publish(&serving, "stable");
    let mut waiting = Watching::begin(&scratch, &serving.address, &["--until-in-effect"]);
    let unread = Watching::begin(&scratch, &serving.address, &[]);
    ack(&serving, &json!([worker("0a", &first)]));
    assert_eq!(cells(&waiting.line())[1], "Acknowledged");
    assert_eq!(cells(&waiting.line())[1], "InEffect");
    assert_eq!(waiting.end(), Some(0));
    // It is already, so nothing has to happen.
    assert_eq!(Watching::begin(&scratch, &serving.address, &["--until-in-effect", "1"]).end(), Some(0));
    let later = Watching::begin(&scratch, &serving.address, &["--until-in-effect", "2"]);
    ack(&serving, &json!([worker("0a", &publish(&serving, "canary"))]));
    assert_eq!(later.end(), Some(0));
    // It need not be told anything to see that.
    let mut unread = unread;
    unread.stdout = None;
    assert_eq!(unread.end(), Some(2));
    let (code, _, said) = scratch.run(&["watch", "--control", "http://127.0.0.1:1"], "");
    assert!(code == 2 && said.starts_with("error: http://127.0.0.1:1/v1/events: "), "{code} {said}");
    let control = format!("http://{}", serving.address);
    let (code, _, said) = scratch.run(&["watch", "--control", &control, "--until-in-effect", "soon"], "");
    assert!(code == 2 && said.contains("--until-in-effect: found \"soon\", expected a revision"), "{code} {said}");
}
