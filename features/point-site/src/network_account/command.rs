use std::collections::{BTreeMap, BTreeSet};

use crate::network::Adapter;
use crate::network_account::store::{load_accounts, save_accounts};
use crate::network_account::{NetworkAccount, NetworkAccountKey, NetworkTerms, Sealed};
use access::audit_trail::{self, AuditEntry, Outcome};
use ledger::ActorNumber;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, kind};
use web::{OutgoingUrl, Reach};

/// The most accounts of a company.
const ACCOUNTS_MAX: u32 = 500;

/// Adds an account with a network, or changes one. Each change is in the audit trail.
#[derive(Clone, Debug)]
pub struct ChangeNetworkAccount {
    /// Who does it.
    pub by: ActorNumber,
    /// The request that it came with.
    pub request: Option<Id<kind::Request>>,
    /// The company whose account it is.
    pub company: CompanyNumber,
    /// Which.
    pub key: NetworkAccountKey,
    /// What is to change.
    pub change: NetworkAccountChange,
}

/// What is to change about an account.
#[derive(Clone, Debug)]
pub enum NetworkAccountChange {
    /// It is new. A repeat with the same adapter changes nothing.
    Add {
        /// How it is read.
        adapter: Adapter,
        /// What is decided about it.
        terms: NetworkTerms,
    },
    /// Other terms, and other credentials if any are given.
    Edit {
        /// The version that was looked at.
        version: u32,
        /// What is decided about it.
        terms: NetworkTerms,
        /// What it is asked with from now on; `None` for what was before.
        credentials: Option<Sealed>,
    },
    /// Another secret in its address. The one before is taken a while longer; one before that is
    /// not. A repeat names a generation that has passed, and is refused.
    Rotate {
        /// The generation that was looked at.
        generation: u32,
        /// How long the former secret is taken, in seconds.
        overlap_seconds: u32,
    },
}

