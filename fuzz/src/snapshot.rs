//! Snapshots: whatever loads decides, explains and ends.

mod layout;
mod mutation;

use graylane_rules::{Snapshot, fuzzing::SECTION_HEADER, owned};

use crate::{
    agreement,
    request::{Echo, Written},
    shares,
};
pub use mutation::mutate;

/// Loads any bytes, and panics where a promise is broken.
pub fn check(input: &[u8]) {
    let Ok(snapshot) = Snapshot::load(input.to_vec()) else { return };
    assert_eq!(snapshot.bytes(), input);
    assert!(layout::sections_length(input) <= input.len(), "sections that overlap are checked once each: no bound");
    for name in snapshot.header_names() {
        assert!(str::from_utf8(name).is_ok_and(|name| owned::check(name).is_ok()), "{name:?}");
    }
    assert!(snapshot.rule_sets().count() <= input.len() / SECTION_HEADER);
    shares::check_formats(&snapshot);
    let written = Written::read(b"GET /shop/x?q=b&preview=1 b.example:80\nx-a: b\nx-user: 7\ncookie: uid=B; lane=gray");
    ask(&snapshot, &written);
    for salt in 0..3 {
        let echo = Echo::of(input, salt);
        ask(&snapshot, &echo);
        // Decided twice, explained once: that walks four times, and asks twice for what it shows.
        assert!(echo.asked() <= 8 * (1 + layout::records(input)), "asked for {} headers", echo.asked());
        shares::check(&snapshot, &echo);
    }
}

fn ask(snapshot: &Snapshot, request: &impl graylane_rules::Attributes) {
    let (outcomes, lines) = agreement::decide(snapshot, request);
    // A line for each scope tried, each test asked, each rule, each header set, and a few more for each variant header.
    let bound = 8 * (1 + layout::records(snapshot.bytes()));
    assert!(lines <= bound, "{lines} lines of explanation, and {bound} were more than enough");
    for outcome in outcomes {
        for (name, value) in outcome.set {
            assert!(str::from_utf8(&value).is_ok_and(|value| owned::check_value(value).is_ok()), "{name:?}: {value:?}");
        }
    }
}
