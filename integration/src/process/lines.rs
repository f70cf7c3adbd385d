//! The lines of a stream: kept for whoever asks, and read by a second reader.

use std::{
    collections::VecDeque,
    fs::File,
    io::{BufRead, BufReader, Read, Write, stderr},
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use super::Tap;

/// How long a line may take to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many lines of each stream a failure prints.
const SHOWN: usize = 60;
/// How many lines of a stream with a second reader are kept for whoever asks.
const KEPT: usize = 1000;

/// Who else reads a stream. Of such a stream, which may go on for days, only the last lines are kept.
#[derive(Debug)]
pub(crate) enum Second {
    /// Something that looks at each line.
    Tap(Tap),
    /// A file.
    File(File),
    /// The terminal, where each line begins with this name.
    Terminal(&'static str),
}

/// The lines a stream has brought so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Lines(Arc<(Mutex<Brought>, Condvar)>);

#[derive(Debug, Default)]
struct Brought {
    lines: VecDeque<String>,
    /// How many came before these and are no longer kept.
    forgotten: usize,
    ended: bool,
}

impl Second {
    fn read(&mut self, line: &str) {
        // In one piece, and whatever comes of it: a full disk or a closed terminal is not the program's fault.
        let _unwritten = match self {
            Self::Tap(tap) => {
                tap.read(line);
                Ok(())
            }
            Self::File(file) => file.write_all(format!("{line}\n").as_bytes()),
            Self::Terminal(name) => stderr().write_all(format!("{name} | {line}\n").as_bytes()),
        };
    }
}

impl Lines {
    pub(super) fn fill(self, stream: impl Read + Send + 'static, mut second: Option<Second>) -> JoinHandle<()> {
        std::thread::spawn(move || {
            let (brought, changed) = &*self.0;
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            // Bytes, not text: a log that quotes a hostile request must not end the reading.
            while stream.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                second.iter_mut().for_each(|second| second.read(&text));
                brought.lock().unwrap().keep(text, if second.is_some() { KEPT } else { usize::MAX });
                changed.notify_all();
                line.clear();
            }
            brought.lock().unwrap().ended = true;
            changed.notify_all();
        })
    }

    pub(super) fn count(&self) -> usize {
        self.0.0.lock().unwrap().count()
    }

    pub(super) fn find<T>(&self, from: usize, pick: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let (brought, changed) = &*self.0;
        let (mut next, begin) = (from, Instant::now());
        let mut brought = brought.lock().unwrap();
        loop {
            let picked = brought.from(next).find_map(|line| pick(line));
            next = next.max(brought.count());
            match picked {
                Some(found) => return Ok(found),
                None if brought.ended => return Err("the process ended".to_owned()),
                None if begin.elapsed() > PATIENCE => return Err(format!("nothing came within {PATIENCE:?}")),
                None => brought = changed.wait_timeout(brought, PATIENCE).unwrap().0,
            }
        }
    }

    pub(super) fn print(&self, name: &str) {
        let Ok(brought) = self.0.0.lock() else { return };
        let from = brought.count().saturating_sub(SHOWN);
        eprintln!("---- {name}, last {} of {} lines", brought.count() - from, brought.count());
        for line in brought.from(from) {
            eprintln!("{line}");
        }
    }
}

impl Brought {
    fn keep(&mut self, line: String, at_most: usize) {
        if self.lines.len() >= at_most {
            self.lines.pop_front();
            self.forgotten += 1;
        }
        self.lines.push_back(line);
    }

    /// How many lines came so far.
    fn count(&self) -> usize {
        self.forgotten + self.lines.len()
    }

    /// Those from number `first` on that are still kept.
    fn from(&self, first: usize) -> impl Iterator<Item = &String> {
        self.lines.iter().skip(first.saturating_sub(self.forgotten))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_numbers_when_the_first_are_forgotten() {
        let mut brought = Brought::default();
        for line in ["a", "b", "c"] {
            brought.keep(line.to_owned(), 2);
        }
        assert_eq!(brought.count(), 3);
        assert_eq!(brought.from(0).collect::<Vec<_>>(), ["b", "c"]);
        assert_eq!(brought.from(2).collect::<Vec<_>>(), ["c"]);
        assert_eq!(brought.from(3).count(), 0);
    }
}
