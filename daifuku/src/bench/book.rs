use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};

use super::run::BenchOptions;
use ledger::{AccountNumber, AccountSpec, BalanceRule, NormalSide, Unit, UnitNumber, UnitPolicy};
use store::{
    AccountDiffers, Command, Database, DatabaseUrl, Fault, MIGRATIONS, PoolOptions, Posting,
    Statement, Store, StoreOptions, Tx, registry,
};
use vocabulary::{
    CompanyNumber, Id, IdSource as _, ManualClock, Scale, SeededIds, Timestamp, UnitCode,
};

/// The moment of all bench transfers.
pub(super) const NOW: i64 = 1_780_000_000_000_000;

/// A book of its own for one workload.
pub(super) struct BenchBook {
    pub(super) store: Store,
    database: Database,
    folder: Option<PathBuf>,
}

macro_rules! drop_tables {
    ($($table:literal)*) => {
        &[$((
            $table,
            Statement::new(concat!("drop ", $table), concat!("DROP TABLE IF EXISTS ", $table)),
        ),)*]
    };
}

/// Every table; a server's are dropped before each workload, so that each starts empty.
static TABLES: &[(&str, Statement)] = drop_tables![
    "company" "unit" "account" "movement" "journal_group"
    "checkpoint_page" "checkpoint_subject" "checkpoint" "id_run" "id_page"
    "schema_migration" "schema_migration_lock"
    "actor" "api_key" "api_key_secret" "audit_entry"
    "login" "recovery_code" "sign_in_failure" "signed_in_session"
    "mail_letter" "mail_proof" "passkey" "passkey_challenge"
    "site_member_preference" "site_leaving"
    "bank_endpoint" "bank_delivery" "bank_attempt"
    "site_shop" "site_offer"
    "site_offer_tier" "site_offer_tally" "site_click_day" "site_favourite" "site_rate_up"
    "site_click"
    "site_message" "site_message_work"
    "site_conversion" "site_conversion_version" "site_conversion_entry"
    "site_follow_up" "site_bonus"
    "site_rank_set" "site_rank" "site_rank_earning" "site_member_rank" "site_rank_month"
    "site_rank_bonus"
    "site_referral_terms" "site_referral_link" "site_referral" "site_referral_earning"
    "site_guarantee" "site_claim" "site_claim_event"
    "site_campaign" "site_campaign_member" "site_first_purchase"
    "site_network_account" "site_pull" "site_pull_place"
    "site_report" "site_report_part" "site_report_error" "site_report_tally"
    "site_report_outcome" "site_report_undo" "site_report_left"
    "site_review" "site_decision"
    "site_destination" "site_limit_group" "site_destination_proposal" "site_payee"
    "site_particular"
    "site_exchange" "site_exchange_version" "site_exchange_proposal" "site_exchange_letter"
    "site_step_up"
    "site_gift_import" "site_gift_code" "site_gift_issue" "site_payout" "site_payout_result"
    "site_phone" "site_phone_proof" "site_sms"
    "site_partner_statement" "site_partner_mention" "site_partner_difference"
    "site_fraud_rule" "site_finding" "site_finding_hit" "site_fraud_case" "site_fraud_case_event"
    "wallet_payment" "wallet_job"
];

/// Drops what an earlier workload left on a server.
pub(super) fn empty(database: &Database) -> Result<(), Fault> {
    let mut connection = database.connect()?;
    let mut tx = connection.begin()?;
    for (_, statement) in TABLES {
        tx.execute(statement, &[])?;
    }
    tx.commit()
}

/// Opens the accounts of a bench book, a slice of them.
struct OpenAccounts {
    unit: Option<Unit>,
    accounts: Vec<AccountSpec>,
}

impl Command for OpenAccounts {
    type Facts = Vec<Unit>;
    type Receipt = ();
    type Refusal = AccountDiffers;

    const NAME: &'static str = "open bench accounts";

    fn load(_: &[Self], _: &mut Tx<'_>) -> Result<Vec<Unit>, Fault> {
        Ok(Vec::new())
    }

    fn decide(
        &self,
        facts: &mut Vec<Unit>,
        posting: &mut Posting<'_>,
    ) -> Result<(), AccountDiffers> {
        for &spec in &self.accounts {
            posting.open_account(spec)?;
        }
        if let Some(unit) = self.unit {
            posting.set_unit(unit);
            facts.push(unit);
        }
        Ok(())
    }

    fn save(facts: Vec<Unit>, tx: &mut Tx<'_>) -> Result<(), Fault> {
        registry::save_units(tx, &facts)
    }
}

