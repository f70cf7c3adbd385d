//! Server-sent events, out of pieces that end anywhere.

/// The longest event, in bytes: one is a line about one worker or one switch.
const LIMIT: usize = 4 << 20;

/// What arrived, and is no whole event yet.
#[derive(Debug, Default)]
pub struct Decoder {
    pending: Vec<u8>,
}

impl Decoder {
    /// The data of each event that is whole with `bytes`. Comments, by which a server shows that it lives, are none.
    ///
    /// # Errors
    /// Where an event does not end.
    pub fn take(&mut self, bytes: &[u8]) -> Result<Vec<String>, String> {
        self.pending.extend_from_slice(bytes);
        let mut told = Vec::new();
        while let Some(end) = self.pending.windows(2).position(|pair| pair == b"\n\n") {
            let event: Vec<u8> = self.pending.drain(..end.saturating_add(2)).collect();
            told.extend(data(&String::from_utf8_lossy(&event)));
        }
        if self.pending.len() > LIMIT {
            return Err(format!("found an event of more than {LIMIT} bytes, expected a shorter one"));
        }
        Ok(told)
    }
}

fn data(event: &str) -> Option<String> {
    let lines = event.lines().filter_map(|line| line.strip_prefix("data:"));
    let lines: Vec<_> = lines.map(|line| line.strip_prefix(' ').unwrap_or(line)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_are_whole_wherever_the_pieces_end() {
        let stream = b":\n\nevent: A\ndata: {\"a\":1}\n\n: alive\n\nevent: B\ndata: {\ndata: }\n\ndata: rest";
        for size in 1..stream.len() {
            let mut decoder = Decoder::default();
            let told: Vec<_> = stream.chunks(size).flat_map(|piece| decoder.take(piece).unwrap()).collect();
            assert_eq!(told, ["{\"a\":1}", "{\n}"], "{size}");
        }
        assert!(Decoder::default().take(&vec![b'x'; LIMIT + 1]).unwrap_err().starts_with("found an event of more"));
    }
}
