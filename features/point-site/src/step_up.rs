//! The words of decisions: that something goes through, needs one more proof, waits for a person or
//! is denied; and the one-time code that is such a proof. Which of them it is, rules say
//! ([`crate::fraud_rule`]).

use subtle::ConstantTimeEq as _;

use vocabulary::Timestamp;

/// What is decided, from the mildest to the strictest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Decision {
    /// It goes through.
    Allow,
    /// One more proof of identity is needed first (追加認証).
    StepUp,
    /// It is accepted, and a person looks before it is sent.
    Hold,
    /// It is not accepted.
    Deny,
}

impl Decision {
    /// Every decision.
    pub const ALL: &'static [Self] = &[Self::Allow, Self::StepUp, Self::Hold, Self::Deny];

    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::StepUp => "step_up",
            Self::Hold => "hold",
            Self::Deny => "deny",
        }
    }

    /// Finds a decision by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|decision| decision.code() == code)
    }
}

/// A particular of a member whose change is followed by some days of care.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Particular {
    /// The telephone number.
    Phone,
    /// The mail address.
    Mail,
    /// The bank account that is paid.
    BankAccount,
}

impl Particular {
    /// Every particular.
    pub const ALL: &'static [Self] = &[Self::Phone, Self::Mail, Self::BankAccount];

    /// Gives the stable code, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Phone => "phone",
            Self::Mail => "mail",
            Self::BankAccount => "bank_account",
        }
    }

    /// Finds a particular by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|particular| particular.code() == code)
    }
}

/// Whether the member has just given one more proof of who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// They have not.
    None,
    /// They have, for this exchange.
    Given,
}

/// Whether the member has completed an exchange with the destination before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Custom {
    /// They have not.
    New,
    /// They have.
    Known,
}

/// Minutes for which a code that was sent is good.
pub const CODE_MINUTES: i64 = 10;
/// How often a code may be tried.
pub const TRIES_MAX: u32 = 5;
/// How often a code may be sent for one exchange.
pub const SENDS_MAX: u32 = 5;
/// Seconds between two codes.
pub const SEND_AGAIN_SECONDS: i64 = 30;

/// A code that was sent to a member for one exchange, kept as a keyed hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Challenge {
    /// The keyed hash of the code that is good now.
    pub code_hash: [u8; 32],
    /// How many codes were sent.
    pub sends: u32,
    /// How often the code was tried.
    pub tries: u32,
    /// When it was sent.
    pub sent_at: Timestamp,
    /// When it was entered rightly.
    pub passed_at: Option<Timestamp>,
}

/// What a try with a code leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tried {
    /// It is right.
    Passed,
    /// It is another one.
    Wrong {
        /// How many tries are left.
        left: u32,
    },
    /// It is too old, or was tried too often: another one has to be sent.
    Ended,
}

impl Challenge {
    /// Gives the challenge with a new code; `None` while the last one has only just been sent, or
    /// when too many were.
    pub fn sent(before: Option<&Self>, code_hash: [u8; 32], now: Timestamp) -> Option<Self> {
        let sends = before.map_or(0, |before| before.sends);
        let rests =
            before.is_some_and(|before| now < before.sent_at.plus_seconds(SEND_AGAIN_SECONDS));
        let passed_at = before.and_then(|before| before.passed_at);
        (sends < SENDS_MAX && !rests).then(|| Self {
            code_hash,
            sends: sends.saturating_add(1),
            tries: 0,
            sent_at: now,
            passed_at,
        })
    }

    /// Tries a code. A try counts whether it is right or not; after the last one and after ten
    /// minutes even the right code is not taken.
    pub fn tried(&self, code_hash: &[u8; 32], now: Timestamp) -> (Self, Tried) {
        let mut next = self.clone();
        if self.passed_at.is_some() {
            return (next, Tried::Passed);
        }
        let ended = now >= self.sent_at.plus_seconds(CODE_MINUTES.saturating_mul(60));
        if ended || self.tries >= TRIES_MAX {
            return (next, Tried::Ended);
        }
        next.tries = next.tries.saturating_add(1);
        if bool::from(self.code_hash.ct_eq(code_hash)) {
            next.passed_at = Some(now);
            return (next, Tried::Passed);
        }
        match TRIES_MAX.saturating_sub(next.tries) {
            0 => (next, Tried::Ended),
            left => (next, Tried::Wrong { left }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_good_for_five_tries_and_ten_minutes() {
        let sent = Challenge::sent(None, [1; 32], NOW).unwrap();
        let (passed, told) = sent.tried(&[1; 32], NOW.plus_seconds(599));
        assert_eq!((passed.passed_at, told), (Some(NOW.plus_seconds(599)), Tried::Passed));
        assert_eq!(sent.tried(&[1; 32], NOW.plus_seconds(600)).1, Tried::Ended);
        let mut now = sent.clone();
        for left in [4, 3, 2, 1] {
            let (next, told) = now.tried(&[2; 32], NOW);
            assert_eq!(told, Tried::Wrong { left });
            now = next;
        }
        assert_eq!(now.tried(&[1; 32], NOW).1, Tried::Passed, "the fifth may be right");
        let (ended, told) = now.tried(&[2; 32], NOW);
        assert_eq!(told, Tried::Ended);
        assert_eq!(ended.tried(&[1; 32], NOW).1, Tried::Ended, "the right one comes too late");
        assert_eq!(passed.tried(&[2; 32], NOW.plus_days(1)).1, Tried::Passed, "a repeat");
    }

    #[test]
    fn codes_are_sent_with_a_rest_between_and_not_for_ever() {
        let mut last = Challenge::sent(None, [0; 32], NOW).unwrap();
        assert_eq!(Challenge::sent(Some(&last), [1; 32], NOW.plus_seconds(29)), None);
        for number in 1..SENDS_MAX {
            let later = last.sent_at.plus_seconds(SEND_AGAIN_SECONDS);
            last = Challenge::sent(Some(&last), [1; 32], later).unwrap();
            assert_eq!((last.sends, last.tries), (number + 1, 0));
        }
        assert_eq!(Challenge::sent(Some(&last), [1; 32], NOW.plus_days(1)), None);
    }

    const NOW: Timestamp = Timestamp::from_microseconds(1_800_000_000_000_000);
}
