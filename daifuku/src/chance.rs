//! The one place that draws random numbers.

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
