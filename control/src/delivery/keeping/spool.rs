//! Files without a name, that hold a backup between the store and the network: either may be slower than the other.

use std::{
    fs::File,
    io::{self, Read as _, Seek as _, Write as _},
};

use axum::{
    body::{Body, Bytes},
    http::StatusCode,
};
use futures_util::{StreamExt as _, stream};

use crate::delivery::problem::Problem;

/// The longest backup that is taken in, in bytes.
const LIMIT: u64 = 16 << 30;

/// So many bytes are read at once.
const CHUNK: usize = 256 << 10;

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
    let mut file = file()?;
    let mut length: u64 = 0;
    let mut body = body.into_data_stream();
    while let Some(bytes) = body.next().await {
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
