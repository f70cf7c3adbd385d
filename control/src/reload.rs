//! Reading overrides of switches again, while serving.

use std::fmt;

use serde::Serialize;
use tokio::sync::{mpsc, oneshot};

use crate::{finding::Finding, switch_changes::SwitchChanged};

/// So many orders wait at most.
const ORDERS: usize = 16;

/// What reading again came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reloaded {
    /// The revision that is published now.
    pub revision: String,
    /// Whether it is a new one.
    pub published: bool,
    /// How switches changed with it.
    pub changed: Vec<SwitchChanged>,
}

/// Why reading again changed nothing.
#[derive(Clone, Debug)]
pub enum NotReloaded {
    /// There is no file that could say something else by now.
    NoFile,
    /// The file cannot be read, or is not in the form.
    Unreadable(String),
    /// The rules cannot be used with what stands there.
    Broken(Vec<Finding>),
    /// Too many wait already, the documents change while they are read, or serving ends.
    Busy,
}

impl NotReloaded {
    /// What is wrong with a file that is not in use; nothing where there is none.
    pub fn findings(&self) -> Vec<Finding> {
        match self {
            Self::NoFile | Self::Busy => Vec::new(),
            Self::Unreadable(why) => {
                let found = format!("overrides that are not in use ({why})");
                vec![Finding::about("--switches", "switches", found, "a file of gray.NAME=VALUE that can be read")]
            }
            Self::Broken(findings) => findings.clone(),
        }
    }
}

impl fmt::Display for NotReloaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoFile => f.write_str("found no file of switches, expected graylane serve --switches @FILE"),
            Self::Unreadable(why) => f.write_str(why),
            Self::Broken(findings) => {
                let errors = findings.iter().filter(|finding| finding.is_error());
                let lines: Vec<_> = errors.take(3).map(Finding::to_string).collect();
                f.write_str(&lines.join("; "))
            }
            Self::Busy => f.write_str(
                "found no moment to read again, for too many orders or documents that change meanwhile, expected one soon",
            ),
        }
    }
}

/// What came of an order.
pub type Outcome = Result<Reloaded, NotReloaded>;

/// An order to read again, and whom to tell what came of it.
pub type Order = oneshot::Sender<Outcome>;

/// Orders that wait.
pub type Orders = mpsc::Receiver<Order>;

/// Who may give orders.
#[derive(Clone, Debug)]
pub struct Reload(Option<mpsc::Sender<Order>>);

impl Reload {
    /// Orders, and where they arrive.
    pub fn channel() -> (Self, Orders) {
        let (sender, orders) = mpsc::channel(ORDERS);
        (Self(Some(sender)), orders)
    }

    /// That nobody takes orders: there is no file that could be read again.
    pub fn none() -> Self {
        Self(None)
    }

    /// Has the switches read again, and waits for what comes of it.
    ///
    /// # Errors
    /// Why nothing changed.
    pub async fn order(&self) -> Outcome {
        let (order, outcome) = oneshot::channel();
        self.0.as_ref().ok_or(NotReloaded::NoFile)?.try_send(order).map_err(|_| NotReloaded::Busy)?;
        outcome.await.unwrap_or(Err(NotReloaded::Busy))
    }
}

/// Logs what came of an order by a signal.
pub fn log(outcome: &Outcome) {
    match outcome {
        Ok(reloaded) if reloaded.published => {
            tracing::info!("SIGUSR1: switches read again, revision {} published", reloaded.revision);
        }
        Ok(reloaded) => {
            tracing::info!("SIGUSR1: switches read again and unchanged, revision {} stays", reloaded.revision)
        }
        Err(why) => {
            tracing::error!("SIGUSR1: switches stay as they are: {}", crate::finding::one_line(&why.to_string()))
        }
    }
}
