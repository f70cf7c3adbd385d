//! From what is remembered and what documents say to what is to be remembered.

use graylane_rules::{
    Outline,
    allocation::{Allocation, TooManyRanges},
    outline::{RuleSetOutline, SplitOutline},
};

use super::Lock;

/// What was asked for besides the documents.
#[derive(Debug, Default)]
pub struct Wishes {
    /// Remember every split, not only those of three or more variants.
    pub all: bool,
    /// Splits to lay out from the beginning: `SPLIT` or `RULE-SET/SPLIT`.
    pub anew: Vec<String>,
    /// Variants that go on under another name.
    pub renames: Vec<(String, String)>,
    /// The documents that run, in the place of what the locks remember.
    pub running: Option<Outline>,
}

/// What becomes of one rule set's lock.
#[derive(Debug)]
pub struct Plan {
    /// What the lock is to say.
    pub lock: Lock,
    /// Its splits, one for each of the lock's.
    pub splits: Vec<PlannedSplit>,
    /// Those remembered that the rule set does not have.
    pub dropped: Vec<String>,
    /// Whether that is what the lock says already, or there is neither a lock nor anything to remember.
    pub unchanged: bool,
}

/// What becomes of one split.
#[derive(Debug)]
pub struct PlannedSplit {
    /// Its name.
    pub name: String,
    /// What it moves from; None where nothing was remembered.
    pub before: Option<Allocation>,
    /// What it moves to.
    pub after: Allocation,
    /// Its salt was another where it runs, so that slots say nothing of who moves.
    pub resalted: bool,
}

/// The plan of each rule set, by name.
///
/// # Errors
/// The first split whose ranges would be too many.
pub fn plans(outline: &Outline, wishes: &Wishes) -> Result<Vec<Plan>, String> {
    outline.rule_sets.iter().map(|rule_set| plan(outline, rule_set, wishes)).collect()
}

fn plan(outline: &Outline, rule_set: &RuleSetOutline, wishes: &Wishes) -> Result<Plan, String> {
    let lock = outline.lock(&rule_set.name);
    let mut splits = Vec::new();
    for split in &rule_set.splits {
        let locked = lock.and_then(|lock| lock.split(&split.name));
        splits.extend(planned(rule_set, split, locked, wishes)?);
    }
    let remembered = lock.map_or(&[][..], |lock| &lock.splits);
    let dropped: Vec<String> =
        remembered.iter().map(|(name, _)| name).filter(|name| rule_set.split(name).is_none()).cloned().collect();
    let new: Vec<_> = splits.iter().map(|split| (split.name.clone(), split.after.clone())).collect();
    let unchanged = dropped.is_empty()
        && new.len() == remembered.len()
        && new.iter().all(|(name, allocation)| lock.and_then(|lock| lock.split(name)) == Some(allocation));
    let labels = lock.map(|lock| lock.labels.clone()).unwrap_or_default();
    Ok(Plan { lock: Lock { rule_set: rule_set.name.clone(), labels, splits: new }, splits, dropped, unchanged })
}

/// None for a split that needs no memory.
fn planned(
    rule_set: &RuleSetOutline,
    split: &SplitOutline,
    locked: Option<&Allocation>,
    wishes: &Wishes,
) -> Result<Option<PlannedSplit>, String> {
    let running = wishes.running.as_ref().and_then(|outline| running(outline, rule_set, split));
    let resalted = running.as_ref().is_some_and(|(_, salt)| *salt != split.salt);
    let before = running.map(|(allocation, _)| allocation).or_else(|| locked.cloned());
    let before = before.map(|before| wishes.renames.iter().fold(before, |all, (old, new)| all.renamed(old, new)));
    let anew = Allocation::consecutive(&split.slots);
    let asked = |wish: &String| *wish == split.name || *wish == format!("{}/{}", rule_set.name, split.name);
    let after = match &before {
        Some(before) if !wishes.anew.iter().any(asked) => {
            before.moved_to(&split.slots).map_err(|many| too_many(rule_set, split, before, many))?
        }
        _ => anew.clone(),
    };
    let several = split.slots.iter().filter(|(_, slots)| *slots > 0).count() >= 3;
    // Two variants are a threshold, unless what runs is another one.
    let needed = wishes.all || several || locked.is_some() || after != anew;
    Ok(needed.then(|| PlannedSplit { name: split.name.clone(), before, after, resalted }))
}

/// What decides by this split in the documents that run, and by what salt.
fn running(outline: &Outline, rule_set: &RuleSetOutline, split: &SplitOutline) -> Option<(Allocation, String)> {
    let rule_set = outline.rule_set(&rule_set.name)?;
    let split = rule_set.split(&split.name)?;
    Some((outline.allocation(rule_set, split), split.salt.clone()))
}

fn too_many(rule_set: &RuleSetOutline, split: &SplitOutline, before: &Allocation, many: TooManyRanges) -> String {
    let anew = Allocation::consecutive(&split.slots);
    let moves: u32 = before.transfers(&anew).iter().map(|transfer| transfer.slots).sum();
    let (set, name, ranges) = (&rule_set.name, &split.name, many.ranges);
    format!(
        "split {name} of {set}: found {ranges} ranges after the smallest move, expected at most 1024: fewer variants, or \
         --anew {set}/{name}, which lays it out from the beginning and moves {moves} of 100000 slots"
    )
}

