use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;

use crate::payee::store::{note_changes, read_changes};
use crate::phone::store::{
    count_messages, find_messages, find_owners, find_phones, find_proofs, forget_old,
    remove_phones, save_messages, save_phones, save_proofs,
};
use crate::phone::{KeptNumber, Phone, PhoneProof, SENDS_A_DAY, Sms, SmsResult};
use crate::step_up::{Challenge, Particular, SEND_AGAIN_SECONDS, Tried};
use access::audit_trail::{self, AuditEntry, Outcome};
use ledger::ActorNumber;
use mail::{Letter, enqueue};
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// What is done about telephone numbers is decided on this.
#[derive(Debug, Default)]
pub struct PhoneFacts {
    phones: BTreeMap<Id<kind::Member>, Phone>,
    owners: BTreeMap<[u8; 32], Id<kind::Member>>,
    proofs: BTreeMap<Id<kind::Member>, PhoneProof>,
    /// Members whose number changed or was removed at some time.
    changed_before: BTreeSet<Id<kind::Member>>,
    sent_of: BTreeMap<Id<kind::Member>, u32>,
    sent_to: BTreeMap<[u8; 32], u32>,
    new_phones: BTreeSet<Id<kind::Member>>,
    gone_phones: BTreeSet<Id<kind::Member>>,
    new_proofs: BTreeSet<Id<kind::Member>>,
    messages: Vec<Sms>,
    particulars: BTreeMap<(Id<kind::Member>, Particular), Timestamp>,
    entries: Vec<AuditEntry>,
    letters: Vec<Letter>,
    now: Timestamp,
}

impl PhoneFacts {
    fn load(
        tx: &mut Tx<'_>,
        members: &[Id<kind::Member>],
        company: Option<CompanyNumber>,
    ) -> Result<Self, Fault> {
        let proofs = find_proofs(tx, members)?;
        let wanted: Vec<_> = proofs.values().map(|proof| proof.number.fingerprint).collect();
        let owners = match company {
            Some(company) => find_owners(tx, company, &wanted)?,
            None => BTreeMap::new(),
        };
        let phone =
            |(_, particular, _): &(_, Particular, Timestamp)| *particular == Particular::Phone;
        let changes = read_changes(tx, members)?;
        let changes = changes.into_iter().flat_map(|(member, changes)| {
            changes.into_iter().map(move |(particular, at)| (member, particular, at))
        });
        Ok(Self {
            phones: find_phones(tx, members)?,
            owners,
            proofs,
            changed_before: changes.filter(phone).map(|(member, ..)| member).collect(),
            ..Self::default()
        })
    }

    fn note(&mut self, proof: PhoneProof) {
        self.new_proofs.insert(proof.member);
        self.proofs.insert(proof.member, proof);
    }

    fn changed(&mut self, member: Id<kind::Member>) {
        self.particulars.insert((member, Particular::Phone), self.now);
        self.changed_before.insert(member);
    }

    fn audit(&mut self, phone: &Phone, by: ActorNumber, action: &str) {
        self.entries.push(AuditEntry {
            at: self.now,
            actor: by,
            company: phone.company,
            action: action.to_owned(),
            subject: phone.member.to_string(),
            outcome: Outcome::Done,
            request: None,
        });
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let gone: Vec<_> = self.gone_phones.into_iter().collect();
        remove_phones(tx, &gone)?;
        save_phones(tx, self.new_phones.iter().filter_map(|member| self.phones.get(member)))?;
        save_proofs(tx, self.new_proofs.iter().filter_map(|member| self.proofs.get(member)))?;
        save_messages(tx, self.messages.iter())?;
        note_changes(tx, &self.particulars)?;
        audit_trail::append(tx, self.entries)?;
        enqueue(tx, &self.letters, self.now)
    }
}

/// Sends a code to the number that a member says is theirs, by a message in the same transaction.
/// Whether the number is another member's is not told before the code is entered. While a code has
/// only just been sent there it stays good, and nothing is sent.
#[derive(Clone, Debug)]
pub struct AskPhoneCode {
    /// The company whose member it is.
    pub company: CompanyNumber,
    /// Whose number it is to be.
    pub member: Id<kind::Member>,
    /// The number.
    pub number: KeptNumber,
    /// The keyed hash of the code.
    pub code_hash: [u8; 32],
    /// The message with the code.
    pub message: Sms,
}

