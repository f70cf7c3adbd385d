//! A real browser, driven over the DevTools protocol: Chromium without a window.
//!
//! Commands and events go through two pipes, as `--remote-debugging-pipe` has it: JSON with a zero byte behind it.

mod pipe;

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{Process, eventually, root};
use pipe::Pipe;

/// Runs before anything of a page: what the policy of a page forbids is remembered in the page.
const WATCHER: &str = "window.violations = []; document.addEventListener('securitypolicyviolation', \
                       (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI}`));";

/// A browser with one page.
#[derive(Debug)]
pub struct Browser {
    // Ended before its directory is removed.
    _process: Process,
    pipe: Pipe,
    session: String,
    _scratch: TempDir,
}

/// The browser of this machine: what `CHROMIUM` names, or what `tools/chromium` made ready.
///
/// # Errors
/// Where there is none, how to have one.
pub fn find() -> Result<PathBuf, String> {
    let chosen = std::env::var_os("CHROMIUM").map(PathBuf::from);
    let browser = chosen.unwrap_or_else(|| root().join(".tools/chromium/browser"));
    let missing = || format!("found no browser {}, expected it there: run tools/chromium", browser.display());
    if browser.is_file() { Ok(browser) } else { Err(missing()) }
}

impl Browser {
    /// Starts `browser` with an empty page.
    ///
    /// # Panics
    /// Where it does not start.
    pub fn start(browser: &Path) -> Self {
        let scratch = tempfile::Builder::new().prefix("graylane-browser-").tempdir().expect("a temporary directory");
        let [commands, answers] = pipe::named(scratch.path());
        let home = format!("--user-data-dir={}", scratch.path().join("profile").display());
        // The container of the tests is the sandbox; and a shared memory of 64 MB, as containers have, is too little.
        let options = "--no-sandbox --disable-gpu --disable-dev-shm-usage --hide-scrollbars --no-first-run \
                       --disable-background-networking --remote-debugging-pipe";
        let line = format!("exec \"$0\" {options} \"$1\" 3<\"$2\" 4>\"$3\"");
        let paths = [&commands, &answers].map(|path| path.display().to_string());
        let arguments = ["-c", &line, &browser.display().to_string(), &home, &paths[0], &paths[1]].map(str::to_owned);
        let process = Process::start("browser", "/bin/sh".as_ref(), &arguments);
        let pipe = Pipe::open(&commands, &answers);
        let mut browser = Self { _process: process, pipe, session: String::new(), _scratch: scratch };
        browser.attach();
        browser
    }

    fn attach(&mut self) {
        let target = self.call("Target.createTarget", json!({"url": "about:blank"}));
        let attached = self.call("Target.attachToTarget", json!({"targetId": target["targetId"], "flatten": true}));
        self.session = attached["sessionId"].as_str().expect("a session").to_owned();
        for domain in ["Page", "Runtime", "Network", "Log"] {
            self.call(&format!("{domain}.enable"), json!({}));
        }
        self.call("Page.addScriptToEvaluateOnNewDocument", json!({"source": WATCHER}));
    }

    /// Opens `url` and waits until all of it is there.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub fn open(&mut self, url: &str) {
        let opened = self.call("Page.navigate", json!({"url": url}));
        assert!(opened.get("errorText").is_none(), "{url}: {opened}");
        self.eventually(
            "the page to be there",
            &format!("location.href === {url:?} && document.readyState === 'complete'"),
        );
    }

    /// The value of an expression in the page.
    ///
    /// # Panics
    /// Where it throws.
    pub fn value(&mut self, expression: &str) -> Value {
        let asked = json!({"expression": expression, "returnByValue": true, "awaitPromise": true});
        let found = self.call("Runtime.evaluate", asked);
        assert!(found.get("exceptionDetails").is_none(), "{expression}: {found}");
        found["result"]["value"].clone()
    }

    /// Waits until an expression is true.
    ///
    /// # Panics
    /// Where it is not in time, with what the page says then.
    pub fn eventually(&mut self, what: &str, expression: &str) {
        eventually(what, || {
            if self.value(expression) == true {
                return Ok(());
            }
            Err(self.value("document.body?.innerText").to_string())
        });
    }

    /// Gives the window this size, in pixels of CSS.
    pub fn resize(&mut self, width: u32, height: u32) {
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.call("Emulation.setDeviceMetricsOverride", size);
    }

    /// Has pages believe that whoever looks prefers this: `prefers-color-scheme` is `dark`, say.
    pub fn prefer(&mut self, feature: &str, value: &str) {
        self.call("Emulation.setEmulatedMedia", json!({"features": [{"name": feature, "value": value}]}));
    }

    /// What the window shows, as PNG.
    ///
    /// # Panics
    /// Where the browser makes no picture.
    pub fn picture(&mut self) -> Vec<u8> {
        let picture = self.call("Page.captureScreenshot", json!({"format": "png", "optimizeForSpeed": false}));
        base64(picture["data"].as_str().expect("a picture"))
    }

    /// What pages complained of so far: exceptions, messages on the console, entries of the log.
    pub fn complaints(&mut self) -> Vec<Value> {
        let is_one = |event: &&Value| {
            let method = event["method"].as_str().unwrap_or_default();
            ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"].contains(&method)
        };
        self.pipe.events().iter().filter(is_one).map(|event| event["params"].clone()).collect()
    }

    /// The URLs of all that was asked for so far.
    pub fn requests(&mut self) -> Vec<String> {
        let is_one = |event: &&Value| event["method"] == "Network.requestWillBeSent";
        let url = |event: &Value| event["params"]["request"]["url"].as_str().unwrap_or_default().to_owned();
        self.pipe.events().iter().filter(is_one).map(url).collect()
    }

    fn call(&mut self, method: &str, parameters: Value) -> Value {
        self.pipe.call(&self.session, method, &parameters)
    }
}

/// The bytes that `text`, base 64, stands for.
fn base64(text: &str) -> Vec<u8> {
    const LETTERS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = text.bytes().filter_map(|byte| LETTERS.iter().position(|letter| *letter == byte));
    let digits: Vec<_> = digits.map(|digit| u32::try_from(digit).expect("below 64")).collect();
    let bytes = digits.chunks(4).flat_map(|four| {
        let number = four.iter().fold(0, |number, digit| number << 6 | digit) << (6 * (4 - four.len()));
        number.to_be_bytes().into_iter().skip(1).take(four.len() - 1)
    });
    bytes.collect()
}

#[cfg(test)]
mod tests {
    #[test]
    fn base_64_is_read() {
        for (text, bytes) in [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9vYmFy", "foobar")] {
            assert_eq!(super::base64(text), bytes.as_bytes());
        }
    }
}
