//! `graylane watch`: what happens, as it happens.

mod following;
mod line;
mod sse;

use std::{io, process::ExitCode, time::Duration};

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::form::Form;
use crate::{client::ControlPlane, failure::Failure, terminal};
use following::Following;
use line::Lines;

/// The exit code where somebody ended it: what a shell says of SIGINT.
const INTERRUPTED: u8 = 130;

/// So often it is looked whether anybody still reads.
const LOOK: Duration = Duration::from_millis(500);

/// Follow what happens: what is published, and which workers run or refuse it.
///
/// Asks a running `graylane serve`, and prints a line for each event from now on: when it arrived here, what it is, the
/// revision, the Envoy and its worker, and what else is to be said of it. Where the control plane goes away it says so, asks
/// again until there is one, and says that too; what happened meanwhile is not told. It ends with Ctrl-C, or when nobody
/// reads any more.
///
/// The events are Published, SwitchChanged, Acknowledged, Refused and InEffect; docs/page.md has their fields. With -o json
/// each is a line of JSON, as it was told.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane watch
  graylane watch --until-in-effect
  graylane watch --until-in-effect 41
  graylane watch -o json | jq -r 'select(.event == \"Refused\") | .why'

Exit codes:
  0    what --until-in-effect waited for is in effect
  2    wrong usage, no control plane that tells, or nobody reads stdout
  130  ended with Ctrl-C")]
pub struct Arguments {
    #[command(flatten)]
    control: ControlPlane,
    /// The namespace it serves.
    #[arg(long, value_name = "NAME", default_value = "default")]
    namespace: String,
    /// End when every live worker runs this revision or a later one; without REVISION, what is published when it begins.
    #[arg(long, value_name = "REVISION", num_args = 0..=1, default_missing_value = "head")]
    until_in_effect: Option<String>,
    /// How to show it.
    #[arg(short, long, value_name = "FORM", default_value = "text")]
    output: Form,
}

/// Follows on stdout.
///
/// # Errors
/// Where there is no control plane to begin with, or one that does not tell, or stdout cannot be written.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let lines = match arguments.output {
        Form::Text => Some(Lines::new(terminal::colours(&io::stdout()))),
        Form::Json => None,
    };
    let (client, until) = (arguments.control.client()?, arguments.until_in_effect.clone());
    let mut following = Following::new(client, &arguments.namespace, lines, until);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|why| Failure::unable(format!("no runtime to ask with: {why}")))?;
    let ended = runtime.block_on(async {
        tokio::select! {
            ended = following.until_the_end() => ended.map(|()| ExitCode::SUCCESS),
            _ = tokio::signal::ctrl_c() => Ok(ExitCode::from(INTERRUPTED)),
            () = unread() => Err(Failure::unwritten("stdout", &io::ErrorKind::BrokenPipe.into())),
        }
    });
    // A look-up of a name may still be under way, on a thread that cannot be stopped.
    runtime.shutdown_background();
    ended
}

/// Ends when nobody reads stdout any more: where nothing happens, nothing is written that would tell.
async fn unread() {
    loop {
        tokio::time::sleep(LOOK).await;
        let stdout = io::stdout();
        // What is waited for besides nothing is what a pipe always tells.
        let mut looked = [PollFd::new(&stdout, PollFlags::empty())];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let is_closed = |fd: &PollFd<'_>| fd.revents().intersects(PollFlags::ERR | PollFlags::NVAL);
        if poll(&mut looked, Some(&now)).is_ok() && looked.iter().any(is_closed) {
            return;
        }
    }
}
