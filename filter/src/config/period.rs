//! Lengths of time, as `200ms` or `25s`.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

use super::quoted;

/// The period of a root's tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tick(pub Duration);

/// How long a question waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wait(pub Duration);

impl<'de> Deserialize<'de> for Tick {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let duration = duration(&text).filter(|tick| (10..=1000).contains(&tick.as_millis()));
        duration
            .map(Self)
            .ok_or_else(|| D::Error::custom(format!("tick: found {}, expected 10ms to 1s", quoted(&text))))
    }
}

impl<'de> Deserialize<'de> for Wait {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let whole = duration(&text).filter(|wait| wait.subsec_nanos() == 0 && (1..=60).contains(&wait.as_secs()));
        let expected = "whole seconds, 1s to 60s";
        whole.map(Self).ok_or_else(|| D::Error::custom(format!("wait: found {}, expected {expected}", quoted(&text))))
    }
}

/// Reads `200ms` or `25s`.
fn duration(text: &str) -> Option<Duration> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_lowercase());
    let number = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<u32>().ok()).flatten()?;
    match text.strip_prefix(digits)? {
        "ms" => Some(Duration::from_millis(number.into())),
        "s" => Some(Duration::from_secs(number.into())),
        _ => None,
    }
}
