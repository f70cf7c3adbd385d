//! A reader of lines that wants each of them once.

use std::fmt;

/// Is given each line as it comes.
pub(crate) struct Tap(Box<dyn FnMut(&str) + Send>);

impl Tap {
    /// Gives each line to `read`.
    pub(crate) fn new(read: impl FnMut(&str) + Send + 'static) -> Self {
        Self(Box::new(read))
    }

    pub(super) fn read(&mut self, line: &str) {
        (self.0)(line);
    }
}

impl fmt::Debug for Tap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Tap")
    }
}
