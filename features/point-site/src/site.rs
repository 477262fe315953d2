//! The point site at work: settings, the books, the catalogue and the spool, shared by pages and
//! jobs.

use core::fmt;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use crate::cap::store::read_tallies;
use crate::click::{ClickMark, RecentClicks, is_bot};
use crate::config::SiteConfig;
use crate::network_account::store::load_accounts;
use crate::network_account::{ChangeNetworkAccount, NetworkAccount, NetworkAccountRefusal};
use crate::offer::store::read_shelf;
use crate::offer::{Catalogue, Offer, OfferRefusal, SaveOffer, SaveShop};
use crate::popularity::store::read_popularity;
use crate::spool::{Spool, SpoolError};
use answers::{OrProblem as _, ask, read};
use store::{Command, Decision, Fault, Reader, Store};
use vocabulary::{Clock, Id, SharedIds, Timestamp, kind};
use web::Problem;

/// How long click-outs go straight to the spool after the database did not answer in time.
const AWAY_MICROSECONDS: i64 = 2_000_000;

/// A point site. Clones share everything.
#[derive(Clone)]
pub struct Site {
    inner: Arc<Inner>,
}

struct Inner {
    config: Arc<SiteConfig>,
    store: Store,
    clock: Arc<dyn Clock>,
    ids: SharedIds,
    catalogue: Catalogue,
    spool: Spool,
    recent_clicks: Mutex<RecentClicks>,
    /// Until when the database is taken for away, microseconds.
    away_until: AtomicI64,
}

impl fmt::Debug for Site {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Site").field("company", &self.config().company).finish_non_exhaustive()
    }
}

/// A site that does not open.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The database failed.
    #[error("read the catalogue")]
    Database(#[from] Fault),
    /// The folder for clicks cannot be used.
    #[error("open the spool")]
    Spool(#[from] SpoolError),
}

impl Site {
    /// Opens the site: reads the catalogue and takes the spool's folder for itself alone.
    ///
    /// # Errors
    ///
    /// [`OpenError`] when the database or the folder fails.
    pub fn open(
        config: SiteConfig,
        store: Store,
        clock: Arc<dyn Clock>,
        ids: SharedIds,
    ) -> Result<Self, OpenError> {
        let spool = Spool::open(&config.spool_folder)?;
        let site = Self {
            inner: Arc::new(Inner {
                config: Arc::new(config),
                store,
                clock,
                ids,
                catalogue: Catalogue::default(),
                spool,
                recent_clicks: Mutex::default(),
                away_until: AtomicI64::new(0),
            }),
        };
        site.refresh()?;
        Ok(site)
    }

    /// Reads shops, offers and the accounts with networks anew. Saving through this site does it; a
    /// job does it now and then, for what another node saved.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails; the catalogue stays as it was.
    pub fn refresh(&self) -> Result<(), Fault> {
        let (company, now) = (self.config().company, self.now());
        let shelf = self.store().database().read(|reader| {
            let shelf = read_shelf(reader, company)?;
            let shelf = shelf.with_tallies(read_tallies(reader, company)?);
            Ok(shelf.with_clicks(read_popularity(reader, company, now)?))
        })?;
        self.inner.catalogue.replace(shelf);
        let companies = [company].into();
        let database = self.store().database();
        let accounts = database.read(|reader| load_accounts(reader, &companies))?;
        let key = &self.config().network_key;
        let networks = accounts.iter().map(|account| account.network(key)).collect();
        self.config().networks.replace(networks);
        Ok(())
    }

    /// Saves a shop and shows it.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails.
    pub fn save_shop(&self, command: SaveShop) -> Result<(), Fault> {
        let Ok(_id) = self.store().run(command)?;
        self.refresh()
    }

    /// Saves a version of an offer and shows it; gives its number.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails.
    pub fn save_offer(&self, command: SaveOffer) -> Result<Result<u32, OfferRefusal>, Fault> {
        let decision = self.store().run(command)?;
        self.refresh()?;
        Ok(decision)
    }

    /// Adds or changes an account with a network, and takes its messages from now on.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails.
    pub fn change_network_account(
        &self,
        command: ChangeNetworkAccount,
    ) -> Result<Result<NetworkAccount, NetworkAccountRefusal>, Fault> {
        let decision = self.store().run(command)?;
        self.refresh()?;
        Ok(decision)
    }

    /// Finds an offer with its versions.
    pub fn offer(&self, id: Id<kind::Offer>) -> Option<Offer> {
        self.catalogue().shelf().offers.get(&id).cloned()
    }

    /// Gives the settings.
    pub fn config(&self) -> &SiteConfig {
        &self.inner.config
    }

    /// Gives the settings to keep.
    pub fn shared_config(&self) -> Arc<SiteConfig> {
        Arc::clone(&self.inner.config)
    }

    /// Gives the books.
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// Tells the time.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    pub(crate) fn catalogue(&self) -> &Catalogue {
        &self.inner.catalogue
    }

    pub(crate) fn spool(&self) -> &Spool {
        &self.inner.spool
    }

    /// Marks a click that is not one of a person, or not a new one.
    pub(crate) fn mark_click(
        &self,
        member: Id<kind::Member>,
        offer: Id<kind::Offer>,
        now: Timestamp,
        user_agent: Option<&str>,
    ) -> Option<ClickMark> {
        let recent = &self.inner.recent_clicks;
        let seen = recent.lock().unwrap_or_else(PoisonError::into_inner).mark(member, offer, now);
        if is_bot(user_agent) { Some(ClickMark::Bot) } else { seen }
    }

    /// Makes an id that nobody can guess.
    pub(crate) fn next_id<K>(&self, now: Timestamp) -> Id<K> {
        self.inner.ids.next(now)
    }

    /// Tells whether the database was away a moment ago.
    pub(crate) fn away(&self) -> bool {
        self.now().as_microseconds() < self.inner.away_until.load(Ordering::Relaxed)
    }

    /// Notes that the database did not answer in time.
    pub(crate) fn note_away(&self) {
        let until = self.now().plus_microseconds(AWAY_MICROSECONDS);
        self.inner.away_until.store(until.as_microseconds(), Ordering::Relaxed);
    }

    /// Asks for a command without holding up others; the answer is the decision.
    pub(crate) async fn run<C: Command>(&self, command: C) -> Result<Decision<C>, Fault> {
        ask(self.store(), command).await
    }

    /// Reads rows without holding up others.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        work: impl FnMut(&mut Reader<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        read(self.store().database(), work).await.or_problem()
    }
}
