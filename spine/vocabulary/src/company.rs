use core::fmt;

use serde::{Deserialize, Serialize};

/// The dense number of a company on the books, 1 to 65,535; a group has up to a hundred.
///
/// Number 0 is the operator of the installation itself.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct CompanyNumber(u16);

impl CompanyNumber {
    /// The operator of the installation.
    pub const OPERATOR: Self = Self(0);

    /// Takes a dense number.
    pub const fn new(number: u16) -> Self {
        Self(number)
    }

    /// Gives the dense number.
    pub const fn get(self) -> u16 {
        self.0
    }
}

impl fmt::Display for CompanyNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
