//! Values of switches that stand above those of the rule sets: given as text, in a file, or in the environment.

use std::{fs::File, io::Read as _, os::unix::fs::OpenOptionsExt as _, path::PathBuf};

use graylane_rules::switches::Overrides;

use crate::{failure::Failure, found::unread};

/// The variable of the environment that is read where no `--switches` is given.
const VARIABLE: &str = "GRAYLANE_SWITCHES";

/// So many bytes of a file are read at most: one more than there may be, so that too many are seen.
const READ_LIMIT: u64 = (16 << 10) + 1;

// No doc comment: clap would take it for the description of the command.
#[derive(Clone, Debug, Default, clap::Args)]
pub struct Switches {
    /// Values of switches for all variants, instead of those that the rule sets give them:
    /// `gray.feature_login=v2,gray.rate_limit=0.3`, or @FILE for what stands in a file, in lines perhaps. A value with a
    /// comma or a quotation mark stands in quotation marks. A key that no rule set has, or a value of another type, is an
    /// error. Not given: what the environment has as GRAYLANE_SWITCHES, in the same form.
    #[arg(long, value_name = "TEXT|@FILE")]
    switches: Option<String>,
}

/// Where overrides come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// There are none.
    Nowhere,
    /// They were given, by `name`.
    Text {
        /// `--switches` or `GRAYLANE_SWITCHES`.
        name: &'static str,
        /// What was given.
        text: String,
    },
    /// They stand in a file, which can be read again.
    File(PathBuf),
}

/// Overrides as they were read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overriding {
    /// Where they were read, as messages name it.
    pub name: String,
    /// What stands there; empty where there are none.
    pub text: String,
}

impl Switches {
    /// Where the overrides of this command come from.
    ///
    /// # Errors
    /// Where the environment has something else than text.
    pub fn origin(&self) -> Result<Origin, Failure> {
        if let Some(given) = &self.switches {
            return Ok(Origin::of("--switches", given));
        }
        match std::env::var(VARIABLE) {
            Ok(given) => Ok(Origin::of(VARIABLE, &given)),
            Err(std::env::VarError::NotPresent) => Ok(Origin::Nowhere),
            Err(_) => Err(Failure::unable(format!("{VARIABLE}: found bytes that are not UTF-8, expected text"))),
        }
    }

    /// The overrides of this command, which are in the form that is asked for.
    ///
    /// # Errors
    /// Where they cannot be read, or are in another form.
    pub fn read(&self) -> Result<Overriding, Failure> {
        self.origin()?.read().map_err(Failure::unable)
    }
}

impl Origin {
    fn of(name: &'static str, given: &str) -> Self {
        match given.strip_prefix('@') {
            Some(path) => Origin::File(PathBuf::from(path)),
            None => Origin::Text { name, text: given.to_owned() },
        }
    }

    /// Reads what stands there now.
    ///
    /// # Errors
    /// Where it cannot be read, or is not in the form: where, what was found, what would be right.
    pub fn read(&self) -> Result<Overriding, String> {
        let read = match self {
            Origin::Nowhere => Overriding::default(),
            Origin::Text { name, text } => Overriding { name: (*name).to_owned(), text: text.clone() },
            Origin::File(path) => {
                let name = path.display().to_string();
                let text = text_of(path).map_err(|why| format!("{name}: {why}"))?;
                Overriding { name, text }
            }
        };
        Overrides::parse(&read.text).map_err(|why| format!("{}: {why}", read.name))?;
        Ok(read)
    }
}

fn text_of(path: &PathBuf) -> Result<String, String> {
    // Opening a pipe would wait for whoever writes into it.
    let file = File::options().read(true).custom_flags(libc::O_NONBLOCK).open(path);
    let file = file.map_err(|why| unread(&why))?;
    if !file.metadata().is_ok_and(|found| found.is_file()) {
        return Err("found no regular file, expected one of overrides".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(READ_LIMIT).read_to_end(&mut bytes).map_err(|why| unread(&why))?;
    String::from_utf8(bytes).map_err(|_| "found bytes that are not UTF-8, expected text".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scratch::Scratch;

    #[test]
    fn text_and_file_are_told_apart() {
        let given = |text: &str| Switches { switches: Some(text.to_owned()) }.origin().unwrap();
        assert_eq!(given("gray.a=1"), Origin::Text { name: "--switches", text: "gray.a=1".to_owned() });
        assert_eq!(given("@a/b"), Origin::File(PathBuf::from("a/b")));
        let read = given("gray.a=1").read().unwrap();
        assert_eq!((read.name.as_str(), read.text.as_str()), ("--switches", "gray.a=1"));
    }

    #[test]
    fn what_cannot_be_read_says_why() {
        let scratch = Scratch::new("overrides");
        let file = scratch.path("switches");
        let read = |path: &str| Origin::File(scratch.path(path)).read();
        std::fs::write(&file, "gray.a=1\ngray.b=2\n").unwrap();
        assert_eq!(read("switches").unwrap().text, "gray.a=1\ngray.b=2\n");
        std::fs::write(&file, "a=1").unwrap();
        let said = read("switches").unwrap_err();
        assert!(said.ends_with("switches: byte 0: found \"a\", expected gray.NAME=VALUE"), "{said}");
        std::fs::write(&file, [b'\n'; 20_000]).unwrap();
        assert!(read("switches").unwrap_err().ends_with("found 16385 bytes, expected at most 16384"));
        std::fs::write(&file, b"\xff").unwrap();
        assert!(read("switches").unwrap_err().ends_with("found bytes that are not UTF-8, expected text"));
        assert!(read("gone").unwrap_err().contains("gone: found no such file"));
        assert!(read("").unwrap_err().ends_with("found no regular file, expected one of overrides"));
    }
}
