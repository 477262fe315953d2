use core::convert::Infallible;
use std::collections::{BTreeMap, BTreeSet};

use super::{
    Attempt, Delivery, Endpoint, EndpointState, EventKinds,
    state::OVERLAP_S,
    store::{
        add_attempts, find_deliveries, find_endpoints, list_endpoints, note_deliveries,
        remove_endpoints, save_deliveries, save_endpoints, send_again,
    },
};
use crate::form::Repeated;
use ledger::Seq;
use store::{Command, Fault, Posting, Tx};
use vocabulary::{CompanyNumber, Id, Timestamp, kind};

/// The most endpoints of a company.
const ENDPOINTS_MAX: usize = 20;

/// Adds an endpoint, which hears of what happens from now on. The same again gives the first
/// answer.
#[derive(Clone, Debug)]
pub struct AddEndpoint {
    /// Its id.
    pub id: Id<kind::Endpoint>,
    /// The company.
    pub company: CompanyNumber,
    /// The URL, checked.
    pub url: String,
    /// What it wants to hear.
    pub kinds: EventKinds,
    /// The end of the journal when it was asked for.
    pub told: Seq,
}

/// Changes an endpoint of a company.
#[derive(Clone, Debug)]
pub struct ChangeEndpoint {
    /// Which.
    pub id: Id<kind::Endpoint>,
    /// The company.
    pub company: CompanyNumber,
    /// What is to change.
    pub change: EndpointChange,
}

/// What changes of an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndpointChange {
    /// Its settings; `None` stays.
    Settings {
        /// The URL, checked.
        url: Option<String>,
        /// What it wants to hear.
        kinds: Option<EventKinds>,
        /// Whether anything is sent.
        state: Option<EndpointState>,
    },
    /// A new secret follows the one of this generation; both sign for a day.
    Rotate {
        /// The generation that is replaced.
        generation: u32,
    },
    /// It goes, with all its deliveries.
    Remove,
    /// What happened from a place of the journal on is sent again, or at last.
    Replay {
        /// The first place.
        first: Seq,
    },
    /// One delivery is sent again.
    ReplayOne {
        /// The last movement of its event.
        last: Seq,
    },
}

/// Why an endpoint is not added or changed, in the order of the checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndpointRefusal {
    /// The company has none of this id.
    NotFound,
    /// Another endpoint has the id.
    IdTaken,
    /// The company has too many.
    Limit,
    /// Its secret is of another generation.
    Generation,
}

/// The endpoints that a slice may touch.
#[derive(Debug, Default)]
pub struct EndpointFacts {
    known: BTreeMap<Id<kind::Endpoint>, Endpoint>,
    changed: BTreeSet<Id<kind::Endpoint>>,
    removed: Vec<Id<kind::Endpoint>>,
    again: Vec<(Id<kind::Endpoint>, (Seq, Seq), Timestamp)>,
}

impl EndpointFacts {
    fn of(endpoints: Vec<Endpoint>) -> Self {
        let known = endpoints.into_iter().map(|endpoint| (endpoint.id, endpoint)).collect();
        Self { known, ..Self::default() }
    }

    fn find(
        &mut self,
        id: Id<kind::Endpoint>,
        company: CompanyNumber,
    ) -> Result<&mut Endpoint, EndpointRefusal> {
        let own = self.known.get_mut(&id).filter(|endpoint| endpoint.company == company);
        own.ok_or(EndpointRefusal::NotFound)
    }

    fn save(self, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let changed: Vec<&Endpoint> =
            self.changed.iter().filter_map(|id| self.known.get(id)).collect();
        save_endpoints(tx, &changed)?;
        for (id, places, now) in self.again {
            send_again(tx, id, places, now)?;
        }
        remove_endpoints(tx, &self.removed)
    }
}

impl Command for AddEndpoint {
    type Facts = EndpointFacts;
    type Receipt = (Endpoint, Repeated);
    type Refusal = EndpointRefusal;

