//! `graylane probe`: a health check for images without a shell.

use std::{process::ExitCode, time::Duration};

use crate::{failure::Failure, http, url::Url};

/// The whole probe takes no longer.
const DEADLINE: Duration = Duration::from_secs(2);

/// Ask a URL whether all is well: a health check for images without a shell.
///
/// Sends one GET without encryption and reads the status, within two seconds.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane probe http://127.0.0.1:8460/readyz
  HEALTHCHECK CMD [\"/graylane\", \"probe\", \"http://127.0.0.1:8460/healthz\"]

Exit codes:
  0  a status of 200 to 299 was answered
  1  another status, or no answer within two seconds
  2  wrong usage")]
pub struct Arguments {
    /// What to ask: `http://HOST:PORT/PATH`.
    #[arg(value_parser = http::plain_url)]
    url: Url,
}

/// Asks, and says on stderr what is not well.
///
/// # Errors
/// No answer, or one that is no success.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Url { authority, target, .. } = &arguments.url;
    let told = |what: String| Failure::refused(format!("http://{authority}{target}: {what}"));
    let status = http::status(&arguments.url, DEADLINE).map_err(told)?;
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(told(format!("found the status {status}, expected a status of 200 to 299")))
}