/// Why no code is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PhoneRefusal {
    /// The member has shown already to hold this number.
    #[error("it is the number that is registered")]
    Same,
    /// A code has only just been sent to another number.
    #[error("a code was sent less than {SEND_AGAIN_SECONDS} seconds ago")]
    TooSoon,
    /// Enough were sent within a day, for the member or to the number.
    #[error("{SENDS_A_DAY} codes were sent within a day")]
    TooMany,
}

impl Command for AskPhoneCode {
    type Facts = PhoneFacts;
    /// Whether one was sent.
    type Receipt = bool;
    type Refusal = PhoneRefusal;

    const NAME: &'static str = "ask for code to telephone";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PhoneFacts, Fault> {
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        let numbers: Vec<_> = slice.iter().map(|command| command.number.fingerprint).collect();
        let earliest = slice.iter().map(|command| command.message.created_at).min();
        let since = earliest.unwrap_or_default().plus_days(-1);
        let (sent_of, sent_to) = count_messages(tx, since, (&members, &numbers))?;
        Ok(PhoneFacts { sent_of, sent_to, ..PhoneFacts::load(tx, &members, None)? })
    }

    fn decide(
        &self,
        facts: &mut PhoneFacts,
        posting: &mut Posting<'_>,
    ) -> Result<bool, PhoneRefusal> {
        facts.now = posting.now();
        let (member, number) = (self.member, &self.number);
        let known = facts.phones.get(&member);
        if known.is_some_and(|phone| phone.number.fingerprint == number.fingerprint) {
            return Err(PhoneRefusal::Same);
        }
        let open = facts.proofs.get(&member).filter(|proof| {
            let rests = proof.challenge.sent_at.plus_seconds(SEND_AGAIN_SECONDS);
            proof.challenge.passed_at.is_none() && facts.now < rests
        });
        match open {
            Some(open) if open.number.fingerprint == number.fingerprint => return Ok(false),
            Some(_) => return Err(PhoneRefusal::TooSoon),
            None => {}
        }
        let sent_of = facts.sent_of.entry(member).or_default();
        let sent_to = facts.sent_to.entry(number.fingerprint).or_default();
        if *sent_of >= SENDS_A_DAY || *sent_to >= SENDS_A_DAY {
            return Err(PhoneRefusal::TooMany);
        }
        *sent_of = sent_of.saturating_add(1);
        *sent_to = sent_to.saturating_add(1);
        let sends = *sent_of;
        let challenge = Challenge {
            code_hash: self.code_hash,
            sends,
            tries: 0,
            sent_at: facts.now,
            passed_at: None,
        };
        let (company, number) = (self.company, number.clone());
        facts.note(PhoneProof { company, member, number, challenge });
        facts.messages.push(self.message.clone());
        Ok(true)
    }

    fn save(facts: PhoneFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Enters the code: the number is the member's from then on, unless it is another member's. The
/// first number of a member is no change, any later one is: some days of care follow. Each try
/// counts; the right code again changes nothing.
#[derive(Clone, Debug)]
pub struct EnterPhoneCode {
    /// The company whose member it is.
    pub company: CompanyNumber,
    /// The member.
    pub member: Id<kind::Member>,
    /// The keyed hash of what was typed.
    pub code_hash: [u8; 32],
    /// Tells the member by mail that the number is theirs now.
    pub letter: Letter,
    /// Who asks.
    pub by: ActorNumber,
}

/// What a code leads to; it is an answer and no refusal, so that each try is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PhoneEntered {
    /// The number is the member's.
    Proved,
    /// The number is another member's, who has to remove it first.
    Taken,
    /// The code is another one.
    Wrong {
        /// How many tries are left.
        left: u32,
    },
    /// It is too old, or was tried too often: another one has to be sent.
    Ended,
}

impl Command for EnterPhoneCode {
    type Facts = PhoneFacts;
    type Receipt = PhoneEntered;
    type Refusal = Infallible;