impl NetworkAccountChange {
    const fn action(&self) -> &'static str {
        match self {
            Self::Add { .. } => "network_account.add",
            Self::Edit { .. } => "network_account.edit",
            Self::Rotate { .. } => "network_account.rotate",
        }
    }
}

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident = $code:literal $text:literal;)*) => {
        /// Why an account is not changed, in the order of the checks.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
        pub enum NetworkAccountRefusal {
            $($(#[$doc])* #[error($text)] $name,)*
        }

        impl NetworkAccountRefusal {
            /// Every refusal.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

refusals! {
    /// There is no such account.
    NotFound = "not_found" "there is no such account";
    /// There is one of this name that is read otherwise.
    Taken = "taken" "there is another account of this name";
    /// The company has as many as are allowed.
    TooMany = "too_many" "there are too many accounts";
    /// Somebody changed it meanwhile.
    Stale = "stale" "somebody changed it meanwhile";
    /// The look back is not 1 to 400 days.
    LookBack = "look_back" "the look back is too short or too long";
    /// Its adapter asks for no pages.
    NoPages = "no_pages" "this network is not asked for pages";
    /// Where it is asked is no address a request may go to.
    Base = "base" "the address is none that can be asked";
    /// Our number there is missing or too long, or it would change the address.
    Identifier = "identifier" "our number at the network is missing or no number";
    /// It is to be asked, and there is nothing to ask with.
    CredentialsMissing = "credentials_missing" "there are no credentials";
}

/// The accounts of a slice's companies.
#[derive(Debug, Default)]
pub struct NetworkAccountFacts {
    accounts: BTreeMap<(CompanyNumber, NetworkAccountKey), NetworkAccount>,
    changed: BTreeSet<(CompanyNumber, NetworkAccountKey)>,
    entries: Vec<AuditEntry>,
}

impl Command for ChangeNetworkAccount {
    type Facts = NetworkAccountFacts;
    type Receipt = NetworkAccount;
    type Refusal = NetworkAccountRefusal;

    const NAME: &'static str = "change network account";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let companies: BTreeSet<CompanyNumber> = slice.iter().map(|one| one.company).collect();
        let accounts = load_accounts(tx, &companies)?;
        let accounts = accounts.into_iter().map(|one| ((one.company, one.key.clone()), one));
        Ok(NetworkAccountFacts { accounts: accounts.collect(), ..NetworkAccountFacts::default() })
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<NetworkAccount, NetworkAccountRefusal> {
        let place = (self.company, self.key.clone());
        let current = facts.accounts.get(&place);
        let count = facts.accounts.keys().filter(|(company, _)| *company == self.company).count();
        let full = u32::try_from(count).unwrap_or(u32::MAX) >= ACCOUNTS_MAX;
        let next = match self.decided(current, posting.now()) {
            Ok(next) if Some(&next) == current => return Ok(next),
            Ok(_) if current.is_none() && full => return Err(NetworkAccountRefusal::TooMany),
            Ok(next) => next,
            Err(refusal) => return Err(refusal),
        };
        facts.entries.push(AuditEntry {
            at: posting.now(),
            actor: self.by,
            company: self.company,
            action: self.change.action().to_owned(),
            subject: self.key.to_string(),
            outcome: Outcome::Done,
            request: self.request,
        });
        facts.accounts.insert(place.clone(), next.clone());
        facts.changed.insert(place);
        Ok(next)
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed = facts.changed.iter().filter_map(|place| facts.accounts.get(place));
        save_accounts(tx, changed)?;
        audit_trail::append(tx, facts.entries).map(drop)
    }
}

impl ChangeNetworkAccount {
    /// Decides without I/O what the account is to be.
    pub(crate) fn decided(
        &self,
        current: Option<&NetworkAccount>,
        now: vocabulary::Timestamp,
    ) -> Result<NetworkAccount, NetworkAccountRefusal> {
        use NetworkAccountRefusal as Refusal;
        match (&self.change, current) {
            (NetworkAccountChange::Add { adapter, .. }, Some(known)) => {
                if known.adapter == *adapter { Ok(known.clone()) } else { Err(Refusal::Taken) }
            }
            (NetworkAccountChange::Add { adapter, terms }, None) => {
                check(*adapter, terms, false)?;
                Ok(NetworkAccount {
                    key: self.key.clone(),
                    company: self.company,
                    adapter: *adapter,
                    terms: terms.clone(),
                    credentials: None,
                    generation: 1,
                    former_until: None,
                    version: 1,
                })
            }
            (NetworkAccountChange::Edit { .. } | NetworkAccountChange::Rotate { .. }, None) => {
                Err(Refusal::NotFound)
            }
            (NetworkAccountChange::Edit { version, terms, credentials }, Some(known)) => {
                if *version != known.version {
                    return Err(Refusal::Stale);
                }
                let credentials = credentials.clone().or_else(|| known.credentials.clone());
                check(known.adapter, terms, credentials.is_some())?;
                let next = NetworkAccount { terms: terms.clone(), credentials, ..known.clone() };
                let same = next == *known;
                let version = known.version.saturating_add(1);
                Ok(if same { next } else { NetworkAccount { version, ..next } })
            }
            (NetworkAccountChange::Rotate { generation, overlap_seconds }, Some(known)) => {
                if *generation != known.generation {
                    return Err(Refusal::Stale);
                }
                Ok(NetworkAccount {
                    generation: known.generation.saturating_add(1),
                    former_until: Some(now.plus_seconds(i64::from(*overlap_seconds))),
                    version: known.version.saturating_add(1),
                    ..known.clone()
                })
            }
        }
    }
}

/// Finds the first reason why terms are refused.
fn check(
    adapter: Adapter,
    terms: &NetworkTerms,
    has_credentials: bool,
) -> Result<(), NetworkAccountRefusal> {
    use NetworkAccountRefusal as Refusal;
    if !(1..=NetworkTerms::LOOK_BACK_DAYS_MAX).contains(&terms.look_back_days) {
        return Err(Refusal::LookBack);
    }
    if terms.pulling && adapter.feeds().is_empty() {
        return Err(Refusal::NoPages);
    }
    let base_wrong = OutgoingUrl::parse(&terms.base, Reach::PublicAndLoopback).is_err()
        || terms.base.contains('?');
    if base_wrong && (terms.pulling || !terms.base.is_empty()) {
        return Err(Refusal::Base);
    }
    // It becomes part of an address and of a question: nothing that ends either.
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    let long = terms.identifier.len() > NetworkTerms::IDENTIFIER_MAX;
    let missing = terms.pulling && terms.identifier.is_empty();
    if missing || long || !terms.identifier.bytes().all(plain) {
        return Err(Refusal::Identifier);
    }
    if terms.pulling && !has_credentials {
        return Err(Refusal::CredentialsMissing);
    }
    Ok(())
}
