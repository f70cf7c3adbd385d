//! Whether the identities of a family spread evenly over the slots.

use graylane_rules::slot::{Domain, SLOTS, seed, slot};

use super::{Part, chi_square::Test, families::FAMILIES};

/// Neighbouring slots that are counted together.
const CLASS: u32 = 100;

/// What the slots are drawn by.
const SALTS: [(Domain, &str); 4] = [
    (Domain::Split, "checkout/login"),
    (Domain::Percent, "checkout/login"),
    (Domain::Split, "a"),
    (Domain::Percent, "search/new-ranking-2024"),
];

/// A line for each family, a p for each salt.
pub(super) fn measured(identities: usize) -> Part {
    let classes = SLOTS / CLASS;
    let mut text = format!(
        "Uniformity: {identities} identities of each family over {classes} classes of {CLASS} slots, chi-square with {} degrees \
         of freedom\n{:<20}{:<40}",
        classes - 1,
        "family",
        "such as"
    );
    for (domain, salt) in SALTS {
        text.push_str(&format!("  p, {} {salt}", if domain == Domain::Split { "split" } else { "percent" }));
    }
    text.push('\n');
    let mut passed = true;
    for family in &FAMILIES {
        let all: Vec<String> = family.identities(identities).collect();
        text.push_str(&format!("{:<20}{:<40}", family.name, all.last().map_or("", String::as_str)));
        for (domain, salt) in SALTS {
            let test = uniform(&all, seed(domain, salt));
            passed &= test.is_credible();
            let width = salt.len() + if domain == Domain::Split { 11 } else { 13 };
            text.push_str(&format!("{:>width$}", test.shown()));
        }
        text.push('\n');
    }
    Part { text, passed }
}

fn uniform(identities: &[String], seed: u64) -> Test {
    let mut counts = vec![0u32; (SLOTS / CLASS) as usize];
    for identity in identities {
        counts[(slot(identity.as_bytes(), seed) / CLASS) as usize] += 1;
    }
    let expected = identities.len() as f64 / counts.len() as f64;
    Test::of(counts.into_iter().map(|count| (f64::from(count), expected)), 1)
}
