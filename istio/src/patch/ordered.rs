//! Operations on a list whose order matters: filters and routes.

use prost_reflect::DynamicMessage;

use super::{Change, Patching};
use crate::{envoy_filter::Operation, message, select::Selected};

/// Where a patch finds its place in a list.
pub(super) struct Place<'p> {
    /// In words.
    pub(super) name: &'p str,
    /// Whether the patch says beside which item; without that some operations take all, others none.
    pub(super) by_item: bool,
}

impl Patching<'_> {
    /// Carries out the operations that change which items a list has, and where: all but the merges.
    pub(super) fn arrange(
        &mut self,
        selected: &Selected<'_>,
        list: &mut Vec<DynamicMessage>,
        place: &Place<'_>,
        is_meant: impl Fn(&DynamicMessage) -> bool,
    ) {
        let value = selected.patch.value.as_ref();
        let first = list.iter().position(&is_meant);
        let at = match (selected.patch.effective(), place.by_item) {
            (Operation::Add, _) | (Operation::InsertAfter, false) => Some(list.len()),
            (Operation::InsertFirst, _) | (Operation::InsertBefore, false) => Some(0),
            (Operation::InsertBefore, true) => first,
            (Operation::InsertAfter, true) => first.map(|at| at.saturating_add(1)),
            (Operation::Replace, true) => {
                if let (Some(item), Some(value)) = (first.and_then(|at| list.get_mut(at)), value) {
                    let name = message::text(item, "name");
                    *item = value.clone();
                    self.did(selected, place.name, Change::Changed(name));
                }
                None
            }
            (Operation::Remove, true) => {
                let (removed, kept) = std::mem::take(list).into_iter().partition(is_meant);
                *list = kept;
                for item in removed as Vec<DynamicMessage> {
                    self.did(selected, place.name, Change::Removed(message::text(&item, "name")));
                }
                None
            }
            _ => None,
        };
        if let (Some(at), Some(value)) = (at, value) {
            self.insert(selected, list, place.name, at, value);
        }
    }

    /// Puts `value` at `at`, and tells its neighbours.
    pub(super) fn insert(
        &mut self,
        selected: &Selected<'_>,
        list: &mut Vec<DynamicMessage>,
        place: &str,
        at: usize,
        value: &DynamicMessage,
    ) {
        let name_at = |at: Option<usize>| at.and_then(|at| list.get(at)).map(|item| message::text(item, "name"));
        let (behind, before) = (name_at(at.checked_sub(1)), name_at(Some(at)));
        let change = Change::Added { name: message::text(value, "name"), at, behind, before };
        list.insert(at.min(list.len()), value.clone());
        self.did(selected, place, change);
    }
}
