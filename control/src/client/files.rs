//! Answers and requests that are too long for memory: backups.

use std::{
    convert::Infallible,
    fs::File,
    io::{Read as _, Write},
    time::Duration,
};

use futures_util::stream;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::{
    Method, Request, StatusCode,
    body::{Bytes, Frame, Incoming},
    header,
};

use super::{ANSWER_LIMIT, Client, block_on, whole};

/// So long it may take until an answer begins: what is asked for is made first, and all of it read again.
const BEGIN: Duration = Duration::from_secs(1_800);

/// So long the next bytes may take.
const STALL: Duration = Duration::from_secs(60);

/// The longest that an upload may take, with its answer.
const UPLOAD: Duration = Duration::from_secs(3_600);

/// So many bytes are read from a file at once.
const CHUNK: usize = 256 << 10;

impl Client {
    /// Asks for `path`, and writes the body of a success into `output`: the status, and the body of anything else.
    ///
    /// # Errors
    /// Why there was no whole answer.
    pub fn download(&self, path: &str, output: &mut impl Write) -> Result<(StatusCode, Bytes), String> {
        let request = self.request(Method::GET, &self.target(path), None)?;
        block_on(Duration::MAX, async {
            let begun = tokio::time::timeout(BEGIN, self.send(request)).await;
            let begun = begun.map_err(|_| format!("found no answer within {BEGIN:?}, expected one"))??;
            let (head, body) = begun.into_parts();
            if !head.status.is_success() {
                return Ok((head.status, whole(body, ANSWER_LIMIT).await?));
            }
            taken(body, output).await?;
            Ok((head.status, Bytes::new()))
        })
    }

    /// Posts what is in `file`, from where it stands, to `path`: status and body of the answer.
    ///
    /// # Errors
    /// Why there was no whole answer, or that the file could not be read.
    pub fn upload(&self, path: &str, media_type: &str, file: File) -> Result<(StatusCode, Bytes), String> {
        let length = file.metadata().map_err(|why| why.to_string())?.len();
        let request: Request<_> = self
            .head(Method::POST, &self.target(path))
            .header(header::CONTENT_TYPE, media_type)
            .header(header::CONTENT_LENGTH, length)
            .body(StreamBody::new(frames(file)))
            .map_err(|why| why.to_string())?;
        block_on(UPLOAD, async {
            let (head, body) = self.send(request).await?.into_parts();
            Ok((head.status, whole(body, ANSWER_LIMIT).await?))
        })
    }
}

async fn taken(mut body: Incoming, output: &mut impl Write) -> Result<(), String> {
    loop {
        let next = tokio::time::timeout(STALL, body.frame()).await;
        let next = next.map_err(|_| format!("found nothing more for {STALL:?}, expected the rest"))?;
        let Some(frame) = next else { return Ok(()) };
        let frame = frame.map_err(|why| format!("found an answer that broke off ({why}), expected all of it"))?;
        if let Ok(bytes) = frame.into_data() {
            output.write_all(&bytes).map_err(|why| why.to_string())?;
        }
    }
}

/// What is in a file. Where it cannot be read to its end the body is too short, which whoever gets it finds out.
fn frames(file: File) -> impl stream::Stream<Item = Result<Frame<Bytes>, Infallible>> {
    stream::unfold(file, |mut file| async move {
        let mut chunk = vec![0; CHUNK];
        let length = file.read(&mut chunk).ok().filter(|length| *length > 0)?;
        chunk.truncate(length);
        Some((Ok(Frame::data(Bytes::from(chunk))), file))
    })
}