    const NAME: &'static str = "add webhook endpoint";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<EndpointFacts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.id).collect();
        let mut endpoints = find_endpoints(tx, &ids)?;
        let companies: BTreeSet<_> = slice.iter().map(|command| command.company).collect();
        for company in companies {
            endpoints.extend(list_endpoints(tx, company)?);
        }
        Ok(EndpointFacts::of(endpoints))
    }

    fn decide(
        &self,
        facts: &mut EndpointFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Self::Receipt, EndpointRefusal> {
        if let Some(known) = facts.known.get(&self.id) {
            let alike =
                (known.company, &known.url, &known.kinds) == (self.company, &self.url, &self.kinds);
            return if alike {
                Ok((known.clone(), Repeated::Yes))
            } else {
                Err(EndpointRefusal::IdTaken)
            };
        }
        let own = facts.known.values().filter(|known| known.company == self.company).count();
        if own >= ENDPOINTS_MAX {
            return Err(EndpointRefusal::Limit);
        }
        let now = posting.now();
        let endpoint = Endpoint {
            id: self.id,
            company: self.company,
            url: self.url.clone(),
            kinds: self.kinds.clone(),
            state: EndpointState::Enabled,
            generation: 1,
            previous_until: None,
            told: self.told,
            failures: 0,
            resume_at: now,
            created_at: now,
            changed_at: now,
        };
        facts.known.insert(self.id, endpoint.clone());
        facts.changed.insert(self.id);
        Ok((endpoint, Repeated::No))
    }

    fn save(facts: EndpointFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

impl Command for ChangeEndpoint {
    type Facts = EndpointFacts;
    type Receipt = Endpoint;
    type Refusal = EndpointRefusal;

    const NAME: &'static str = "change webhook endpoint";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<EndpointFacts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.id).collect();
        find_endpoints(tx, &ids).map(EndpointFacts::of)
    }

    fn decide(
        &self,
        facts: &mut EndpointFacts,
        posting: &mut Posting<'_>,
    ) -> Result<Endpoint, EndpointRefusal> {
        let now = posting.now();
        let mut again = None;
        let endpoint = facts.find(self.id, self.company)?;
        match &self.change {
            EndpointChange::Settings { url, kinds, state } => {
                if let Some(url) = url {
                    endpoint.url.clone_from(url);
                }
                if let Some(kinds) = kinds {
                    endpoint.kinds.clone_from(kinds);
                }
                if *state == Some(EndpointState::Enabled) {
                    endpoint.failures = 0;
                    endpoint.resume_at = now;
                }
                endpoint.state = state.unwrap_or(endpoint.state);
            }
            EndpointChange::Rotate { generation } => {
                if endpoint.generation == generation.saturating_add(1) {
                    return Ok(endpoint.clone());
                }
                if endpoint.generation != *generation {
                    return Err(EndpointRefusal::Generation);
                }
                endpoint.generation = endpoint.generation.saturating_add(1);
                endpoint.previous_until = Some(now.plus_seconds(OVERLAP_S));
            }
            EndpointChange::Remove => {
                let gone = endpoint.clone();
                facts.known.remove(&self.id);
                facts.changed.remove(&self.id);
                facts.removed.push(self.id);
                return Ok(gone);
            }
            EndpointChange::Replay { first } => {
                let before = Seq::new(first.get().saturating_sub(1));
                endpoint.told = endpoint.told.min(before);
                again = Some((*first, Seq::new(u64::MAX)));
            }
            EndpointChange::ReplayOne { last } => again = Some((*last, *last)),
        }
        endpoint.changed_at = now;
        let changed = endpoint.clone();
        facts.changed.insert(self.id);
        facts.again.extend(again.map(|places| (self.id, places, now)));
        Ok(changed)
    }

    fn save(facts: EndpointFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.save(tx)
    }
}

/// Notes what a part of the journal means for an endpoint. Somebody else may have noted it, or
/// moved the endpoint back, meanwhile: then nothing is done.
#[derive(Clone, Debug)]
pub struct TellEvents {
    /// Which.
    pub endpoint: Id<kind::Endpoint>,
    /// How far it had come when the journal was read.
    pub from: Seq,
    /// How far it has come now.
    pub to: Seq,
    /// What is to be sent.
    pub deliveries: Vec<Delivery>,
}

/// What [`TellEvents`] decides on.
#[derive(Debug)]
pub struct TellEventsFacts {
    endpoints: EndpointFacts,
    deliveries: Vec<Delivery>,
}

impl Command for TellEvents {
    type Facts = TellEventsFacts;
    type Receipt = usize;
    type Refusal = Infallible;

    const NAME: &'static str = "tell events";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<TellEventsFacts, Fault> {
        let ids: Vec<_> = slice.iter().map(|command| command.endpoint).collect();
        let endpoints = find_endpoints(tx, &ids).map(EndpointFacts::of)?;
        Ok(TellEventsFacts { endpoints, deliveries: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut TellEventsFacts,
        _posting: &mut Posting<'_>,
    ) -> Result<usize, Infallible> {
        let known = facts.endpoints.known.get_mut(&self.endpoint);
        let Some(endpoint) = known.filter(|endpoint| endpoint.told == self.from) else {
            return Ok(0);
        };
        endpoint.told = self.to;
        facts.endpoints.changed.insert(self.endpoint);
        facts.deliveries.extend(&self.deliveries);
        Ok(self.deliveries.len())
    }

    fn save(facts: TellEventsFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        note_deliveries(tx, &facts.deliveries)?;
        facts.endpoints.save(tx)
    }
}

/// Notes how a try went.
#[derive(Clone, Debug)]
pub struct RecordAttempt {
    /// Of which delivery.
    pub delivery: Id<kind::Message>,
    /// To which endpoint.
    pub endpoint: Id<kind::Endpoint>,
    /// The try.
    pub attempt: Attempt,
}

/// What [`RecordAttempt`] decides on.
#[derive(Debug)]
pub struct RecordAttemptFacts {
    endpoints: EndpointFacts,
    deliveries: BTreeMap<Id<kind::Message>, Delivery>,
    attempts: Vec<(Id<kind::Message>, u32, Attempt)>,
}

impl Command for RecordAttempt {
    type Facts = RecordAttemptFacts;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "record attempt";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<RecordAttemptFacts, Fault> {
        let endpoints: Vec<_> = slice.iter().map(|command| command.endpoint).collect();
        let deliveries: Vec<_> = slice.iter().map(|command| command.delivery).collect();
        let endpoints = find_endpoints(tx, &endpoints).map(EndpointFacts::of)?;
        let deliveries = find_deliveries(tx, &deliveries)?;
        let deliveries = deliveries.into_iter().map(|delivery| (delivery.id, delivery)).collect();
        Ok(RecordAttemptFacts { endpoints, deliveries, attempts: Vec::new() })
    }

    fn decide(
        &self,
        facts: &mut RecordAttemptFacts,
        _posting: &mut Posting<'_>,
    ) -> Result<(), Infallible> {
        // The endpoint may have been removed while the delivery was on its way.
        let Some(delivery) = facts.deliveries.get_mut(&self.delivery) else { return Ok(()) };
        *delivery = delivery.after(&self.attempt);
        facts.attempts.push((delivery.id, delivery.attempts, self.attempt));
        if let Some(endpoint) = facts.endpoints.known.get_mut(&self.endpoint) {
            endpoint.after(&self.attempt, delivery);
            facts.endpoints.changed.insert(self.endpoint);
        }
        Ok(())
    }

    fn save(facts: RecordAttemptFacts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        let deliveries: Vec<Delivery> = facts.deliveries.into_values().collect();
        save_deliveries(tx, &deliveries)?;
        add_attempts(tx, &facts.attempts)?;
        facts.endpoints.save(tx)
    }
}