impl BenchBook {
    /// Opens an empty book with an account for breakage and `accounts` others.
    pub(super) fn open(options: &BenchOptions, accounts: u32, lots: bool) -> anyhow::Result<Self> {
        let (url, folder) = place(options)?;
        let database = Database::open(&url, PoolOptions::default())?;
        if options.database.is_some() {
            empty(&database)?;
        }
        let store = open_store(&database)?;
        let book = Self { store, database, folder };
        book.open_accounts(accounts, lots)?;
        Ok(book)
    }

    fn open_accounts(&self, accounts: u32, lots: bool) -> anyhow::Result<()> {
        const AT_ONCE: usize = 100_000;
        let unit = Unit {
            number: UnitNumber::new(1),
            code: UnitCode::parse("PT")?,
            scale: Scale::default(),
            issuer: CompanyNumber::new(1),
            policy: UnitPolicy { breakage: Some(AccountNumber::new(0)), ..UnitPolicy::default() },
        };
        let mut chance = SeededIds::new(7);
        let mut specs = (0..=accounts).map(|place| AccountSpec {
            id: Id::from_bits(chance.chance() | 1),
            unit: UnitNumber::new(1),
            company: CompanyNumber::new(1),
            side: NormalSide::Credit,
            rule: if lots && place > 0 { BalanceRule::NonNegative } else { BalanceRule::Unlimited },
            lots: lots && place > 0,
        });
        let mut unit = Some(unit);
        loop {
            let accounts: Vec<AccountSpec> = specs.by_ref().take(AT_ONCE).collect();
            if accounts.is_empty() {
                return Ok(());
            }
            let command = OpenAccounts { unit: unit.take(), accounts };
            if self.store.run(command)?.is_err() {
                bail!("the database is not empty");
            }
        }
    }

    /// Bytes of the embedded database on disk, its log left out: the log is used again and again.
    pub(super) fn disk(&self) -> u64 {
        self.folder.as_ref().map_or(0, |folder| {
            let log_is_moved = self.database.connect().and_then(|mut own| own.checkpoint_wal());
            debug_assert!(log_is_moved.is_ok(), "the log can be moved");
            fs::metadata(folder.join("book.db")).map_or(0, |file| file.len())
        })
    }

    pub(super) fn statement(&self, account: u32, rows: u32) -> anyhow::Result<usize> {
        Ok(self.store.history(AccountNumber::new(account), None, rows)?.len())
    }

    /// Stops, starts again, and tells how long it took to the first balance.
    pub(super) fn reopen(self, options: &BenchOptions) -> anyhow::Result<Duration> {
        self.store.close();
        let Self { store, database, folder } = self;
        drop((store, database));
        let url = url_of(options, folder.as_deref())?;
        let started = Instant::now();
        let database = Database::open(&url, PoolOptions::default())?;
        let store = open_store(&database)?;
        let account = store.account(AccountNumber::new(1));
        let elapsed = started.elapsed();
        account.context("the first account is there")?;
        store.close();
        remove(folder.as_deref());
        Ok(elapsed)
    }

    pub(super) fn close(self) {
        self.store.close();
        remove(self.folder.as_deref());
    }
}

fn open_store(database: &Database) -> anyhow::Result<Store> {
    let clock = Arc::new(ManualClock::new(Timestamp::from_microseconds(NOW)));
    let mut ids = SeededIds::new(1);
    store::migrate::run(database, MIGRATIONS, &*clock, &mut ids)?;
    Ok(Store::open(database, StoreOptions::default(), clock, SeededIds::new(2), |_| ())?)
}

fn place(options: &BenchOptions) -> anyhow::Result<(DatabaseUrl, Option<PathBuf>)> {
    let folder = if options.database.is_some() {
        None
    } else {
        remove(Some(&options.folder));
        fs::create_dir_all(&options.folder).context("make the bench folder")?;
        Some(options.folder.clone())
    };
    Ok((url_of(options, folder.as_deref())?, folder))
}

fn url_of(options: &BenchOptions, folder: Option<&Path>) -> anyhow::Result<DatabaseUrl> {
    let text = match (&options.database, folder) {
        (Some(url), _) => url.clone(),
        (None, Some(folder)) => format!("sqlite:{}", folder.join("book.db").display()),
        (None, None) => bail!("no database"),
    };
    Ok(DatabaseUrl::parse(&text)?)
}

fn remove(folder: Option<&Path>) {
    if let Some(folder) = folder {
        // What is not there need not be removed.
        drop(fs::remove_dir_all(folder));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_emptied() {
        let created = crate::parts::migrations();
        let texts = created.iter().map(|migration| migration.mysql);
        let names = texts.flat_map(|text| text.split("CREATE TABLE ").skip(1));
        let mut names: Vec<&str> = names.filter_map(|rest| rest.split([' ', '(']).next()).collect();
        names.sort_unstable();
        let mut known: Vec<&str> = TABLES.iter().map(|(table, _)| *table).collect();
        known.retain(|table| !table.starts_with("schema_"));
        known.sort_unstable();
        assert_eq!(known, names);
    }
}