    const NAME: &'static str = "enter code of telephone";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PhoneFacts, Fault> {
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        PhoneFacts::load(tx, &members, slice.first().map(|command| command.company))
    }

    fn decide(
        &self,
        facts: &mut PhoneFacts,
        posting: &mut Posting<'_>,
    ) -> Result<PhoneEntered, Infallible> {
        facts.now = posting.now();
        let member = self.member;
        let Some(proof) = facts.proofs.get(&member).cloned() else {
            return Ok(PhoneEntered::Ended);
        };
        let again = proof.challenge.passed_at.is_some();
        let (challenge, tried) = proof.challenge.tried(&self.code_hash, facts.now);
        let number = proof.number.clone();
        facts.note(PhoneProof { challenge, ..proof });
        match tried {
            Tried::Passed => {}
            Tried::Wrong { left } => return Ok(PhoneEntered::Wrong { left }),
            Tried::Ended => return Ok(PhoneEntered::Ended),
        }
        let owner = facts.owners.get(&number.fingerprint).copied();
        match owner {
            Some(owner) if owner == member => return Ok(PhoneEntered::Proved),
            Some(_) => return Ok(PhoneEntered::Taken),
            // It was removed since.
            None if again => return Ok(PhoneEntered::Ended),
            None => {}
        }
        let before = facts.phones.get(&member).map(|phone| phone.number.fingerprint);
        if before.is_some() || facts.changed_before.contains(&member) {
            facts.changed(member);
        }
        if let Some(before) = before {
            facts.owners.remove(&before);
        }
        facts.owners.insert(number.fingerprint, member);
        let phone = Phone { company: self.company, member, number, proved_at: facts.now };
        facts.audit(&phone, self.by, "phone.prove");
        facts.phones.insert(member, phone);
        facts.new_phones.insert(member);
        facts.gone_phones.remove(&member);
        facts.letters.push(self.letter.clone());
        Ok(PhoneEntered::Proved)
    }

    fn save(facts: PhoneFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Removes a member's number, which counts as a change of it. A repeat changes nothing.
#[derive(Clone, Debug)]
pub struct RemovePhone {
    /// Whose.
    pub member: Id<kind::Member>,
    /// Tells the member by mail.
    pub letter: Letter,
    /// Who asks.
    pub by: ActorNumber,
}

impl Command for RemovePhone {
    type Facts = PhoneFacts;
    /// Whether there was one.
    type Receipt = bool;
    type Refusal = Infallible;

    const NAME: &'static str = "remove telephone number";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<PhoneFacts, Fault> {
        let members: Vec<_> = slice.iter().map(|command| command.member).collect();
        PhoneFacts::load(tx, &members, None)
    }

    fn decide(
        &self,
        facts: &mut PhoneFacts,
        posting: &mut Posting<'_>,
    ) -> Result<bool, Infallible> {
        facts.now = posting.now();
        let Some(phone) = facts.phones.remove(&self.member) else { return Ok(false) };
        facts.changed(self.member);
        facts.audit(&phone, self.by, "phone.remove");
        facts.gone_phones.insert(self.member);
        facts.letters.push(self.letter.clone());
        Ok(true)
    }

    fn save(facts: PhoneFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Days for which it is kept that a message went.
const KEPT_DAYS: i64 = 7;

/// Notes what became of a try to send a message; of one that went or was given up nothing changes.
/// Forgets what is older than a week.
#[derive(Clone, Debug)]
pub struct NoteSms {
    /// Which.
    pub message: Id<kind::Sms>,
    /// What became of the try.
    pub result: SmsResult,
}

/// The messages of a slice.
#[derive(Debug, Default)]
pub struct SmsFacts {
    known: BTreeMap<Id<kind::Sms>, Sms>,
    now: Timestamp,
}

impl Command for NoteSms {
    type Facts = SmsFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "note short message";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<SmsFacts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.message).collect();
        Ok(SmsFacts { known: find_messages(tx, &ids)?, now: Timestamp::default() })
    }

    fn decide(&self, facts: &mut SmsFacts, posting: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.now = posting.now();
        if let Some(sms) = facts.known.remove(&self.message) {
            facts.known.insert(self.message, sms.tried(self.result.clone(), facts.now));
        }
        Ok(())
    }

    fn save(facts: SmsFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        save_messages(tx, facts.known.values())?;
        forget_old(tx, facts.now.plus_days(-KEPT_DAYS))
    }
}
