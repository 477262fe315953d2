//! Exchanges as the binary sets them up: keys, rules, partners, and what the clock starts.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use tokio::runtime;

use crate::{
    house::House,
    jobs::{Job, Next},
    membership::read_password,
};
use point_site::{
    ExchangeConfig, Partner, Site, SmsDoor,
    exchange::{deliver_codes, expire_quotes},
    fraud_case::count_overdue,
    fraud_rule::{Condition, FraudRule},
    kana::BankText,
    partner::ask_partners,
    phone::send_messages,
    reconciliation::{fetch_statements, overdue, reconcile_statements},
    step_up::{Decision, Particular},
    vault::Vault,
    zengin::{AccountType, BankAccount, Digits, Sender},
};
use vocabulary::{Amount, CutOff, Label, Token};
use web::{Outgoing, OutgoingOptions, OutgoingUrl, Reach};

/// The longest statement of a partner that is fetched.
const STATEMENT_BYTES_MAX: usize = 8_000_000;
/// A pool with fewer codes of a value than this is low.
const STOCK_LOW: u32 = 10;
/// Days of care after a change of a member's particulars.
const CARE_DAYS: u16 = 3;
/// Exchanges of more points than this ask for one more proof.
const PROOF_ABOVE: u32 = 3_000;
/// Exchanges of more points than this wait for a person.
const REVIEW_ABOVE: u32 = 50_000;

/// Gives the settings.
pub(crate) fn settings(house: &House) -> anyhow::Result<ExchangeConfig> {
    let address = house.config.server_listen;
    let reach = Reach::PublicAndLoopback;
    let url = |path: &str| {
        let text = format!("http://localhost:{}/sandbox/partner/{path}", address.port());
        OutgoingUrl::parse(&text, reach)
    };
    Ok(ExchangeConfig {
        vault: Vault::new((1, house.secrets.key("vault 1")), &[], house.secrets.key("vault names")),
        rules: first_rules()?,
        cut_off: CutOff::try_new(15, 0).context("three in the afternoon is a time of day")?,
        sender: Sender {
            code: Digits::parse("0000012345")?,
            name: BankText::parse("カ)ダイフク")?,
            account: BankAccount {
                bank: Digits::parse("0001")?,
                branch: Digits::parse("100")?,
                account_type: AccountType::Ordinary,
                number: Digits::parse("7654321")?,
            },
            bank_name: BankText::default(),
            branch_name: BankText::default(),
        },
        partners: vec![Partner {
            code: Token::parse("sandbox")?,
            prefix: "DFK".to_owned(),
            url: url("requests")?,
            statements: Some(url("statement")?),
            key: partner_key(house),
        }],
        stock_low: STOCK_LOW,
    })
}

/// Gives the provider of short messages, when one is set.
pub(crate) fn sms_door(house: &House) -> anyhow::Result<Option<SmsDoor>> {
    let config = &house.config;
    let Some(address) = config.sms_address.href() else { return Ok(None) };
    let url = OutgoingUrl::parse(address, Reach::PublicAndLoopback).context("read sms.address")?;
    let path = Path::new(config.sms_password_file.as_str());
    let password = read_password(path);
    let password = password.with_context(|| format!("read SMS password {}", path.display()))?;
    let (user, from) = (config.sms_user.clone(), config.sms_from.clone());
    Ok(Some(SmsDoor { url, user, password, from }))
}

/// The rules that every installation begins with; the staff changes them by versions.
fn first_rules() -> anyhow::Result<Vec<FraudRule>> {
    let changed = |particular| Condition::ChangedWithin(particular, CARE_DAYS);
    let more = |points: u32| Condition::AmountOver(Amount::from(points));
    let (bank, mail, phone) = (Particular::BankAccount, Particular::Mail, Particular::Phone);
    let rules = [
        ("amount_large", more(PROOF_ABOVE), Decision::StepUp, "多めの交換は追加認証"),
        ("amount_huge", more(REVIEW_ABOVE), Decision::Hold, "高額の交換は担当者が確認"),
        ("bank_changed", changed(bank), Decision::Hold, "振込先を変えた直後の交換は確認"),
        ("mail_changed", changed(mail), Decision::Hold, "メールアドレスを変えた直後は確認"),
        ("phone_changed", changed(phone), Decision::Hold, "電話番号を変えた直後は確認"),
    ];
    rules
        .into_iter()
        .map(|(id, condition, decision, note)| {
            Ok(FraudRule::given(Token::parse(id)?, condition, decision, Label::parse(note)?))
        })
        .collect()
}

/// The key that the pretend partner takes.
pub(crate) fn partner_key(house: &House) -> String {
    let key = house.secrets.key("partner sandbox");
    key.iter().take(16).fold(String::new(), |text, byte| format!("{text}{byte:02x}"))
}

/// A job that counts the cases that should have been decided, for the metric that an alert is on.
pub(crate) fn watch_cases(house: &House, site: &Site) -> Job {
    const NAME: &str = "watch-cases";
    let (board, site) = (Arc::clone(&house.board), site.clone());
    Job::new(NAME, 60, move || {
        let (company, now) = (site.config().company, site.now());
        let database = site.store().database();
        let overdue = database.read(|reader| count_overdue(reader, company, now))?;
        board.note_overdue(NAME, overdue);
        Ok(Next::Rest)
    })
}

/// A job that asks partners for their statements, compares them, and counts what persons should
/// have done by now.
pub(crate) fn reconcile(house: &House, site: &Site) -> anyhow::Result<Job> {
    const NAME: &str = "reconcile-partners";
    let (board, site) = (Arc::clone(&house.board), site.clone());
    let outgoing = Outgoing::try_new(
        OutgoingOptions {
            reach: Reach::PublicAndLoopback,
            body_max: STATEMENT_BYTES_MAX,
            ..OutgoingOptions::default()
        },
        &[],
    )?;
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    Ok(Job::new(NAME, 300, move || {
        runtime.block_on(fetch_statements(&site, &outgoing))?;
        let compared = reconcile_statements(&site)?;
        board.note_overdue(NAME, overdue(&site)?);
        Ok(if compared == 0 { Next::Rest } else { Next::Again })
    }))
}

/// What the clock starts about exchanges.
pub(crate) fn jobs(site: &Site) -> anyhow::Result<[Job; 4]> {
    let (quotes, codes, partners) = (site.clone(), site.clone(), site.clone());
    let messages = site.clone();
    let options = OutgoingOptions { reach: Reach::PublicAndLoopback, ..OutgoingOptions::default() };
    let outgoing = Outgoing::try_new(options, &[])?;
    let sender = outgoing.clone();
    let runtime = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let sending = runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
    let again = |count: usize| if count == 0 { Next::Rest } else { Next::Again };
    Ok([
        Job::new("expire-quotes", 60, move || Ok(again(expire_quotes(&quotes)?))),
        Job::new("deliver-codes", 1, move || Ok(again(deliver_codes(&codes)?))),
        Job::new("ask-partners", 2, move || {
            Ok(again(runtime.block_on(ask_partners(&partners, &outgoing))?))
        }),
        Job::new("send-messages", 1, move || {
            Ok(again(sending.block_on(send_messages(&messages, &sender))?))
        }),
    ])
}
