//! A child process: its lines are kept, and it never outlives its owner.

use std::{
    ffi::OsStr,
    io::{BufRead, BufReader, Read},
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    sync::{Arc, Condvar, Mutex},
    thread::JoinHandle,
    time::{Duration, Instant},
};

use crate::root;

/// How long a line may take to come.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many lines of each stream a failure prints.
const SHOWN: usize = 60;

/// A running program. Dropping it kills and reaps it; if the test is failing its last lines are printed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdout: Lines,
    stderr: Lines,
    readers: Vec<JoinHandle<()>>,
}

/// The lines a stream has brought so far.
#[derive(Clone, Debug, Default)]
struct Lines(Arc<(Mutex<Brought>, Condvar)>);

#[derive(Debug, Default)]
struct Brought {
    lines: Vec<String>,
    ended: bool,
}

impl Process {
    /// Starts `program` in the root of the repository.
    ///
    /// It gets a process group of its own, so that an interrupt on the terminal reaches only us, and the kernel
    /// kills it when the thread that started it ends in whatever way.
    pub fn start(name: &str, program: &Path, arguments: &[impl AsRef<OsStr>]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(root()).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: prctl is async-signal-safe, and nothing else runs between fork and exec.
        unsafe { command.pre_exec(die_with_parent) };
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{} does not start: {why}", program.display()));
        let (stdout, stderr) = (Lines::default(), Lines::default());
        let readers = vec![
            stdout.clone().fill(child.stdout.take().expect("stdout is piped")),
            stderr.clone().fill(child.stderr.take().expect("stderr is piped")),
        ];
        Self { name: name.to_owned(), child, stdout, stderr, readers }
    }

    /// The first line on standard output, from number `from` on, of which `pick` makes something, and that.
    ///
    /// # Panics
    /// Where none comes within 20 seconds, or the process ends before.
    pub fn line<T>(&self, from: usize, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        self.stdout.find(from, pick).unwrap_or_else(|why| panic!("{}: {why} instead of {what}", self.name))
    }

    /// How many lines came on standard output so far.
    pub fn line_count(&self) -> usize {
        self.stdout.0.0.lock().unwrap().lines.len()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills it with SIGKILL and waits until it is gone.
    pub fn kill(mut self) {
        self.end();
    }

    /// The exit status, if it has ended by itself.
    pub fn ended(&mut self) -> Option<std::process::ExitStatus> {
        self.child.try_wait().expect("a child can be asked")
    }

    fn end(&mut self) {
        let _already_gone = self.child.kill();
        let _reaped_before = self.child.wait();
        for reader in self.readers.drain(..) {
            let _panicked = reader.join();
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.end();
        if std::thread::panicking() {
            self.stdout.print(&format!("{} (stdout)", self.name));
            self.stderr.print(&format!("{} (stderr)", self.name));
        }
    }
}

impl Lines {
    fn fill(self, stream: impl Read + Send + 'static) -> JoinHandle<()> {
        std::thread::spawn(move || {
            let (brought, changed) = &*self.0;
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            // Bytes, not text: a log that quotes a hostile request must not end the reading.
            while stream.read_until(b'\n', &mut line).is_ok_and(|length| length > 0) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                brought.lock().unwrap().lines.push(text);
                changed.notify_all();
                line.clear();
            }
            brought.lock().unwrap().ended = true;
            changed.notify_all();
        })
    }

    fn find<T>(&self, from: usize, pick: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        let (brought, changed) = &*self.0;
        let (mut next, begin) = (from, Instant::now());
        let mut brought = brought.lock().unwrap();
        loop {
            let picked = brought.lines.get(next..).and_then(|lines| lines.iter().find_map(|line| pick(line)));
            next = next.max(brought.lines.len());
            match picked {
                Some(found) => return Ok(found),
                None if brought.ended => return Err("the process ended".to_owned()),
                None if begin.elapsed() > PATIENCE => return Err(format!("nothing came within {PATIENCE:?}")),
                None => brought = changed.wait_timeout(brought, PATIENCE).unwrap().0,
            }
        }
    }

    fn print(&self, name: &str) {
        let Ok(brought) = self.0.0.lock() else { return };
        let from = brought.lines.len().saturating_sub(SHOWN);
        eprintln!("---- {name}, last {} of {} lines", brought.lines.len() - from, brought.lines.len());
        for line in &brought.lines[from..] {
            eprintln!("{line}");
        }
    }
}

fn die_with_parent() -> std::io::Result<()> {
    // SAFETY: this option takes a signal number and touches no memory.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
