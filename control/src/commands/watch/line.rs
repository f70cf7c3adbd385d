//! An event as a line.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::{
    duration::spoken,
    finding::one_line,
    status::{NodeStatus, Status},
};

/// The names of most events have this many letters at most.
const EVENT: usize = 13;

/// So wide a revision is: milliseconds since 1970, and a number that may grow.
const REVISION: usize = 18;

/// So wide an Envoy and its worker are, where the first are not there yet: a short name, and 16 letters at random.
const WHO: usize = 24;

/// So wide a column is at most; what is wider moves what follows it.
const WIDEST: usize = 80;

/// Lines whose columns stand below each other, as far as what comes can be known: whoever is there when it begins has room.
#[derive(Debug)]
pub struct Lines {
    colours: bool,
    revision: usize,
    who: usize,
}

impl Lines {
    /// None yet.
    pub fn new(colours: bool) -> Self {
        Self { colours, revision: REVISION, who: WHO }
    }

    /// Makes room for all who are there.
    pub fn make_room(&mut self, status: &Status) {
        let workers =
            |node: &NodeStatus| node.workers.iter().map(|worker| who(&node.id, &worker.id)).collect::<Vec<_>>();
        let widest = status.nodes.iter().flat_map(workers).map(|who| wide(&who)).max();
        self.who = self.who.max(widest.unwrap_or_default());
        self.revision = self.revision.max(status.revision.as_deref().map(wide).unwrap_or_default());
    }

    /// The line about `event`, which arrived at `at`.
    pub fn of(&mut self, event: &Value, at: Timestamp) -> String {
        let text = |name: &str| event.get(name).and_then(Value::as_str).map(one_line);
        let (name, revision) = (text("event").unwrap_or_default(), text("revision").unwrap_or_else(|| "-".to_owned()));
        let whose = match (text("node"), text("worker")) {
            (Some(node), Some(worker)) => who(&node, &worker),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "-".to_owned(),
        };
        self.revision = self.revision.max(wide(&revision));
        self.who = self.who.max(wide(&whose));
        let (revision_width, who_width) = (self.revision, self.who);
        let named = self.coloured(&name, &format!("{name:EVENT$}"));
        let detail = one_line(&detail(&name, event));
        let line = format!("{at:.3}  {named}  {revision:revision_width$}  {whose:who_width$}  {detail}");
        line.trim_end().to_owned()
    }

    fn coloured(&self, name: &str, text: &str) -> String {
        let colour = match name {
            "Published" => 1,
            "InEffect" => 32,
            "Refused" | "Cut" => 31,
            "SwitchChanged" => 33,
            _ => return text.to_owned(),
        };
        if self.colours { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}

fn who(node: &str, worker: &str) -> String {
    one_line(&format!("{node} {worker}"))
}

fn wide(text: &str) -> usize {
    text.chars().count().min(WIDEST)
}

/// What is said besides, in the order of how much it matters.
fn detail(name: &str, event: &Value) -> String {
    let text = |name: &str| event.get(name).and_then(Value::as_str).unwrap_or_default();
    match name {
        "Published" if text("actor").is_empty() => String::new(),
        "Published" => format!("{} by {}: {}", text("action"), text("actor"), text("reason")),
        "Acknowledged" => String::new(),
        "InEffect" => match event.get("seconds").and_then(Value::as_f64).map(Duration::try_from_secs_f64) {
            Some(Ok(took)) => format!("everywhere in {}", spoken(took)),
            _ => "everywhere".to_owned(),
        },
        "SwitchChanged" => {
            let (old, new) = (values(event.get("old")), values(event.get("new")));
            format!("{} of {}: {old} -> {new}", text("name"), text("ruleSet"))
        }
        "Refused" | "Cut" => text("why").to_owned(),
        // Of a later control plane: all of it, rather than nothing.
        _ => event.to_string(),
    }
}

/// The default of a switch, and the values of the variants that have another.
fn values(switch: Option<&Value>) -> String {
    let Some(default) = switch.and_then(|switch| switch.get("default")) else { return "none".to_owned() };
    let variants = switch.and_then(|switch| switch.get("variants")).and_then(Value::as_object);
    let variants: Vec<_> = variants.into_iter().flatten().map(|(name, value)| format!("{name}: {value}")).collect();
    if variants.is_empty() { default.to_string() } else { format!("{default} ({})", variants.join(", ")) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn columns_stand_below_each_other_and_nothing_drives_the_terminal() {
        let mut lines = Lines::new(false);
        let at: Timestamp = "2026-01-02T03:04:05.6789Z".parse().unwrap();
        let mut told = |event: Value| lines.of(&event, at);
        let published =
            json!({"event": "Published", "revision": "7.41", "action": "publish", "actor": "ann", "reason": "a\nb"});
        assert_eq!(
            told(published),
            format!("2026-01-02T03:04:05.678Z  Published      {:18}  {:24}  publish by ann: a\\nb", "7.41", "-")
        );
        let refused =
            json!({"event": "Refused", "revision": "7.41", "node": "edge-1", "worker": "0a", "why": "\u{1b}[2J"});
        assert_eq!(
            told(refused),
            format!("2026-01-02T03:04:05.678Z  Refused        {:18}  {:24}  {}", "7.41", "edge-1 0a", r"\u{1b}[2J")
        );
        let everywhere = json!({"event": "InEffect", "revision": "7.41", "seconds": 0.0042});
        assert_eq!(
            told(everywhere),
            format!("2026-01-02T03:04:05.678Z  InEffect       {:18}  {:24}  everywhere in 4.2 ms", "7.41", "-")
        );
        let switch = json!({"event": "SwitchChanged", "revision": "7.42", "ruleSet": "shop", "name": "limit", "type": "int",
                            "old": null, "new": {"default": 1, "variants": {"canary": 2}}});
        assert!(told(switch).ends_with("  limit of shop: none -> 1 (canary: 2)"));
        assert!(told(json!({"event": "Unheard", "of": 1})).ends_with("  {\"event\":\"Unheard\",\"of\":1}"));
        let line = Lines::new(true).of(&json!({"event": "Cut", "why": "slow"}), at);
        let cut = format!("\u{1b}[31mCut          \u{1b}[0m  {:18}  {:24}  slow", "-", "-");
        assert_eq!(line, format!("2026-01-02T03:04:05.678Z  {cut}"));
    }
}
