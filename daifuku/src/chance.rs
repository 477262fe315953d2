//! The one place that draws random numbers.

use core::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use vocabulary::IdSource;

/// Draws from the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemChance;

impl IdSource for SystemChance {
    fn chance(&mut self) -> u128 {
        let mut bytes = [0; 16];
        #[expect(clippy::expect_used, reason = "without chance there are no secrets and no ids")]
        getrandom::fill(&mut bytes).expect("the system gives random numbers");
        u128::from_ne_bytes(bytes)
    }
}

/// One source for many who draw.
#[derive(Clone)]
pub struct SharedChance(Arc<Mutex<Box<dyn IdSource>>>);

impl SharedChance {
    /// Shares a source.
    pub fn new(source: impl IdSource + 'static) -> Self {
        Self(Arc::new(Mutex::new(Box::new(source))))
    }
}

impl fmt::Debug for SharedChance {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SharedChance(…)")
    }
}

impl IdSource for SharedChance {
    fn chance(&mut self) -> u128 {
        // A panic elsewhere cannot have left the source half changed in a way that matters.
        self.0.lock().unwrap_or_else(PoisonError::into_inner).chance()
    }
}
