//! The keys that `serve` signs with: read when it begins, and again when it is told to.

use std::{path::PathBuf, time::Duration};

use crate::{
    duration,
    failure::Failure,
    finding::Finding,
    keys::Keyring,
    namespace::{About, Namespace},
    sealer::Sealer,
};

/// The shortest and the longest an envelope may be accepted. It is signed anew after half of that: not for each poll.
const SHORTEST: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(366 * 86_400);

/// How envelopes are signed.
#[derive(Debug, clap::Args)]
pub struct Signing {
    /// Sign what is delivered with the Ed25519 key in this file, or with all in the *.pem of a directory; a key's id is
    /// its file's name without .pem. Repeat it, and every one of up to 8 keys signs. SIGHUP has them read again: other
    /// keys need no restart and make no new revision; if one cannot be used, all stay as they are. A file that others
    /// than its owner can use is refused, but a group may read it. Not given: nothing is signed.
    #[arg(long = "signing-key", value_name = "FILE|DIR")]
    keys: Vec<PathBuf>,
    /// How long a signed envelope may be accepted, by the clock of each Envoy's host: 30s, 90m, 24h, 7d. It is signed
    /// anew when half of that has passed, so an Envoy's clock may be wrong by the other half. What runs never expires.
    #[arg(long, value_name = "DURATION", default_value = "24h", requires = "keys", value_parser = validity)]
    valid_for: Duration,
}

fn validity(text: &str) -> Result<Duration, String> {
    let found = duration::parse(text).filter(|found| (SHORTEST..=LONGEST).contains(found));
    found.ok_or_else(|| {
        // For ever is not offered: whoever once recorded an envelope could give it to each new Envoy.
        "expected a number and one of s, m, h, d, from 2s to 366d, such as 24h".to_owned()
    })
}

impl Signing {
    /// What seals with these keys.
    ///
    /// # Errors
    /// Every file of which no key can be had.
    pub fn sealer(&self) -> Result<Sealer, Failure> {
        let keyring = Keyring::read(&self.keys);
        let keyring = keyring.map_err(|problems| Failure::unable(format!("--signing-key: {}", problems.join("\n"))))?;
        Ok(Sealer::new(keyring, self.valid_for))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Reads the keys again. Those that cannot be used change nothing.
    pub fn read_again(&self, namespace: &Namespace) {
        match Keyring::read(&self.keys) {
            Ok(keyring) => {
                let ids = keyring.ids().collect::<Vec<_>>().join(", ");
                namespace.sealer.replace(keyring);
                namespace.replace_problems(About::Keys, Vec::new());
                tracing::info!("SIGHUP: signing keys read again, signing with {ids}");
            }
            Err(problems) => {
                let kept = namespace.sealer.keyring().ids().collect::<Vec<_>>().join(", ");
                tracing::error!("SIGHUP: signing with {kept} as before: {}", problems.join("; "));
                let found = problems.iter().map(|problem| Finding::of_file(problem, "signing-key", "--signing-key"));
                namespace.replace_problems(About::Keys, found.collect());
            }
        }
    }
}
