//! A child process: its lines are kept, and it never outlives its owner.

mod lines;
mod tap;

use std::{
    ffi::OsStr,
    os::unix::process::CommandExt,
    path::Path,
    process::{Child, Command, Stdio},
    thread::JoinHandle,
    time::Duration,
};

use self::lines::Lines;
pub(crate) use self::{lines::Second, tap::Tap};
use crate::root;

/// A running program. Dropping it kills and reaps it; if the test is failing its last lines are printed.
#[derive(Debug)]
pub struct Process {
    name: String,
    child: Child,
    stdout: Lines,
    stderr: Lines,
    readers: Vec<JoinHandle<()>>,
}

impl Process {
    /// Starts `program` in the root of the repository.
    ///
    /// It gets a process group of its own, so that an interrupt on the terminal reaches only us, and the kernel
    /// kills it when the thread that started it ends in whatever way.
    pub fn start(name: &str, program: &Path, arguments: &[impl AsRef<OsStr>]) -> Self {
        Self::start_read(name, program, arguments, None, None)
    }

    /// The same, with second readers of its standard output and standard error.
    pub(crate) fn start_read(
        name: &str,
        program: &Path,
        arguments: &[impl AsRef<OsStr>],
        out: Option<Second>,
        err: Option<Second>,
    ) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(root()).process_group(0);
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // SAFETY: prctl is async-signal-safe, and nothing else runs between fork and exec.
        unsafe { command.pre_exec(die_with_parent) };
        let mut child = command.spawn().unwrap_or_else(|why| panic!("{} does not start: {why}", program.display()));
        let (stdout, stderr) = (Lines::default(), Lines::default());
        let readers = vec![
            stdout.clone().fill(child.stdout.take().expect("stdout is piped"), out),
            stderr.clone().fill(child.stderr.take().expect("stderr is piped"), err),
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

    /// The same for standard error.
    pub fn error_line<T>(&self, from: usize, what: &str, pick: impl Fn(&str) -> Option<T>) -> T {
        self.stderr.find(from, pick).unwrap_or_else(|why| panic!("{}: {why} instead of {what}", self.name))
    }

    /// The same, where it may end before.
    ///
    /// # Errors
    /// Why there is no such line.
    pub(crate) fn try_error_line<T>(&self, from: usize, pick: impl Fn(&str) -> Option<T>) -> Result<T, String> {
        self.stderr.find(from, pick).map_err(|why| why.to_string())
    }

    /// How many lines came on standard error so far.
    pub fn error_line_count(&self) -> usize {
        self.stderr.count()
    }

    /// How many lines came on standard output so far.
    pub fn line_count(&self) -> usize {
        self.stdout.count()
    }

    /// The process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Stops it where it is, as a machine that hangs would, until [`resume`](Self::resume).
    pub fn pause(&self) {
        self.signal(libc::SIGSTOP);
    }

    /// Sends SIGHUP, by which many programs read again what they are configured with.
    pub fn hang_up(&self) {
        self.signal(libc::SIGHUP);
    }

    /// Sends SIGUSR1.
    pub fn signal_user(&self) {
        self.signal(libc::SIGUSR1);
    }

    /// Lets it go on.
    pub fn resume(&self) {
        self.signal(libc::SIGCONT);
    }

    /// How many bytes of memory are its own and resident.
    ///
    /// # Panics
    /// Where it has ended.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id())).expect("the process runs");
        let kilobytes = status.lines().find_map(|line| line.strip_prefix("VmRSS:")?.trim().strip_suffix(" kB"));
        kilobytes.and_then(|count| count.trim().parse::<u64>().ok()).expect("a process has a size") * 1024
    }

    /// The CPU time of all its threads, in steps of 10 ms.
    ///
    /// # Panics
    /// Where it has ended.
    pub fn cpu_time(&self) -> Duration {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id())).expect("the process runs");
        // The name, which may hold anything, is in parentheses; user and system time are the twelfth and thirteenth after it.
        let after = stat.rsplit_once(") ").map(|(_, after)| after).expect("a process has a name");
        let ticks = after.split(' ').skip(11).take(2).map(|ticks| ticks.parse::<u64>().expect("a number"));
        // Linux counts in hundredths here, whatever its own clock.
        Duration::from_millis(ticks.sum::<u64>() * 10)
    }

    fn signal(&self, signal: libc::c_int) {
        let id = libc::pid_t::try_from(self.id()).expect("a process id");
        // SAFETY: no memory is touched, and the child was not reaped, so the id is still its own.
        assert_eq!(unsafe { libc::kill(id, signal) }, 0, "{} cannot be sent signal {signal}", self.name);
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

fn die_with_parent() -> std::io::Result<()> {
    // SAFETY: this option takes a signal number and touches no memory.
    match unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) } {
        0 => Ok(()),
        _ => Err(std::io::Error::last_os_error()),
    }
}
