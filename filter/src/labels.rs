//! The labels of the Envoy node.

use std::cell::OnceCell;

use crate::host;

/// Where Istio, and Envoy's configuration where somebody wrote it, keeps labels: a map in the node's metadata.
const MAP: &str = "xds\0node\0metadata\0LABELS\0";

/// The labels that rules ask for. They never change, so each is read from the host at most once, when first asked for.
#[derive(Debug, Default)]
pub struct Labels(Vec<Label>);

/// A name, and what the host said when it was first asked.
type Label = (Vec<u8>, OnceCell<Option<Vec<u8>>>);

impl Labels {
    /// The labels of these names, which are sorted; none is read yet.
    pub fn of<'n>(names: impl IntoIterator<Item = &'n [u8]>) -> Self {
        Self(names.into_iter().map(|name| (name.to_vec(), OnceCell::new())).collect())
    }

    /// The value of a label; None where the node has none of this name, or it is not among those asked for.
    pub fn value(&self, name: &[u8]) -> Option<&[u8]> {
        let place = self.0.binary_search_by(|(known, _)| known.as_slice().cmp(name)).ok()?;
        let (_, value) = self.0.get(place)?;
        value.get_or_init(|| read(name)).as_deref()
    }
}

fn read(name: &[u8]) -> Option<Vec<u8>> {
    let name = str::from_utf8(name).ok()?;
    host::property(&[MAP, name].concat()).ok()
}
