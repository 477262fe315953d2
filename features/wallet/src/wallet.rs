use core::fmt;
use std::sync::Arc;

use crate::Explains;
use access::{Authenticated, Authorized, Need, Resource, authorize};
use answers::{OrProblem as _, ask, off_thread};
use store::{Command, Decision, Fault, Store};
use vocabulary::{Clock, Id, kind};
use web::{NavItem, Problem, View, problems};

/// What the handlers share.
#[derive(Clone)]
pub struct Wallet {
    /// The books.
    pub store: Store,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// Who knows shops; `Arc::new(())` when nobody does.
    pub explains: Arc<dyn Explains>,
    /// The navigation around the pages, which `daifuku` composes of all features.
    pub navigation: fn(&View) -> Vec<NavItem>,
    /// Where members find shops to earn points at.
    pub shops: Option<&'static str>,
    /// Where members turn points into something; takes how many in minor units as `points`.
    pub exchange: Option<&'static str>,
    /// Where members see their rank.
    pub ranks: Option<&'static str>,
    /// Where members invite friends.
    pub invite: Option<&'static str>,
}

impl fmt::Debug for Wallet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wallet").field("shops", &self.shops).finish_non_exhaustive()
    }
}

impl Wallet {
    /// Reads on a thread that may wait.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Self) -> Result<T, Fault> + Send + 'static,
    ) -> Result<T, Problem> {
        let wallet = self.clone();
        off_thread(move || read(&wallet)).await.flatten().or_problem()
    }

    /// Hands a command to the writer and waits for its decision.
    pub(crate) async fn ask<C: Command>(&self, command: C) -> Result<Decision<C>, Problem> {
        ask(&self.store, command).await.or_problem()
    }
}

/// Names the member who asks for their own pages.
pub(crate) fn member_of(who: &Authenticated) -> Result<Id<kind::Member>, Problem> {
    let forbidden = || Problem::new(&problems::FORBIDDEN);
    let member = who.member().ok_or_else(forbidden)?;
    let own = Resource::Member { company: who.company(), member };
    let allowed = authorize(who, Need::MemberSelf, own, member);
    allowed.map(Authorized::into_command).map_err(|_denied| forbidden())
}
