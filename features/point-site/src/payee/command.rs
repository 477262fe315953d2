use std::collections::BTreeMap;
use std::convert::Infallible;

use crate::payee::store::{load_of_members, note_changes, save_payees};
use crate::payee::{Payee, PayeeState};
use crate::step_up::Particular;
use access::audit_trail::{self, AuditEntry, Outcome};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// Names where a member's exchanges go from now on. The one before stays for what is on its way.
/// The same account again changes nothing.
#[derive(Clone, Debug)]
pub struct RegisterPayee {
    /// It, as it is to be.
    pub payee: Payee,
    /// Who asks.
    pub by: ActorNumber,
}

/// Why a payee is not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PayeeRefusal {
    /// A payout to this account came back.
    #[error("a payout to this account came back")]
    Blocked,
}

/// What the payees of a slice are added to.
#[derive(Debug, Default)]
pub struct PayeeFacts {
    pub(crate) known: BTreeMap<Id<kind::Member>, Vec<Payee>>,
    pub(crate) changed: Vec<(Payee, Timestamp)>,
    pub(crate) particulars: BTreeMap<(Id<kind::Member>, Particular), Timestamp>,
    entries: Vec<AuditEntry>,
}

impl Command for RegisterPayee {
    type Facts = PayeeFacts;
    /// The payee that holds now.
    type Receipt = Id<kind::Payee>;
    type Refusal = PayeeRefusal;

    const NAME: &'static str = "register payee";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let members: Vec<_> = slice.iter().map(|command| command.payee.member).collect();
        Ok(PayeeFacts { known: load_of_members(tx, &members)?, ..PayeeFacts::default() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<Id<kind::Payee>, PayeeRefusal> {
        let now = posting.now();
        let known = facts.known.entry(self.payee.member).or_default();
        let same = |payee: &&Payee| payee.fingerprint == self.payee.fingerprint;
        if known.iter().filter(same).any(|payee| payee.state == PayeeState::Blocked) {
            return Err(PayeeRefusal::Blocked);
        }
        let active = |payee: &&Payee| payee.state == PayeeState::Active;
        if let Some(kept) = known.iter().filter(active).find(same) {
            return Ok(kept.id);
        }
        // The first account of a member is no change of one.
        if !known.is_empty() {
            facts.particulars.insert((self.payee.member, Particular::BankAccount), now);
        }
        for payee in known.iter_mut().filter(|payee| payee.state == PayeeState::Active) {
            payee.state = PayeeState::Replaced;
            facts.changed.retain(|(other, _)| other.id != payee.id);
            facts.changed.push((payee.clone(), now));
        }
        known.push(self.payee.clone());
        facts.changed.push((self.payee.clone(), now));
        facts.entries.push(AuditEntry {
            at: now,
            actor: self.by,
            company: self.payee.company,
            action: "payee.register".to_owned(),
            subject: self.payee.id.to_string(),
            outcome: Outcome::Done,
            request: None,
        });
        Ok(self.payee.id)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_payees(tx, &facts.changed)?;
        note_changes(tx, &facts.particulars)?;
        audit_trail::append(tx, facts.entries).map(drop)
    }
}

/// Notes that a member's telephone number or mail address changed, for the days of care. A repeat
/// with an earlier moment changes nothing that matters: what is noted is the moment of the command.
#[derive(Clone, Copy, Debug)]
pub struct NoteChange {
    /// The company whose member it is.
    pub company: CompanyNumber,
    /// Whose.
    pub member: Id<kind::Member>,
    /// What changed.
    pub particular: Particular,
}

impl Command for NoteChange {
    type Facts = PayeeFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "note change of particular";

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(PayeeFacts::default())
    }

    fn decide(&self, facts: &mut Self::Facts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.particulars.insert((self.member, self.particular), posting.now());
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        note_changes(tx, &facts.particulars)
    }
}
