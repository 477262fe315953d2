//! What an installation decides about its point site.

use core::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use crate::fraud_rule::FraudRule;
use crate::network::Adapter;
use crate::network_account::NetworkKey;
use crate::vault::Vault;
use crate::zengin::Sender;
use access::NeedSet;
use ledger::{ActorNumber, BalanceRule, Lot, LotKind, UnitNumber};
use store::Posting;
use vocabulary::{CompanyNumber, Currency, CutOff, Id, Scale, Timestamp, Token, Zone, kind};
use web::{NavItem, OutgoingUrl, View};

/// The settings of one point site; one company has one.
#[derive(Clone, Debug)]
pub struct SiteConfig {
    /// The company whose site it is: its offers, its members, its points.
    pub company: CompanyNumber,
    /// That company's id, which owns the cost account.
    pub company_id: Id<kind::Company>,
    /// Where people reach the site, as `https://points.example`: what members pass on begins so.
    pub address: String,
    /// The job in whose name the site posts; of the same company, and always the same one, because
    /// a batch is found again under the company that posted it.
    pub actor: ActorNumber,
    /// The unit that is granted.
    pub unit: UnitNumber,
    /// The unit's decimal places, to show amounts.
    pub scale: Scale,
    /// How far a member's account may go, when the site is the first to open it.
    pub member_rule: BalanceRule,
    /// A folder of our own on a durable disk, for clicks that the database cannot take.
    pub spool_folder: PathBuf,
    /// How long a click-out waits for the database before it uses the spool.
    pub click_patience: Duration,
    /// The accounts with affiliate networks, as last read; [`crate::Site::refresh`] reads them.
    pub networks: Networks,
    /// What the secrets in the networks' addresses follow from, and what seals credentials.
    pub network_key: NetworkKey,
    /// What it decides about exchanges.
    pub exchange: ExchangeConfig,
    /// Who sends short messages; `None` when nobody does, and no telephone number is asked for.
    pub sms: Option<SmsDoor>,
    /// The navigation above members' pages, which `daifuku` composes of all features.
    pub member_nav: fn(&View) -> Vec<NavItem>,
    /// The navigation above the pages of the staff, for somebody who may do this.
    pub staff_nav: fn(&View, NeedSet) -> Vec<NavItem>,
}

impl SiteConfig {
    /// Gives the lot of what is granted now: borne by the site's company, free, and good for as
    /// long as the unit's rules say.
    ///
    /// # Errors
    ///
    /// A code when the last day is beyond what lots can name.
    pub fn lot(&self, posting: &Posting<'_>) -> Result<Lot, &'static str> {
        let policy = posting.book().find_unit(self.unit).map(|unit| unit.policy);
        let policy = policy.unwrap_or_default();
        let last = policy.lot_lives.last_day(policy.zone.day_of(posting.now()));
        Lot::try_new(self.company, LotKind::Free, last).map_err(|_range| "lot_expired")
    }

    /// Finds an account with a network.
    pub fn network(&self, code: &Token, account: &Token) -> Option<Arc<Network>> {
        let networks = self.networks.list();
        networks.iter().find(|known| known.code == *code && known.account == *account).cloned()
    }

    /// Finds the account whose address carries this secret; takes the same time whichever it is.
    pub fn network_of(&self, code: &str, secret: &str, now: Timestamp) -> Option<Arc<Network>> {
        let digest: [u8; 32] = Sha256::digest(secret).into();
        let mut found = None;
        for network in self.networks.list().iter().filter(|known| known.code.as_str() == code) {
            for known in &network.secrets {
                let equal = bool::from(known.digest.ct_eq(&digest));
                let valid = known.valid_until.is_none_or(|until| now < until);
                if equal && valid {
                    found = Some(Arc::clone(network));
                }
            }
        }
        found
    }
}

/// What an installation decides about exchanges.
#[derive(Clone, Debug)]
pub struct ExchangeConfig {
    /// The keys of what is sealed.
    pub vault: Vault,
    /// The rules that the installation begins with; versions of them that were approved take their
    /// place.
    pub rules: Vec<FraudRule>,
    /// Until when a business day's work is taken in.
    pub cut_off: CutOff,
    /// Who pays by bank, as files of payouts name them.
    pub sender: Sender,
    /// The partners that make codes and take points.
    pub partners: Vec<Partner>,
    /// A pool with fewer codes of a value than this is low.
    pub stock_low: u32,
}

impl ExchangeConfig {
    /// Finds a partner.
    pub fn partner(&self, code: &Token) -> Option<&Partner> {
        self.partners.iter().find(|partner| partner.code == *code)
    }
}

/// A partner that makes gift codes or takes points, reached over HTTP.
#[derive(Clone)]
pub struct Partner {
    /// Names it for ever; the product of its destinations.
    pub code: Token,
    /// What the partner has every request id of ours begin with: at most 14 letters and digits.
    pub prefix: String,
    /// The address that requests go to.
    pub url: OutgoingUrl,
    /// Where a day's statement is asked for, with `day=2026-11-20` added; `None` when it is only
    /// uploaded.
    pub statements: Option<OutgoingUrl>,
    /// The key that the partner gave us.
    pub key: String,
}

impl fmt::Debug for Partner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Partner").field("code", &self.code).finish_non_exhaustive()
    }
}

