//! `graylane probe`: a health check for images without a shell.

use std::{
    io::{self, Read as _, Write as _},
    net::{TcpStream, ToSocketAddrs as _},
    process::ExitCode,
    time::{Duration, Instant},
};

use crate::{failure::Failure, url::Url};

/// The whole probe takes no longer.
const DEADLINE: Duration = Duration::from_secs(2);

/// The longest status line that is read, in bytes.
const LINE_LIMIT: u64 = 1024;

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
    #[arg(value_parser = plain_url)]
    url: Url,
}

fn plain_url(text: &str) -> Result<Url, String> {
    let url = Url::parse(text)?;
    if url.secure {
        return Err("expected http://: a probe does not encrypt".to_owned());
    }
    Ok(url)
}

/// Asks, and says on stderr what is not well.
///
/// # Errors
/// No answer, or one that is no success.
pub fn run(arguments: &Arguments) -> Result<ExitCode, Failure> {
    let Url { authority, target, .. } = &arguments.url;
    let line = ask(authority, target).map_err(|why| Failure::refused(format!("http://{authority}{target}: {why}")))?;
    let well = line.strip_prefix("HTTP/1.").and_then(|rest| rest.split(' ').nth(1)).is_some_and(is_success);
    if well {
        return Ok(ExitCode::SUCCESS);
    }
    let message = format!("http://{authority}{target}: found {line:?}, expected a status of 200 to 299");
    Err(Failure::refused(message))
}

fn is_success(status: &str) -> bool {
    status.len() == 3 && status.starts_with('2')
}

/// The first line of the answer.
fn ask(authority: &str, target: &str) -> io::Result<String> {
    let deadline = Instant::now().checked_add(DEADLINE);
    let left =
        || deadline.map_or(DEADLINE, |end| end.saturating_duration_since(Instant::now()).max(Duration::from_millis(1)));
    let port = if authority.rsplit_once(':').is_some_and(|(_, port)| !port.contains(']')) { "" } else { ":80" };
    let addresses = format!("{authority}{port}").to_socket_addrs()?;
    let mut connection = Err(io::Error::other("found no address for the host"));
    for address in addresses {
        connection = TcpStream::connect_timeout(&address, left());
        if connection.is_ok() {
            break;
        }
    }
    let mut connection = connection?;
    connection.set_write_timeout(Some(left()))?;
    let request = format!(
        "GET {target} HTTP/1.1\r\nhost: {authority}\r\nconnection: close\r\nuser-agent: graylane-probe\r\n\r\n"
    );
    connection.write_all(request.as_bytes())?;
    first_line(&mut connection, left)
}

fn first_line(connection: &mut TcpStream, left: impl Fn() -> Duration) -> io::Result<String> {
    let mut line = Vec::new();
    let mut part = [0; 256];
    while !line.contains(&b'\n') && (line.len() as u64) < LINE_LIMIT {
        // Set anew each time: a drip of bytes must not outlast the deadline.
        connection.set_read_timeout(Some(left()))?;
        let count = connection.read(&mut part)?;
        if count == 0 {
            break;
        }
        line.extend_from_slice(part.get(..count).unwrap_or_default());
    }
    let text = String::from_utf8_lossy(&line);
    Ok(text.lines().next().unwrap_or_default().to_owned())
}