#[cfg(test)]
mod tests {
    use graylane_rules::{Format, Source};

    use super::*;

    fn outline(texts: &[&str]) -> Outline {
        let sources: Vec<_> = texts.iter().map(|text| Source { format: Format::Yaml, text: text.as_bytes() }).collect();
        Outline::read(&sources).unwrap_or_else(|problems| panic!("{problems:#?}"))
    }

    fn shop(variants: &str, splits: &str) -> String {
        format!(
            "apiVersion: graylane.dev/v1\nkind: RuleSet\nmetadata: {{name: shop}}\nspec:\n  variants: [{variants}]\n  \
             default: a\n  splits: {{{splits}}}\n"
        )
    }

    /// `split moved-slots ranges` of each.
    fn told(plan: &Plan) -> Vec<String> {
        let moved = |split: &PlannedSplit| {
            let transfers = split.before.as_ref().map(|before| before.transfers(&split.after));
            transfers.map(|all| all.iter().map(|transfer| transfer.slots).sum::<u32>())
        };
        plan.splits
            .iter()
            .map(|split| format!("{} {:?} {}", split.name, moved(split), split.after.ranges().len()))
            .collect()
    }

    #[test]
    fn two_variants_need_no_memory_until_something_else_runs() {
        let two = shop("a, b, c", "s: {weights: {a: 1, b: 1}}");
        let three = shop("a, b, c", "s: {weights: {a: 1, b: 1, c: 2}}");
        let mut wishes = Wishes::default();
        let plan = |text: &str, wishes: &Wishes| plans(&outline(&[text]), wishes).unwrap().remove(0);
        assert!(plan(&two, &wishes).unchanged && plan(&two, &wishes).splits.is_empty());
        assert_eq!(told(&plan(&three, &wishes)), ["s None 3"]);
        wishes.all = true;
        assert_eq!(told(&plan(&two, &wishes)), ["s None 2"]);
        wishes = Wishes { running: Some(outline(&[&two])), ..Wishes::default() };
        assert_eq!(told(&plan(&three, &wishes)), ["s Some(50000) 3"], "each gives half of its own");
        assert!(plan(&two, &wishes).splits.is_empty());
        wishes.running = Some(outline(&[&shop("a, b, c", "s: {weights: {a: 1, b: 1, c: 1}}")]));
        assert_eq!(told(&plan(&two, &wishes)), ["s Some(33333) 3"], "c gives to both");
    }

    #[test]
    fn a_renamed_variant_keeps_its_slots_and_a_lost_split_is_dropped() {
        let lock = "apiVersion: graylane.dev/v1\nkind: AllocationLock\nmetadata: {name: shop, labels: {team: x}}\nspec:\n  \
                    splits:\n    s: {ranges: [{from: 0, variant: a}, {from: 40000, variant: old}]}\n    \
                    gone: {ranges: [{from: 0, variant: a}]}\n";
        let document = shop("a, b", "s: {weights: {a: 40, b: 60}}");
        let both = outline(&[&document, lock]);
        let moved = plans(&both, &Wishes::default()).unwrap().remove(0);
        assert_eq!((told(&moved), moved.dropped), (vec!["s Some(60000) 2".to_owned()], vec!["gone".to_owned()]));
        assert_eq!((moved.unchanged, moved.lock.labels.len()), (false, 1));
        let renames = vec![("old".to_owned(), "b".to_owned())];
        let kept = plans(&both, &Wishes { renames, ..Wishes::default() }).unwrap().remove(0);
        assert_eq!(told(&kept), ["s Some(0) 2"]);
        let again = plans(&outline(&[&document, &kept.lock.text(Format::Yaml)]), &Wishes::default()).unwrap().remove(0);
        assert!(again.unchanged && told(&again) == ["s Some(0) 2"]);
    }

    #[test]
    fn too_many_ranges_name_the_way_out() {
        let names: Vec<String> = (0..1_000).map(|place| format!("v{place}")).collect();
        let weights = |last: u32| {
            let weight = |(place, name): (usize, &String)| format!("{name}: {}", if place < 998 { 100 } else { last });
            names.iter().enumerate().map(weight).collect::<Vec<_>>().join(", ")
        };
        let document = |last: u32| {
            shop(&names.join(", "), &format!("s: {{weights: {{{}}}}}", weights(last)))
                .replace("default: a", "default: v0")
        };
        let mut wishes = Wishes { running: Some(outline(&[&document(100)])), ..Wishes::default() };
        let refused = plans(&outline(&[&document(40_000)]), &wishes).unwrap_err();
        assert!(refused.contains("expected at most 1024") && refused.contains("--anew shop/s"), "{refused}");
        wishes.anew = vec!["s".to_owned()];
        assert_eq!(plans(&outline(&[&document(40_000)]), &wishes).unwrap()[0].splits[0].after.ranges().len(), 1_000);
    }
}
