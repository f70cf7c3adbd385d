//! Whether the slot by one salt says anything about the slot by another.

use graylane_rules::slot::{Domain, SLOTS, seed, slot};

use super::{Part, chi_square::Test, families::FAMILIES};

/// Classes of slots on each side.
const CLASSES: usize = 50;

/// Pairs that people have: names that differ in a letter, a percentage and a split of one rule, and unlike ones.
const PAIRS: [[(Domain, &str); 2]; 6] = [
    [(Domain::Percent, "checkout/login"), (Domain::Split, "checkout/login")],
    [(Domain::Split, "checkout/s1"), (Domain::Split, "checkout/s2")],
    [(Domain::Split, "checkout/login"), (Domain::Split, "search/login")],
    [(Domain::Percent, "a"), (Domain::Percent, "b")],
    [(Domain::Percent, "a"), (Domain::Percent, "aa")],
    [(Domain::Split, "2024-11"), (Domain::Percent, "checkout/rollout")],
];

/// A line for each pair, a p for each family.
pub(super) fn measured(identities: usize) -> Part {
    let freedom = (CLASSES - 1) * (CLASSES - 1);
    let mut text = format!(
        "Independence of two salts: the same identities in a table of {CLASSES} by {CLASSES}, chi-square with {freedom} degrees of \
         freedom, p\n{:<56}",
        "salts"
    );
    FAMILIES.iter().for_each(|family| text.push_str(&format!("{:>20}", family.name)));
    text.push('\n');
    let all: Vec<Vec<String>> = FAMILIES.iter().map(|family| family.identities(identities).collect()).collect();
    let mut passed = true;
    for pair in PAIRS {
        let [one, other] =
            pair.map(|(domain, salt)| format!("{} {salt}", if domain == Domain::Split { "split" } else { "percent" }));
        text.push_str(&format!("{:<56}", format!("{one}, {other}")));
        for family in &all {
            let test = independent(family, pair.map(|(domain, salt)| seed(domain, salt)));
            passed &= test.is_credible();
            text.push_str(&format!("{:>20}", test.shown()));
        }
        text.push('\n');
    }
    Part { text, passed }
}

/// Against what the sums of lines and columns would make of the cells.
fn independent(identities: &[String], seeds: [u64; 2]) -> Test {
    let mut cells = vec![[0f64; CLASSES]; CLASSES];
    for identity in identities {
        let [line, column] =
            seeds.map(|seed| (u64::from(slot(identity.as_bytes(), seed)) * CLASSES as u64 / u64::from(SLOTS)) as usize);
        cells[line][column] += 1.0;
    }
    let lines: Vec<f64> = cells.iter().map(|line| line.iter().sum()).collect();
    let columns: Vec<f64> = (0..CLASSES).map(|column| cells.iter().map(|line| line[column]).sum()).collect();
    let sum = identities.len() as f64;
    let expected = |line: usize, column: usize| lines[line] * columns[column] / sum;
    let pairs = (0..CLASSES).flat_map(|line| (0..CLASSES).map(move |column| (line, column)));
    Test::of(pairs.map(|(line, column)| (cells[line][column], expected(line, column))), 2 * CLASSES as u32 - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_salt_is_not_independent_of_itself() {
        let identities: Vec<_> = FAMILIES[0].identities(50_000).collect();
        let seed = seed(Domain::Split, "a");
        let same = independent(&identities, [seed, seed]);
        assert!(!same.is_credible(), "{same:?}");
    }
}
