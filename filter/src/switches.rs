//! Switches as this Envoy hands them on: as they were published, under what its own configuration and environment say.

use graylane_rules::{
    Decision, Snapshot,
    switches::{Overrides, SwitchOverlay},
};

use crate::host;

/// The variable of the environment that overrides switches, where Envoy's configuration hands it to the VM.
const VARIABLE: &str = "GRAYLANE_SWITCHES";

/// The overrides of a filter, and what they make of the rules in use.
#[derive(Debug, Default)]
pub struct Switches {
    overrides: Overrides,
    overlay: SwitchOverlay,
    /// What is wrong with the environment's.
    malformed: Option<String>,
    /// Those that take no effect in the rules in use, and why.
    refused: Vec<String>,
}

impl Switches {
    /// Overrides that are `configured`, which win over those of the environment. What is wrong with these is no reason to
    /// refuse a configuration: it is told.
    pub fn new(configured: Overrides) -> Self {
        let (from_environment, malformed) = match environment() {
            Ok(overrides) => (overrides, None),
            Err(why) => {
                log::error!("{why}; nothing of it takes effect");
                (Overrides::default(), Some(why))
            }
        };
        Self { overrides: from_environment.under(configured), malformed, ..Self::default() }
    }

    /// Lays the overrides over the rules in use, and says once which of them take no effect.
    pub fn lay_over(&mut self, snapshot: &Snapshot) {
        let (overlay, refused) = snapshot.overlay(&self.overrides);
        let refused: Vec<_> = refused.iter().map(ToString::to_string).collect();
        self.overlay = overlay;
        if refused != self.refused {
            refused.iter().for_each(|why| log::warn!("an override of a switch takes no effect: {why}"));
            self.refused = refused;
        }
    }

    /// The switches that the upstream gets with `decision`, a decision by the rules in use.
    pub fn text<'a>(&'a self, decision: &Decision<'a>) -> Option<&'a [u8]> {
        self.overlay.text(decision)
    }

    /// How many overrides take no effect; a text that is not in the form counts as one.
    pub fn ineffective(&self) -> usize {
        self.refused.len().saturating_add(usize::from(self.malformed.is_some()))
    }

    /// Which take no effect, and why; None where all do.
    pub fn complaint(&self) -> Option<String> {
        let all: Vec<_> = self.malformed.iter().chain(&self.refused).map(String::as_str).collect();
        (!all.is_empty()).then(|| format!("overrides of switches that take no effect: {}", all.join("; ")))
    }
}

fn environment() -> Result<Overrides, String> {
    let Some(bytes) = host::environment(VARIABLE) else { return Ok(Overrides::default()) };
    let text =
        str::from_utf8(&bytes).map_err(|_| format!("{VARIABLE}: found bytes that are not UTF-8, expected text"))?;
    Overrides::parse(text).map_err(|why| format!("{VARIABLE}: {why}"))
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Format, Source, compile};

    use super::*;
    use crate::host::fake::host;

    fn snapshot() -> Snapshot {
        let text = r#"{"apiVersion": "graylane.dev/v1", "kind": "RuleSet", "metadata": {"name": "shop"}, "spec": {
            "variants": ["a", "b"], "default": "a",
            "switches": {"flag": {"type": "string", "default": "v1", "variants": {"b": "v2"}},
                         "limit": {"type": "float", "default": 0.3}}}}"#;
        let compiled = compile(&[Source { format: Format::Json, text: text.as_bytes() }]).unwrap();
        Snapshot::load(compiled.snapshot).unwrap()
    }

    struct Anybody;

    impl graylane_rules::Attributes for Anybody {
        fn method(&self) -> Option<&[u8]> {
            None
        }
        fn target(&self) -> Option<&[u8]> {
            None
        }
        fn authority(&self) -> Option<&[u8]> {
            None
        }
        fn headers<'a>(&'a self, _: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
            std::iter::empty()
        }
    }

    fn told(switches: &Switches, snapshot: &Snapshot) -> String {
        let decision = snapshot.decide(&Anybody).next().unwrap();
        String::from_utf8_lossy(switches.text(&decision).unwrap()).into_owned()
    }

    #[test]
    fn the_configuration_wins_over_the_environment_and_both_over_the_rules() {
        let snapshot = snapshot();
        let mut plain = Switches::new(Overrides::default());
        plain.lay_over(&snapshot);
        assert_eq!((told(&plain, &snapshot).as_str(), plain.ineffective()), (r#"flag="v1", limit=0.3"#, 0));
        host(|host| host.environment.insert(VARIABLE.to_owned(), b"gray.flag=env,gray.limit=1".to_vec()));
        let mut both = Switches::new(Overrides::parse("gray.flag=own").unwrap());
        both.lay_over(&snapshot);
        assert_eq!((told(&both, &snapshot).as_str(), both.complaint()), (r#"flag="own", limit=1.0"#, None));
    }

    #[test]
    fn what_takes_no_effect_is_told_once_and_the_rest_takes_effect() {
        crate::logger::install();
        let snapshot = snapshot();
        let mut switches = Switches::new(Overrides::parse("gray.limit=fast,gray.flag=own,gray.gone=1").unwrap());
        switches.lay_over(&snapshot);
        assert_eq!((told(&switches, &snapshot).as_str(), switches.ineffective()), (r#"flag="own", limit=0.3"#, 2));
        let complaint = switches.complaint().unwrap();
        let expected = "overrides of switches that take no effect: gray.limit: found \"fast\", expected a number of at most 12 \
                        digits, and 3 behind the point; gray.gone: found a switch that no rule set has, expected one of flag, limit";
        assert_eq!(complaint, expected);
        switches.lay_over(&snapshot);
        assert_eq!(host(|host| host.log.iter().filter(|line| line.contains("takes no effect")).count()), 2);
    }

    #[test]
    fn an_environment_that_is_not_in_the_form_is_told() {
        for (given, said) in [(&b"flag=1"[..], "byte 0: found \"flag\""), (b"\xff", "found bytes that are not UTF-8")] {
            host(|host| host.environment.insert(VARIABLE.to_owned(), given.to_vec()));
            let switches = Switches::new(Overrides::default());
            let complaint = switches.complaint().unwrap();
            assert!(complaint.contains("GRAYLANE_SWITCHES: ") && complaint.contains(said), "{complaint}");
            assert_eq!(switches.ineffective(), 1);
        }
    }
}