/// A provider of short messages, reached as Twilio's Programmable Messaging is, which others speak
/// as well: `POST` of a form with `To`, `From` and `Body`, HTTP basic authentication.
#[derive(Clone)]
pub struct SmsDoor {
    /// The address that messages go to, as
    /// `https://api.twilio.com/2010-04-01/Accounts/AC…/Messages.json`.
    pub url: OutgoingUrl,
    /// Our account there.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The number or name that messages are from.
    pub from: String,
}

impl fmt::Debug for SmsDoor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SmsDoor").field("user", &self.user).finish_non_exhaustive()
    }
}

/// The accounts with networks, which the staff adds and changes while the site serves. Clones share
/// the list.
#[derive(Clone, Debug, Default)]
pub struct Networks(Arc<RwLock<Lists>>);

#[derive(Debug, Default)]
struct Lists {
    /// Those that are given at the start, whatever the table says.
    given: Vec<Arc<Network>>,
    all: Arc<[Arc<Network>]>,
}

impl Networks {
    /// Gives the accounts as last read.
    pub fn list(&self) -> Arc<[Arc<Network>]> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner).all)
    }

    /// Takes other accounts of the table in place of those known.
    pub(crate) fn replace(&self, networks: Vec<Network>) {
        let mut lists = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let read = networks.into_iter().map(Arc::new);
        lists.all = lists.given.iter().cloned().chain(read).collect();
    }
}

impl From<Vec<Network>> for Networks {
    fn from(given: Vec<Network>) -> Self {
        let given: Vec<Arc<Network>> = given.into_iter().map(Arc::new).collect();
        let all = given.iter().cloned().collect();
        Self(Arc::new(RwLock::new(Lists { given, all })))
    }
}

/// What a network's postbacks are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// A postback announces; the report decides.
    Reports,
    /// A postback decides as well.
    Postbacks,
}

/// One account with one affiliate network.
#[derive(Clone, Debug)]
pub struct Network {
    /// The network, as in addresses: `accesstrade`.
    pub code: Token,
    /// Our account there.
    pub account: Token,
    /// The secret parts of the address that the network calls; two while it is changed.
    pub secrets: Vec<PathSecret>,
    /// What its postbacks are believed.
    pub trust: Trust,
    /// The zone of its times, which are written without an offset.
    pub zone: Zone,
    /// How its messages and pages are read.
    pub adapter: Adapter,
    /// The currency of its programmes; most often yen, as [`Currency::default`].
    pub currency: Currency,
}

/// A secret in an address. Only its hash is kept; never shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct PathSecret {
    digest: [u8; 32],
    valid_until: Option<Timestamp>,
}

impl PathSecret {
    /// Takes a secret that nobody can guess, and until when it is taken; `None` for no end.
    pub fn new(secret: &str, valid_until: Option<Timestamp>) -> Self {
        Self { digest: Sha256::digest(secret).into(), valid_until }
    }
}

impl fmt::Debug for PathSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PathSecret").field("valid_until", &self.valid_until).finish_non_exhaustive()
    }
}
