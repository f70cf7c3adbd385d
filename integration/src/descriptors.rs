//! The descriptors of Envoy's API that an Envoy carries within itself.
//!
//! Generated code registers each .proto file of C++ as the bytes of its `FileDescriptorProto`, which stand in the binary as they are. They are
//! found by how one begins: a field `name` (1), whose text ends in `.proto`; they end behind the field `syntax` (12), or where no field of a
//! file follows.

use std::collections::BTreeMap;

/// The `FileDescriptorSet` of all files in `binary`, by name.
pub fn extract(binary: &[u8]) -> Vec<u8> {
    let mut files: BTreeMap<&str, &[u8]> = BTreeMap::new();
    for at in memchr::memmem::find_iter(binary, b".proto") {
        let Some((name, file)) = file_around(binary, at) else { continue };
        // A descriptor may also stand where it is only mentioned: the longest is the file.
        let known = files.entry(name).or_default();
        if file.len() > known.len() {
            *known = file;
        }
    }
    let mut set = Vec::new();
    for file in files.values() {
        set.push(0x0a);
        write_number(&mut set, file.len());
        set.extend_from_slice(file);
    }
    set
}

/// The file whose name ends at `end`, if one begins there.
fn file_around(binary: &[u8], end: usize) -> Option<(&str, &[u8])> {
    let end = end + b".proto".len();
    let is_name = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_-./".contains(byte);
    let begin = binary[..end].iter().rposition(|byte| !is_name(byte))? + 1;
    // The length may itself be a letter that a name has.
    for begin in begin..end {
        let length = end - begin;
        if begin >= 2 && length < 128 && binary[begin - 2] == 0x0a && usize::from(binary[begin - 1]) == length {
            let rest = fields(binary, end);
            let name = std::str::from_utf8(&binary[begin..end]).ok()?;
            return (rest > end).then(|| (name, &binary[begin - 2..rest]));
        }
    }
    None
}

/// Where the fields of a `FileDescriptorProto` behind its name end.
fn fields(binary: &[u8], mut at: usize) -> usize {
    let mut last = 1;
    while let Some((tag, value)) = read_number(binary, at) {
        let (field, kind) = (tag >> 3, tag & 7);
        let repeated = matches!(field, 3..=7 | 10 | 11);
        if field < last || (field == last && !repeated) || !matches!(field, 2..=8 | 10..=12) {
            break;
        }
        let next = match kind {
            0 => read_number(binary, value).map(|(_, next)| next),
            2 => read_number(binary, value).and_then(|(length, next)| next.checked_add(length)),
            _ => None,
        };
        let Some(next) = next.filter(|&next| next <= binary.len()) else { break };
        (at, last) = (next, field);
        if field == 12 {
            break;
        }
    }
    at
}

fn read_number(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut number = 0_usize;
    for shift in (0..35).step_by(7) {
        let byte = *bytes.get(at)?;
        at += 1;
        number |= usize::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some((number, at));
        }
    }
    None
}

fn write_number(bytes: &mut Vec<u8>, mut number: usize) {
    while number >= 0x80 {
        bytes.push(u8::try_from(number & 0x7f).expect("seven bits") | 0x80);
        number >>= 7;
    }
    bytes.push(u8::try_from(number).expect("seven bits"));
}
