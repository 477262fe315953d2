//! The bank: the door for a company's developer, `/api/v1`.
//!
//! Everything the ledger can do, as JSON: companies and their units, accounts, transfers one by one
//! and by the ten thousand, holds, expectations, reversals; the journal and the events told from
//! it; webhooks. Every write takes an id of the caller's choosing (`id`, or the header
//! `Idempotency-Key`), and the same again gets the first answer again.
//!
//! | noun | paths |
//! |---|---|
//! | `company`, `unit` | `/companies`, `/units` |
//! | `account` | `/accounts`, balances now and then, statements |
//! | `transfer`, `stream` | `/transfers`, `/transfers/stream` |
//! | `batch`, `hold`, `expectation`, `reversal` | steps together, and doors for one step |
//! | `movement`, `event` | `/movements`, `/journal`, `/events` |
//! | `webhook` | `/webhooks`: endpoints, deliveries, and the job that sends them |
//!
//! Two ways lead to the writer. Transfers are looked up under one lock and handed over as they are,
//! because they come in masses. Everything else is a command ([`PostBatch`]), decided where holds
//! of long ago are known. Both find only what belongs to the caller's company: another's ids are
//! "not found".
//!
//! Start reading at `batch/state.rs`, what can be asked for, then `transfer/api.rs`.
//!
//! Deliberately absent: pages and texts, members, and any rule of the ledger.

mod account;
mod bank;
mod batch;
mod company;
mod event;
mod expectation;
mod form;
mod hold;
mod movement;
mod problems;
mod reversal;
mod stream;
mod transfer;
mod unit;
mod webhook;

pub use crate::{
    account::{AskedOpening, OpenAccounts, OpenAccountsFacts, OpeningRefusal, Past},
    bank::{Bank, BankTools},
    batch::{
        Asked, AskedAccount, AskedAnnouncement, AskedCapture, AskedChange, AskedExpiry, AskedGrant,
        AskedHold, AskedIncrease, AskedReversal, AskedTransfer, AskedVoid, KindWord, PostBatch,
        StepFault, StepRefused,
    },
    company::{CompanyRefusal, OpenCompany, OpenCompanyFacts},
    event::{EventKind, Happened, Occurrence, Particulars, happened, occurrences},
    form::{
        Chosen, LotFault, LotForm, LotView, LotWord, ReceiptView, RefusedView, Repeated, ResultView,
    },
    problems::PROBLEMS,
    unit::{ChangePolicy, OpenUnit, PolicyChange, UnitFacts, UnitRefusal, system_accounts},
    webhook::{
        AddEndpoint, Attempt, AttemptResult, ChangeEndpoint, Delivery, DeliveryRun, DeliveryState,
        Endpoint, EndpointChange, EndpointFacts, EndpointRefusal, EndpointState, EventKinds,
        MIGRATIONS, RecordAttempt, RecordAttemptFacts, STATEMENTS, TellEvents, TellEventsFacts,
        WebhookKey, WebhookSecret, deliver_due,
    },
};

/// Every route of the API, with its state.
pub fn routes(bank: &Bank) -> web::Routes {
    web::Routes::of("bank")
        .and(company::api::routes())
        .and(unit::api::routes())
        .and(account::api::routes())
        .and(transfer::api::routes())
        .and(stream::api::routes())
        .and(batch::api::routes())
        .and(hold::api::routes())
        .and(expectation::api::routes())
        .and(reversal::api::routes())
        .and(movement::api::routes())
        .and(event::api::routes())
        .and(webhook::api::routes())
        .with_state(bank)
}
