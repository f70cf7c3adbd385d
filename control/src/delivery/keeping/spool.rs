//! Files without a name, that hold a backup between the store and the network: either may be slower than the other.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
    time::Duration,
};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures_util::{StreamExt as _, stream};
use tokio::sync::Semaphore;

use crate::delivery::problem::Problem;

/// The longest backup that is taken in, in bytes.
const LIMIT: u64 = 16 << 30;

/// So many bytes are read at once.
const CHUNK: usize = 256 << 10;

/// So long the next bytes of one may take.
const STALL: Duration = Duration::from_secs(30);

/// So many are taken in at once: each may fill a disk.
const AT_ONCE: usize = 2;

static UPLOADS: Semaphore = Semaphore::const_new(AT_ONCE);

/// An empty one.
pub fn file() -> Result<File, Problem> {
    tempfile::tempfile().map_err(|why| failed(&why))
}

/// That it cannot be used, which is about this machine alone.
pub fn failed(why: &io::Error) -> Problem {
    let place = std::env::temp_dir();
    let detail =
        format!("a file in {}: {why}; expected a directory with room for a backup, by TMPDIR", place.display());
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, detail)
}

/// One with all of a body.
pub async fn write(body: Body) -> Result<File, Problem> {
    let _one = UPLOADS.try_acquire().map_err(|_| {
        let detail = format!("found {AT_ONCE} backups that are taken in already, expected fewer: ask again later");
        Problem::new(StatusCode::TOO_MANY_REQUESTS, detail)
    })?;
    let mut file = file()?;
    let mut length: u64 = 0;
    let mut body = body.into_data_stream();
    let stalled = |_| {
        let detail = format!("found nothing more of the body for {STALL:?}, expected all of a backup");
        Problem::new(StatusCode::REQUEST_TIMEOUT, detail)
    };
    while let Some(bytes) = tokio::time::timeout(STALL, body.next()).await.map_err(stalled)? {
        let bytes = bytes.map_err(|_| {
            Problem::new(StatusCode::BAD_REQUEST, "found a body that broke off, expected a whole backup")
        })?;
        length = length.saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
        if length > LIMIT {
            let detail = format!("found a longer body, expected a backup of at most {LIMIT} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, detail));
        }
        // Into memory, as good as always.
        file.write_all(&bytes).map_err(|why| failed(&why))?;
    }
    file.rewind().map_err(|why| failed(&why))?;
    Ok(file)
}

/// What is in it, from where it stands.
pub fn read(file: File) -> impl stream::Stream<Item = io::Result<Bytes>> {
    stream::unfold(Some(file), |file| async move {
        let mut file = file?;
        let read = tokio::task::spawn_blocking(move || {
            let mut chunk = vec![0; CHUNK];
            let length = file.read(&mut chunk)?;
            chunk.truncate(length);
            Ok((chunk, file))
        });
        match read.await.map_err(io::Error::other).flatten() {
            Ok((chunk, _)) if chunk.is_empty() => None,
            Ok((chunk, file)) => Some((Ok(Bytes::from(chunk)), Some(file))),
            // The connection breaks off, and what was sent is known to be no whole backup.
            Err(why) => Some((Err(why), None)),
        }
    })
}
