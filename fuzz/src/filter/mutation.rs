//! Mutations of a script, line by line.

use super::{contents::CONFIGURATIONS, script};
use crate::draw::Draw;

/// libFuzzer's own mutation: buffer, size, most, new size.
type Any = fn(&mut [u8], usize, usize) -> usize;

/// Changes the `size` bytes in `buffer`, which has room for `most`; gives the new size.
pub fn mutate(buffer: &mut [u8], size: usize, most: usize, seed: u32, any: Any) -> usize {
    let mut draw = Draw::new(seed);
    if draw.one_in(3) {
        return any(buffer, size, most);
    }
    let mut lines: Vec<Vec<u8>> = buffer[..size].split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    for _ in 0..=draw.below(3) {
        change(&mut lines, &mut draw);
    }
    let script = lines.join(&b'\n');
    match buffer.get_mut(..script.len().min(most)) {
        Some(place) if script.len() <= most => {
            place.copy_from_slice(&script);
            script.len()
        }
        _ => any(buffer, size, most),
    }
}

fn change(lines: &mut Vec<Vec<u8>>, draw: &mut Draw) {
    let at = draw.below(lines.len() + 1);
    let other = draw.below(lines.len());
    match draw.below(8) {
        0 | 1 => lines.insert(at, made_up(draw)),
        2 if lines.len() > 1 => _ = lines.remove(other),
        3 => {
            let line = lines[other].clone();
            lines.insert(at, line);
        }
        4 if at < lines.len() => lines.swap(at, other),
        5 => {
            let end = (other + 1 + draw.below(8)).min(lines.len());
            let block = lines[other..end].to_vec();
            lines.splice(at..at, block);
        }
        _ => another_number(&mut lines[other], draw),
    }
}

/// Replaces one number of a line.
fn another_number(line: &mut Vec<u8>, draw: &mut Draw) {
    let words: Vec<&[u8]> = line.split(|&byte| byte == b' ').collect();
    let numbers: Vec<usize> = (1..words.len())
        .filter(|&place| words[place].iter().all(u8::is_ascii_digit) && !words[place].is_empty())
        .collect();
    if numbers.is_empty() {
        return;
    }
    let place = *draw.of(&numbers);
    let number = number(draw).into_bytes();
    let words: Vec<&[u8]> =
        words.iter().enumerate().map(|(at, word)| if at == place { &number[..] } else { word }).collect();
    *line = words.join(&b' ');
}

fn number(draw: &mut Draw) -> String {
    match draw.below(10) {
        0 => u64::MAX.to_string(),
        1 => draw.below(5_000).to_string(),
        _ => draw.below(6).to_string(),
    }
}

/// A line with numbers in it that mean something mostly.
fn made_up(draw: &mut Draw) -> Vec<u8> {
    let mut line = String::new();
    let template = draw.of(&script::TEMPLATES);
    for part in template.split_inclusive('#') {
        line.push_str(part.trim_end_matches('#'));
        if part.ends_with('#') {
            line.push_str(&number(draw));
        }
    }
    let keys = ["p", "l", "a", "b", "c", "d", "e", "g"];
    for _ in 0..2 {
        line = line.replacen("KEY", draw.of::<&str>(&keys), 1);
    }
    line = line.replace("CONFIG", draw.of(&CONFIGURATIONS).name);
    line.replace("CALL", draw.of::<&str>(&script::REFUSABLE)).into_bytes()
}
