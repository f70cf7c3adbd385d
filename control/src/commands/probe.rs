//! `graylane probe`: a health check for images without a shell.

use std::{process::ExitCode, time::Duration};

use crate::{client::Credentials, failure::Failure, url::Url};

/// The whole probe takes no longer.
const DEADLINE: Duration = Duration::from_secs(2);

/// Ask a URL whether all is well: a health check for images without a shell.
///
/// Sends one GET and reads the status, within two seconds. What lives and what is ready is told to anybody, without a token.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
Examples:
  graylane probe http://127.0.0.1:8460/readyz
  HEALTHCHECK CMD [\"/graylane\", \"probe\", \"http://127.0.0.1:8460/healthz\"]
  graylane probe --ca ca.pem https://control.internal:8460/readyz

Exit codes:
  0  a status of 200 to 299 was answered
  1  another status, or no answer within two seconds
  2  wrong usage")]
pub struct Arguments {
    /// What to ask: `http://HOST:PORT/PATH`, or `https://`.
    #[arg(value_parser = Url::parse)]
    url: Url,
    #[command(flatten)]
    credentials: Credentials,
}

/// Asks, and says on stderr what is not well.
///
/// # Errors
/// No answer, or one that is no success.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Arguments { url, credentials } = arguments;
    let (scheme, Url { authority, target, .. }) = (if url.secure { "https" } else { "http" }, url);
    let told = |what: String| Failure::refused(format!("{scheme}://{authority}{target}: {what}"));
    let status = credentials.client(url)?.probe(DEADLINE).map_err(told)?;
    if status.is_success() {
        return Ok(ExitCode::SUCCESS);
    }
    Err(told(format!("found the status {status}, expected a status of 200 to 299")))
}
