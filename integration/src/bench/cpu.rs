//! CPU time of a process, and the cores it may use.

use std::{fs, io, mem, time::Duration};

/// CPU time that the threads of process `pid` have used so far, as the scheduler counts it (nanoseconds).
///
/// A thread that ended has taken its time with it; an Envoy that is only asked to serve starts and ends none.
pub fn time_used(pid: u32) -> Duration {
    let tasks = fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs");
    let nanoseconds = tasks.map(|task| {
        let file = task.expect("a thread").path().join("schedstat");
        let line = fs::read_to_string(&file).unwrap_or_else(|why| panic!("{}: {why}", file.display()));
        let first = line.split_whitespace().next().and_then(|first| first.parse::<u64>().ok());
        first.unwrap_or_else(|| panic!("{}: found {line:?}, expected nanoseconds first", file.display()))
    });
    Duration::from_nanos(nanoseconds.sum())
}

/// Which core runs the Envoys and which one the load; the same where there is only one.
#[derive(Clone)]
pub struct Cores {
    /// How many this process may use.
    pub count: usize,
    all: libc::cpu_set_t,
    envoys: usize,
    load: usize,
}

impl Cores {
    /// Takes the last two of the cores this process may use: the first ones get most of a machine's interrupts.
    pub fn allowed() -> Self {
        // SAFETY: a set of cores is plain bits, for which zero is a value; the kernel writes within the given size,
        // and only cores within the set are asked about.
        let (all, cores): (_, Vec<_>) = unsafe {
            let mut set: libc::cpu_set_t = mem::zeroed();
            succeeded(libc::sched_getaffinity(0, mem::size_of_val(&set), &raw mut set));
            (set, (0..8 * mem::size_of_val(&set)).filter(|&core| libc::CPU_ISSET(core, &set)).collect())
        };
        let envoys = *cores.last().expect("a process runs on some core");
        let load = *cores.iter().rev().nth(1).unwrap_or(&envoys);
        Self { count: cores.len(), all, envoys, load }
    }

    /// Binds every thread of the process `pid`, and whatever these start from now on, to the core of the Envoys.
    pub fn pin_process_to_envoys(&self, pid: u32) {
        for task in fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs") {
            let name = task.expect("a thread").file_name();
            let thread = name.to_str().and_then(|name| name.parse().ok()).expect("threads are numbers");
            pin(thread, &of(self.envoys));
        }
    }

    /// Binds this thread, and whatever it starts from now on, to the core of the load.
    pub fn pin_to_load(&self) {
        pin(0, &of(self.load));
    }

    /// Lets this thread, and whatever it starts from now on, run on all cores again.
    pub fn release(&self) {
        pin(0, &self.all);
    }
}

fn of(core: usize) -> libc::cpu_set_t {
    // SAFETY: a set of cores is plain bits, for which zero is a value.
    unsafe {
        let mut set: libc::cpu_set_t = mem::zeroed();
        libc::CPU_SET(core, &mut set);
        set
    }
}

/// Binds a thread; 0 is this one.
fn pin(thread: libc::pid_t, set: &libc::cpu_set_t) {
    // SAFETY: the kernel reads within the given size.
    succeeded(unsafe { libc::sched_setaffinity(thread, mem::size_of_val(set), set) });
}

fn succeeded(status: libc::c_int) {
    assert_eq!(status, 0, "the cores of a thread: {}", io::Error::last_os_error());
}
