//! The number of a published revision.

use std::{fmt, str::FromStr};

/// The number of something published, ordered by epoch first.
///
/// A worker's revision only grows. A new epoch begins where the count cannot be continued
/// (a restarted directory server, a restored backup).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Revision {
    /// Which count this number belongs to; later epochs win.
    pub epoch: u64,
    /// The number within the epoch, from 1.
    pub number: u64,
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.epoch, self.number)
    }
}

/// What is wrong with the text of a revision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidRevision;

impl fmt::Display for InvalidRevision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a revision as <epoch>.<number>, both decimal, such as 1732450000.7")
    }
}

impl std::error::Error for InvalidRevision {}

impl FromStr for Revision {
    type Err = InvalidRevision;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (epoch, number) = text.split_once('.').ok_or(InvalidRevision)?;
        let decimal = |digits: &str| {
            let plain = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            plain.then(|| digits.parse().ok()).flatten().ok_or(InvalidRevision)
        };
        Ok(Self { epoch: decimal(epoch)?, number: decimal(number)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_goes_both_ways_and_nothing_else_is_taken() {
        let revision = Revision { epoch: 1_732_450_000, number: 7 };
        assert_eq!(revision.to_string().parse(), Ok(revision));
        for wrong in ["", "7", "1.", ".1", "1.2.3", "+1.2", "1.-2", "1 .2", "1.99999999999999999999"] {
            assert_eq!(wrong.parse::<Revision>(), Err(InvalidRevision), "{wrong}");
        }
    }

    #[test]
    fn a_later_epoch_wins_over_any_number() {
        assert!(Revision { epoch: 2, number: 1 } > Revision { epoch: 1, number: 900 });
    }
}
