//! What the tests of the binary share.
#![allow(dead_code, reason = "every test file uses its own part of it")]

use std::{
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

/// A rule set whose one rule sends `x-env: gray` to canary; its default is `default`.
pub fn rule_set(name: &str, default: &str) -> String {
    format!(
        "apiVersion: graylane.dev/v1
kind: RuleSet
metadata: {{name: {name}}}
spec:
  scope: {{hosts: [{name}.example.com]}}
  variants: [stable, canary]
  default: {default}
  rules:
    - id: qa
      when: {{header: {{name: x-env, exact: gray}}}}
      variant: canary
      set: {{x-feature-flags: new-cart=on}}
"
    )
}

/// A directory for one test, removed with it.
pub struct Scratch(PathBuf);

impl Scratch {
    pub fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }

    /// The same with `shop.yaml`, which is sound, and `broken.yaml`, whose default is no variant.
    pub fn with_documents(name: &str) -> Self {
        let scratch = Self::new(name);
        scratch.write("shop.yaml", rule_set("shop", "stable"));
        scratch.write("broken.yaml", rule_set("shop2", "gone"));
        scratch
    }

    /// The same with a directory `rules` of one rule set, to be served.
    pub fn with_rules(name: &str) -> Self {
        let scratch = Self::new(name);
        std::fs::create_dir(scratch.path("rules")).unwrap();
        scratch.write("rules/shop.yaml", rule_set("shop", "stable"));
        scratch
    }

    pub fn path(&self, inside: &str) -> PathBuf {
        self.0.join(inside)
    }

    pub fn write(&self, inside: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(inside);
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Writes beside the place and renames, as a careful writer does.
    pub fn rename_into_place(&self, inside: &str, text: impl AsRef<[u8]>) {
        let beside = self.write(".new", text);
        std::fs::rename(beside, self.path(inside)).unwrap();
    }

    /// The binary, started in this directory.
    pub fn graylane(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_graylane"));
        command.args(arguments).current_dir(&self.0);
        command
    }

    /// Runs the binary in this directory with `input` on stdin: exit code, stdout, stderr.
    pub fn run(&self, arguments: &[&str], input: &str) -> (i32, String, String) {
        let mut command = self.graylane(arguments);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut stdin = child.stdin.take().unwrap();
        let input = input.to_owned();
        // On a thread of its own: both pipes may be full. A command that refuses its arguments reads nothing, and closes its.
        let writer = std::thread::spawn(move || stdin.write_all(input.as_bytes()));
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        let _ = writer.join().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (status.code().unwrap(), text(stdout), text(stderr))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
