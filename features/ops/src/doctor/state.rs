use crate::Disk;
use store::{
    Durability,
    migrate::{Phase, Status},
};
use vocabulary::Timestamp;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// As it should be.
    Good,
    /// Somebody should look at it in working hours.
    Care,
    /// Somebody must act now.
    Bad,
}

impl Severity {
    /// Gives the word.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Good => "good",
            Self::Care => "care",
            Self::Bad => "BAD",
        }
    }
}

/// One line of the doctor.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Diagnosis {
    /// What was looked at.
    pub check: &'static str,
    /// How bad it is.
    pub severity: Severity,
    /// What was found.
    pub found: String,
    /// What to do; empty when it is good.
    pub advice: String,
}

impl Diagnosis {
    /// Says that all is well.
    pub fn good(check: &'static str, found: impl Into<String>) -> Self {
        Self { check, severity: Severity::Good, found: found.into(), advice: String::new() }
    }

    /// Says what to look at in working hours.
    pub fn care(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, severity: Severity::Care, found: found.into(), advice: advice.into() }
    }

    /// Says what to do now.
    pub fn bad(check: &'static str, found: impl Into<String>, advice: impl Into<String>) -> Self {
        Self { check, severity: Severity::Bad, found: found.into(), advice: advice.into() }
    }
}

/// A migration in the database that this program does not know: a newer one has been here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownStep {
    /// Its number.
    pub version: u32,
    /// Its name.
    pub name: String,
    /// Its phase, as its program wrote it.
    pub phase: String,
}

impl UnknownStep {
    /// Tells whether it may have taken something away that this program uses.
    pub fn takes_away(&self) -> bool {
        self.phase == Phase::Contract.as_str()
    }
}

/// What the database tells about itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SystemFacts {
    /// How far each step of the schema that this program knows came.
    pub schema: Vec<Status>,
    /// Steps that it does not know.
    pub unknown: Vec<UnknownStep>,
    /// Whether its commits are safe.
    pub durability: Durability,
    /// What its clock says.
    pub clock: Timestamp,
}

/// What only the program that runs can tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Outside {
    /// What our clock says.
    pub clock: Timestamp,
    /// The room on the disk of the data folder; `None` when the system does not tell.
    pub disk: Option<Disk>,
}

/// What folding the whole journal found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ledger {
    /// What does not fit.
    pub findings: Vec<String>,
    /// How many movements there are.
    pub movements: u64,
    /// The moment of the newest group.
    pub head_at: Timestamp,
}
