//! The time, as a parameter: tests set it.

use std::time::Instant;
#[cfg(test)]
use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use jiff::Timestamp;

#[cfg(test)]
use crate::mutex::locked;

/// One point in time, told twice.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// For people, and for what other machines compare with their own clocks. It may jump.
    pub wall: Timestamp,
    /// For what passes between two moments. It only goes forward.
    pub steady: Instant,
}

impl Moment {
    /// The wall clock in whole seconds since 1970; 0 before.
    pub fn unix_seconds(self) -> u64 {
        u64::try_from(self.wall.as_second()).unwrap_or(0)
    }
}

/// `at` for people: to the second.
pub fn second(at: Timestamp) -> String {
    Timestamp::from_second(at.as_second()).unwrap_or(at).to_string()
}

/// Where moments come from.
#[derive(Clone, Debug)]
pub struct Clock {
    #[cfg(test)]
    set: Option<Arc<Mutex<Moment>>>,
}

impl Clock {
    /// The clocks of this machine.
    pub fn system() -> Self {
        Self {
            #[cfg(test)]
            set: None,
        }
    }

    /// The present.
    pub fn now(&self) -> Moment {
        #[cfg(test)]
        if let Some(set) = &self.set {
            return *locked(set);
        }
        Moment { wall: Timestamp::now(), steady: Instant::now() }
    }
}

#[cfg(test)]
impl Clock {
    /// A clock that stands still until it is moved. Its clones move with it.
    pub fn standing() -> Self {
        Self { set: Some(Arc::new(Mutex::new(Self::system().now()))) }
    }

    /// Moves a standing clock forward.
    pub fn advance(&self, by: Duration) {
        let mut moment = self.set.as_ref().expect("a standing clock").lock().unwrap();
        let (wall, steady) = (moment.wall.checked_add(by), moment.steady.checked_add(by));
        *moment = Moment { wall: wall.unwrap(), steady: steady.unwrap() };
    }
}
