//! Envelopes: whatever opens can be sealed again, and what is signed says all of it.

use graylane_rules::envelope::{self, Head};

use crate::draw::Draw;

/// The longest first line that is read, in bytes.
const HEAD_LIMIT: usize = 4096;

/// Opens any bytes, and panics where a promise is broken.
pub fn check(input: &[u8]) {
    let Ok((head, snapshot)) = envelope::open(input) else { return };
    assert!(snapshot.len() == head.length && envelope::digest(snapshot) == head.sha256, "{head:?}");
    assert!(input.ends_with(snapshot) && input.len() <= envelope::LIMIT);
    assert_eq!(signed_fields(&head.signed_text()), fields(&head), "what is signed says something else");
    let again = head.seal(snapshot);
    // Fields that were left out are written out, so a line may outgrow what is read.
    if again.len() - snapshot.len() <= HEAD_LIMIT {
        assert_eq!(envelope::open(&again), Ok((head, snapshot)), "{}", again.escape_ascii());
    }
}

/// Every field that is signed, as text.
fn fields(head: &Head) -> Vec<String> {
    let numbers = [head.issued, head.expires, head.format.into(), head.length as u64].map(|number| number.to_string());
    let mut fields = vec![head.namespace.clone(), format!("{}.{}", head.epoch, head.revision)];
    fields.extend(numbers);
    fields.push(head.sha256.clone());
    fields
}

/// The same, read back from the text: as long as this works for every head, no two heads have one text.
fn signed_fields(text: &str) -> Vec<String> {
    let lines = text.strip_prefix("graylane snapshot signature 1\n").and_then(|text| text.strip_suffix('\n'));
    lines.expect("a first line, and an end").split('\n').map(unescaped).collect()
}

fn unescaped(line: &str) -> String {
    let mut letters = line.chars();
    let mut text = String::new();
    while let Some(letter) = letters.next() {
        text.push(match (letter, letter == '\\') {
            (_, true) if letters.next() == Some('n') => '\n',
            (letter, _) => letter,
        });
    }
    text
}

/// Changes an envelope by `any`, libFuzzer's own mutation, and mostly makes its length and SHA-256 right again: else
/// nothing would ever get behind them.
pub fn mutate(
    buffer: &mut [u8],
    size: usize,
    most: usize,
    seed: u32,
    any: fn(&mut [u8], usize, usize) -> usize,
) -> usize {
    let mut draw = Draw::new(seed);
    let size = any(buffer, size, most);
    if draw.one_in(8) {
        return size;
    }
    let mended = mend(&buffer[..size]);
    match buffer.get_mut(..mended.len().min(most)) {
        Some(place) if mended.len() <= most => {
            place.copy_from_slice(&mended);
            mended.len()
        }
        _ => size,
    }
}

/// The envelope with the length and the SHA-256 of what stands behind its first line.
fn mend(envelope: &[u8]) -> Vec<u8> {
    let Some(end) = envelope.iter().position(|&byte| byte == b'\n') else { return envelope.to_vec() };
    let (line, rest) = envelope.split_at(end);
    let snapshot = &rest[1..];
    let line = replaced(line, b"\"length\":", snapshot.len().to_string().as_bytes());
    let line = replaced(&line, b"\"sha256\":", format!("\"{}\"", envelope::digest(snapshot)).as_bytes());
    [&line, rest].concat()
}

/// `line` with `value` between `key` and the comma or brace behind it.
fn replaced(line: &[u8], key: &[u8], value: &[u8]) -> Vec<u8> {
    let Some(at) = line.windows(key.len()).position(|window| window == key) else { return line.to_vec() };
    let (before, after) = line.split_at(at + key.len());
    let end = after.iter().position(|byte| b",}".contains(byte)).unwrap_or(after.len());
    [before, value, &after[end..]].concat()
}
