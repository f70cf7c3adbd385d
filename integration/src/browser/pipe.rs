//! The two pipes to a browser.

use std::{
    fs::File,
    io::{BufRead as _, BufReader, Write as _},
    path::{Path, PathBuf},
    process::Command,
    sync::mpsc::{self, Receiver},
    time::Duration,
};

use serde_json::{Value, json};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(45);

/// Commands to a browser, and what it says.
#[derive(Debug)]
pub struct Pipe {
    commands: File,
    messages: Receiver<Value>,
    events: Vec<Value>,
    last: u64,
}

/// Makes two named pipes in `directory`: for commands, and for answers.
///
/// # Panics
/// Where they cannot be made.
pub fn named(directory: &Path) -> [PathBuf; 2] {
    let paths = ["commands", "answers"].map(|name| directory.join(name));
    let made = Command::new("mkfifo").args(&paths).status().expect("mkfifo, of coreutils");
    assert!(made.success(), "named pipes are not made in {}", directory.display());
    paths
}

impl Pipe {
    /// Opens both, as soon as the browser does.
    ///
    /// # Panics
    /// Where they cannot be opened.
    pub fn open(commands: &Path, answers: &Path) -> Self {
        // In the order in which the browser's shell opens them: each waits for the other side.
        let commands = File::options().write(true).open(commands).expect("the pipe for commands");
        let answers = BufReader::new(File::open(answers).expect("the pipe for answers"));
        let (sender, messages) = mpsc::channel();
        std::thread::spawn(move || {
            for message in answers.split(0).map_while(Result::ok) {
                let message = serde_json::from_slice(&message).expect("JSON of the browser");
                if sender.send(message).is_err() {
                    return;
                }
            }
        });
        Self { commands, messages, events: Vec::new(), last: 0 }
    }

    /// Has the page of `session` do something, the browser itself where that is empty; gives the answer.
    ///
    /// # Panics
    /// Where none comes, or the answer is an error.
    pub fn call(&mut self, session: &str, method: &str, parameters: &Value) -> Value {
        self.last += 1;
        let mut command = json!({"id": self.last, "method": method, "params": parameters});
        if !session.is_empty() {
            command["sessionId"] = json!(session);
        }
        self.commands.write_all(format!("{command}\0").as_bytes()).expect("the browser reads");
        loop {
            let message = self.messages.recv_timeout(PATIENCE);
            let mut message = message.unwrap_or_else(|why| panic!("the browser does not answer to {method}: {why}"));
            if message["id"] == self.last {
                // A page that went elsewhere while it was asked is asked again, where it went.
                if message["error"]["message"].as_str().is_some_and(|why| why.contains("navigated or closed")) {
                    return self.call(session, method, parameters);
                }
                assert!(message.get("error").is_none(), "{method}: {message}");
                return message["result"].take();
            }
            self.events.push(message);
        }
    }

    /// All that happened so far.
    pub fn events(&mut self) -> &[Value] {
        self.events.extend(self.messages.try_iter());
        &self.events
    }
}
