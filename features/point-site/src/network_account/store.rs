//! The table `site_network_account`.

use std::collections::BTreeSet;

use crate::config::Trust;
use crate::network::Adapter;
use crate::network_account::state::{parse_zone, zone_code};
use crate::network_account::{NetworkAccount, NetworkAccountKey, NetworkTerms, Sealed};
use store::{Fault, Listed, Reader, Row, Statement, Tx, Upsert, Value};
use vocabulary::{CompanyNumber, Currency, Token};

pub(crate) const STATEMENTS: &[Listed] = &[SAVE_ACCOUNTS.listed(), LIST_ACCOUNTS.listed()];

static SAVE_ACCOUNTS: Upsert = Upsert {
    name: "save network accounts",
    table: "site_network_account",
    columns: &[
        "company",
        "network",
        "account",
        "adapter",
        "trust",
        "zone",
        "currency",
        "pulling",
        "base",
        "identifier",
        "look_back_days",
        "credentials",
        "generation",
        "former_until",
        "version",
    ],
    keys: &["company", "network", "account"],
    updates: &[
        "trust",
        "zone",
        "currency",
        "pulling",
        "base",
        "identifier",
        "look_back_days",
        "credentials",
        "generation",
        "former_until",
        "version",
    ],
};

// The primary key. Far more rows than a group of companies has.
static LIST_ACCOUNTS: Statement = Statement::new(
    "list network accounts",
    "SELECT company, network, account, adapter, trust, zone, currency, pulling, base, identifier,
            look_back_days, credentials, generation, former_until, version
     FROM site_network_account
     WHERE company IN (?*)
     ORDER BY company, network, account
     LIMIT 50000",
);

pub(crate) fn save_accounts<'a>(
    tx: &mut Tx<'_>,
    accounts: impl Iterator<Item = &'a NetworkAccount>,
) -> Result<(), Fault> {
    let rows: Vec<[Value; 15]> = accounts
        .map(|one| {
            let terms = &one.terms;
            [
                one.company.into(),
                one.key.network.as_str().into(),
                one.key.account.as_str().into(),
                one.adapter.code().into(),
                terms.trust.code().into(),
                zone_code(terms.zone).into(),
                terms.currency.as_str().into(),
                terms.pulling.into(),
                terms.base.as_str().into(),
                terms.identifier.as_str().into(),
                u32::from(terms.look_back_days).into(),
                one.credentials.as_ref().map(|sealed| sealed.0.clone()).into(),
                one.generation.into(),
                one.former_until.into(),
                one.version.into(),
            ]
        })
        .collect();
    tx.upsert(&SAVE_ACCOUNTS, &rows)
}

/// Lists the accounts of some companies, in the order of network and account.
pub(crate) fn load_accounts(
    reader: &mut Reader<'_>,
    companies: &BTreeSet<CompanyNumber>,
) -> Result<Vec<NetworkAccount>, Fault> {
    let list: Vec<Value> = companies.iter().copied().map(Value::from).collect();
    reader.query_list(&LIST_ACCOUNTS, &[], &list)?.iter().map(account_of).collect()
}

fn account_of(row: &Row<'_>) -> Result<NetworkAccount, Fault> {
    Ok(NetworkAccount {
        company: row.company(0)?,
        key: NetworkAccountKey {
            network: row.parsed(1, |text| Token::parse(text).ok())?,
            account: row.parsed(2, |text| Token::parse(text).ok())?,
        },
        adapter: row.parsed(3, Adapter::parse)?,
        terms: NetworkTerms {
            trust: row.parsed(4, Trust::parse)?,
            zone: row.parsed(5, parse_zone)?,
            currency: row.parsed(6, |text| Currency::parse(text).ok())?,
            pulling: row.boolean(7)?,
            base: row.text(8)?.to_owned(),
            identifier: row.text(9)?.to_owned(),
            look_back_days: u16::try_from(row.small(10)?)
                .map_err(|_range| row.corrupt("days of a look back"))?,
        },
        credentials: row.optional_bytes(11)?.map(|bytes| Sealed(bytes.to_vec())),
        generation: row.small(12)?,
        former_until: row.optional_timestamp(13)?,
        version: row.small(14)?,
    })
}
