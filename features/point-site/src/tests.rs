//! A site on a real store, for the tests of the nouns; and what holds for the whole crate.

use std::cell::RefCell;
use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use expect_test::Expect;

use crate::campaign::CampaignRefusal;
use crate::cap::Caps;
use crate::claim::{ClaimAction, ClaimKind, ClaimRefusal, ClaimState};
use crate::click::{Click, RecordClick, reference};
use crate::conversion::{ConversionFacts, Outcome, Told};
use crate::destination::ProposalRefusal;
use crate::fraud_rule::{Condition, FraudRule};
use crate::kana::BankText;
use crate::network::Adapter;
use crate::network_account::NetworkKey;
use crate::offer::{OfferTerms, Repeat, Reward, SaveOffer, SaveShop, Shop};
use crate::report::{StartReport, UploadedReport, apply_reports, receive_report};
use crate::sandbox::{Pays, Sandbox, SandboxConfig, SandboxShop};
use crate::step_up::{Decision as StepUp, Particular};
use crate::vault::Vault;
use crate::zengin::{AccountType, BankAccount, Digits, Sender};
use crate::{
    ExchangeConfig, MIGRATIONS, Network, Partner, PathSecret, Site, SiteConfig, SmsDoor, TEXTS,
    Trust, statements,
};
use access::Authenticated;
use ledger::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, Few, Lot, LotKind, LotLife,
    NormalSide, Step, Transfer, TransferKind, Unit, UnitNumber, UnitPolicy, Wanted,
};
use store::testing::{Setup, TestDatabase, assert_same_schema, for_each_database, prepare_all};
use store::{Command, Fault, Outcome as Posted, Posting, Recall, Store, StoreOptions, Tx};
use vocabulary::{
    AccountRole, Amount, CompanyNumber, Currency, CutOff, Day, Id, Label, ManualClock, Scale,
    SeededIds, SharedIds, Timestamp, Token, UnitCode, Zone, kind,
};
use web::testing::{Client, door_with, frame};
use web::{
    Admission, Assets, Door, Guard, Language, NavItem, OutgoingUrl, Problem, Reach, Route, Routes,
    ServerOptions, View, problems,
};

pub(crate) const OURS: CompanyNumber = CompanyNumber::new(1);
pub(crate) const THEIRS: CompanyNumber = CompanyNumber::new(2);
pub(crate) const HANA: Id<kind::Member> = Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_0001);
pub(crate) const SECRET: &str = "7Qm2r9XwK4pT8sVbN3zL";
pub(crate) const COMPANY: Id<kind::Company> =
    Id::from_bits(0x0192_0000_0000_0000_0000_0000_C000_0001);
pub(crate) const UNIT: UnitNumber = UnitNumber::new(1);

/// A site that was opened for one test.
pub(crate) struct Stage {
    pub(crate) site: Site,
    pub(crate) clock: Arc<ManualClock>,
    /// The shop `books`: 3 % of the sale to the network's account `main`, 1.5 % of it to the
    /// member.
    pub(crate) books: Id<kind::Offer>,
    /// The shop `card`: 500 points for each conversion.
    pub(crate) card: Id<kind::Offer>,
    /// The shop `books` by the account `second`.
    pub(crate) second: Id<kind::Offer>,
    _folder: tempfile::TempDir,
}

/// Plays a story on each database.
pub(crate) fn play(story: impl Fn(&Stage)) {
    for_each_database(|test| story(&Stage::open(test, Trust::Reports)));
}

/// Plays a story on each database and compares what it tells, which must be the same on each.
pub(crate) fn tell(expected: &Expect, story: impl Fn(&Stage) -> String) {
    let told = RefCell::new(Vec::new());
    play(|stage| told.borrow_mut().push(story(stage)));
    let mut told = told.into_inner();
    told.dedup();
    assert_eq!(told.len(), 1, "the databases differ: {told:#?}");
    expected.assert_eq(&told[0]);
}

/// As [`play`], with a network whose postbacks decide.
pub(crate) fn play_trusting(story: impl Fn(&Stage)) {
    for_each_database(|test| story(&Stage::open(test, Trust::Postbacks)));
}

pub(crate) fn token(text: &str) -> Token {
    Token::parse(text).unwrap()
}

/// A local time in Japan, `2026-11-20 12:00`.
pub(crate) fn at(text: &str) -> Timestamp {
    Zone::JAPAN.parse_local(&format!("{text}:00")).unwrap()
}

fn network(account: &str, trust: Trust) -> Network {
    Network {
        code: token("accesstrade"),
        account: token(account),
        secrets: vec![PathSecret::new(&format!("{SECRET}{account}"), None)],
        trust,
        zone: Zone::JAPAN,
        adapter: Adapter::AccessTrade,
        currency: Currency::JPY,
    }
}

/// A network of its own name, with times in UTC.
fn foreign(adapter: Adapter, currency: Currency, trust: Trust) -> Network {
    let code = token(adapter.code());
    Network { code, zone: Zone::UTC, adapter, currency, ..network(adapter.code(), trust) }
}

/// The tables of this crate, and of those that its commands write into.
fn all_migrations() -> Vec<store::migrate::Migration> {
    [store::MIGRATIONS, access::MIGRATIONS, mail::MIGRATIONS, MIGRATIONS].concat()
}

/// Rules that ask for a proof from 10,000 points on, and for a person from 100,000 on and after a
/// change of the bank account.
fn exchange_config() -> ExchangeConfig {
    let rule = |id, condition, decision| {
        FraudRule::given(token(id), condition, decision, Label::parse(id).unwrap())
    };
    ExchangeConfig {
        vault: Vault::new((1, [1; 32]), &[], [2; 32]),
        rules: vec![
            rule("large", Condition::AmountOver(Amount::from(10_000)), StepUp::StepUp),
            rule("huge", Condition::AmountOver(Amount::from(100_000)), StepUp::Hold),
            rule("bank", Condition::ChangedWithin(Particular::BankAccount, 3), StepUp::Hold),
            rule("mail", Condition::ChangedWithin(Particular::Mail, 3), StepUp::Deny),
            rule("phone", Condition::ChangedWithin(Particular::Phone, 3), StepUp::Deny),
        ],
        cut_off: CutOff::try_new(15, 0).unwrap(),
        sender: Sender {
            code: Digits::parse("0000012345").unwrap(),
            name: BankText::parse("ダイフク").unwrap(),
            account: BankAccount {
                bank: Digits::parse("0001").unwrap(),
                branch: Digits::parse("100").unwrap(),
                account_type: AccountType::Ordinary,
                number: Digits::parse("7654321").unwrap(),
            },
            bank_name: BankText::default(),
            branch_name: BankText::default(),
        },
        partners: vec![Partner {
            code: token("sandbox"),
            prefix: "DFK".to_owned(),
            url: OutgoingUrl::parse("http://localhost:1/x", Reach::PublicAndLoopback).unwrap(),
            statements: None,
            key: "key".to_owned(),
        }],
        stock_low: 3,
    }
}

fn navigation(view: &View) -> Vec<NavItem> {
    ["shops", "clicks"]
        .map(|name| {
            let href = format!("/{name}");
            NavItem::new(view.words().get(&format!("{name}-title")), href, view.path())
        })
        .to_vec()
}

impl Stage {
    pub(crate) fn open(test: &TestDatabase, trust: Trust) -> Self {
        test.migrate(&all_migrations());
        let clock = Arc::new(ManualClock::new(at("2026-11-01 12:00")));
        let options =
            StoreOptions { patience: Duration::from_millis(200), ..StoreOptions::default() };
        let store = Store::open(test.database(), options, clock.clone(), SeededIds::new(1), |_| ())
            .unwrap();
        let breakage = AccountSpec {
            id: Id::of(COMPANY, UNIT.get(), AccountRole::Breakage),
            unit: UNIT,
            company: OURS,
            side: NormalSide::Credit,
            rule: BalanceRule::Unlimited,
            lots: false,
        };
        let setup = Setup { units: Vec::new(), accounts: vec![breakage] };
        let breakage = store.run(setup).unwrap().unwrap().first().copied();
        let lot_lives = Few::<LotLife>::parse("from 2020-01-01 6 months month-end").unwrap();
        let unit = Unit {
            number: UNIT,
            code: UnitCode::parse("HPT").unwrap(),
            scale: Scale::default(),
            issuer: OURS,
            policy: UnitPolicy { breakage, lot_lives, ..UnitPolicy::default() },
        };
        store.run(Setup { units: vec![unit], accounts: Vec::new() }).unwrap().unwrap();
        let folder = tempfile::tempdir().unwrap();
        let config = SiteConfig {
            company: OURS,
            company_id: COMPANY,
            address: "http://localhost".to_owned(),
            actor: ActorNumber::new(OURS, 1),
            unit: UNIT,
            scale: Scale::default(),
            member_rule: BalanceRule::NonNegative,
            spool_folder: folder.path().join("spool"),
            click_patience: Duration::from_secs(2),
            networks: vec![
                network("main", trust),
                network("second", trust),
                foreign(Adapter::Tune, Currency::USD, trust),
                foreign(Adapter::Awin, Currency::JPY, trust),
                foreign(Adapter::Impact, Currency::JPY, trust),
            ]
            .into(),
            network_key: NetworkKey::new([7; 32]),
            exchange: exchange_config(),
            sms: Some(SmsDoor {
                url: OutgoingUrl::parse("http://localhost:1/x", Reach::PublicAndLoopback).unwrap(),
                user: "user".to_owned(),
                password: "password".to_owned(),
                from: "DAIFUKU".to_owned(),
            }),
            member_nav: navigation,
            staff_nav: |view, _needs| navigation(view),
        };
        let ids = SharedIds::new(SeededIds::new(2));
        let site = Site::open(config, store, clock.clone(), ids).unwrap();
        let stage = Self {
            site,
            clock,
            books: Id::from_bits(1 << 80 | 1),
            card: Id::from_bits(1 << 80 | 2),
            second: Id::from_bits(1 << 80 | 3),
            _folder: folder,
        };
        stage.stock();
        stage
    }

    fn stock(&self) {
        for (slug, name, reading, category) in [
            ("books", "ほんだな書店", "ほんだな hondana books 本", "books"),
            ("card", "つばめカード", "つばめ tsubame card", "finance"),
        ] {
            let shop = Shop {
                company: OURS,
                slug: token(slug),
                name: Label::parse(name).unwrap(),
                reading: Label::parse(reading).unwrap(),
                category: token(category),
                listed: true,
            };
            self.site.save_shop(SaveShop { shop }).unwrap();
        }
        let rate = Reward::Rate { network: 300, member: 150 };
        let fixed = Reward::Fixed { network: Amount::from(1_000), member: Amount::from(500) };
        self.save_offer(self.books, "books", "main", rate);
        self.save_offer(self.card, "card", "main", fixed);
        self.save_offer(self.second, "books", "second", Reward::Rate { network: 200, member: 100 });
    }

    pub(crate) fn terms(account: &str, reward: Reward) -> OfferTerms {
        OfferTerms {
            network: token("accesstrade"),
            account: token(account),
            reward,
            record_by_days: 7,
            decide_by_days: 60,
            cookie_days: 30,
            tiers: Arc::default(),
            repeat: Repeat::Always,
            guaranteed: false,
            caps: Caps::default(),
            rejections: String::new(),
            conditions: "新規のご注文であること\n送料・税・クーポン分は対象外".to_owned(),
            tracking_url: "https://click.accesstrade.example/go?rk=0100&pbid={ref}".to_owned(),
        }
    }

    fn save_offer(&self, id: Id<kind::Offer>, slug: &str, account: &str, reward: Reward) {
        let command = SaveOffer {
            id,
            company: OURS,
            shop: self.shop(slug),
            terms: Self::terms(account, reward),
            starts_at: at("2026-10-01 00:00"),
            ends_at: None,
        };
        self.site.save_offer(command).unwrap().unwrap();
    }

    /// Gives an offer other terms from now on.
    pub(crate) fn change(&self, offer: Id<kind::Offer>, change: impl FnOnce(&mut OfferTerms)) {
        let known = self.site.offer(offer).unwrap();
        let mut terms = known.in_force(self.site.now()).unwrap().terms.clone();
        change(&mut terms);
        let (company, shop) = (known.company, known.shop);
        let starts_at = self.site.now();
        let command = SaveOffer { id: offer, company, shop, terms, starts_at, ends_at: None };
        self.site.save_offer(command).unwrap().unwrap();
    }

    pub(crate) fn shop(&self, slug: &str) -> Id<kind::Shop> {
        self.site.catalogue().shelf().shop(slug).unwrap().id()
    }

    /// Records a click of Hana's at the present moment.
    pub(crate) fn click(&self, number: u128, offer: Id<kind::Offer>) -> Id<kind::Click> {
        let now = self.site.now();
        let version = self.site.offer(offer).and_then(|offer| offer.in_force(now).cloned());
        let click = Click {
            id: Id::from_bits((2 << 80) | number),
            company: OURS,
            member: HANA,
            shop: if offer == self.card { self.shop("card") } else { self.shop("books") },
            offer,
            offer_version: version.map_or(1, |version| version.version),
            clicked_at: now,
            mark: None,
        };
        let Ok(()) = self.site.store().run(RecordClick(click)).unwrap();
        click.id
    }

    /// Decides statements, all in one slice.
    pub(crate) fn say(&self, told: Vec<Told>) -> Vec<(Outcome, Amount)> {
        let say = |told| Say { config: self.site.shared_config(), told };
        let decisions = self.site.store().run_all(told.into_iter().map(say).collect()).unwrap();
        decisions
            .into_iter()
            .map(|decision| {
                let Ok(outcome) = decision;
                outcome
            })
            .collect()
    }

    pub(crate) fn account(&self, role: AccountRole) -> Option<ledger::Account> {
        let id = Id::of(HANA, UNIT.get(), role);
        self.site.store().account(self.site.store().find_account(id)?)
    }

    /// Shows what Hana has, expects and owes.
    pub(crate) fn purse(&self) -> String {
        let figures = self.account(AccountRole::Member).map(|a| (a.balance(), a.expected()));
        let (has, expects) = figures.unwrap_or((0, 0));
        let owes = self.account(AccountRole::Receivable).map_or(0, |account| account.balance());
        format!("has {has} expects {expects} owes {owes}")
    }

    /// Gives a member points, good until a day of their own or for ever.
    pub(crate) fn grant(&self, member: Id<kind::Member>, points: u32, until: Option<Day>) {
        let spec =
            |id, side, rule, lots| AccountSpec { id, unit: UNIT, company: OURS, side, rule, lots };
        let cost = Id::of(COMPANY, UNIT.get(), AccountRole::Cost);
        let purse = Id::of(member, UNIT.get(), AccountRole::Member);
        let accounts = vec![
            spec(cost, NormalSide::Debit, BalanceRule::Unlimited, false),
            spec(purse, NormalSide::Credit, BalanceRule::NonNegative, true),
        ];
        let setup = Setup { units: Vec::new(), accounts };
        let opened: Vec<AccountNumber> = self.site.store().run(setup).unwrap().unwrap();
        let step = Step::Transfer(Transfer {
            debit: opened[0],
            credit: opened[1],
            amount: Wanted::Exactly(Amount::from(points)),
            kind: TransferKind::Grant,
            code: 0,
            lot: Some(Lot::try_new(OURS, LotKind::Free, until).unwrap()),
        });
        let id = self.site.next_id(self.site.now());
        let batch = Batch::single(id, self.site.config().actor, step);
        let outcome = self.site.store().post(vec![batch]).unwrap()[0];
        assert!(matches!(outcome, Posted::Posted(_)), "{outcome:?}");
    }

    /// Lets Hana spend.
    pub(crate) fn spend(&self, amount: u32) {
        let outside = AccountSpec {
            id: Id::of(COMPANY, UNIT.get(), AccountRole::Outside),
            unit: UNIT,
            company: OURS,
            side: NormalSide::Credit,
            rule: BalanceRule::Unlimited,
            lots: false,
        };
        let setup = Setup { units: Vec::new(), accounts: vec![outside] };
        let opened: Vec<AccountNumber> = self.site.store().run(setup).unwrap().unwrap();
        let member = Id::of(HANA, UNIT.get(), AccountRole::Member);
        let step = Step::Transfer(Transfer {
            debit: self.site.store().find_account(member).unwrap(),
            credit: opened[0],
            amount: Wanted::Exactly(Amount::from(amount)),
            kind: TransferKind::Payout,
            code: 0,
            lot: None,
        });
        let batch = Batch::single(Id::from_bits(77), self.site.config().actor, step);
        let outcome = self.site.store().post(vec![batch]).unwrap()[0];
        assert!(matches!(outcome, Posted::Posted(_)), "{outcome:?}");
    }

    /// The door of the site, at which this one sits.
    pub(crate) fn door(&self, who: Option<Authenticated>) -> Arc<Door> {
        Self::door_of(crate::routes(&self.site), who)
    }

    fn door_of(routes: Routes, who: Option<Authenticated>) -> Arc<Door> {
        let frame = frame(&[TEXTS]);
        let routes = routes.and(frame.routes());
        let guard = Arc::new(Seat(who));
        Arc::new(door_with(routes, ServerOptions::default(), frame, guard).unwrap())
    }

    /// A client that is let in as this.
    pub(crate) fn client(&self, who: Option<Authenticated>) -> Client {
        Client::new(self.door(who))
    }
}

/// Waits for an answer.
pub(crate) fn wait<T>(answer: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(answer)
}

/// Who sits at the door: lets them in where they meet the route's need.
struct Seat(Option<Authenticated>);

impl Guard for Seat {
    fn admit(&self, route: &Route, parts: &mut http::request::Parts) -> Admission {
        let visitor =
            self.0.filter(|who| route.need() == "visitor.member" && who.member().is_some());
        if let Some(who) = visitor {
            parts.extensions.insert(who);
        }
        let Some(need) = access::Need::parse(route.need()) else { return Admission::Granted };
        let Some(who) = self.0 else {
            return Admission::Denied(Box::new(Problem::new(&problems::UNAUTHENTICATED)));
        };
        if who.require(need).is_err() {
            return Admission::Denied(Box::new(Problem::new(&problems::FORBIDDEN)));
        }
        parts.extensions.insert(who);
        Admission::Granted
    }
}

/// A statement alone, as messages and reports bring it.
struct Say {
    config: Arc<SiteConfig>,
    told: Told,
}

impl Command for Say {
    type Facts = Option<ConversionFacts>;
    type Receipt = (Outcome, Amount);
    type Refusal = Infallible;

    const NAME: &'static str = "say";

    fn load(slice: &[Self], tx: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        let told = slice.iter().map(|command| &command.told);
        slice.first().map(|first| ConversionFacts::load(&first.config, told, tx)).transpose()
    }

    fn recall(&self, facts: &Self::Facts, recall: &mut Recall) {
        facts.as_ref().unwrap().recall(&self.told, recall);
    }

    fn decide(
        &self,
        facts: &mut Self::Facts,
        posting: &mut Posting<'_>,
    ) -> Result<(Outcome, Amount), Infallible> {
        Ok(facts.as_mut().unwrap().apply(&self.told, posting))
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        facts.map_or(Ok(()), |facts| facts.save(tx))
    }
}

#[test]
fn both_languages_have_the_same_texts() {
    assert_eq!(web::differences(&TEXTS), Vec::<String>::new());
}

#[test]
fn every_code_that_pages_show_has_its_text() {
    let frame = frame(&[TEXTS]);
    let keys = Outcome::ALL
        .iter()
        .map(|outcome| format!("outcome-{}", outcome.code()))
        .chain(crate::sheet::SheetColumn::ALL.iter().map(|c| format!("column-{}", c.code())))
        .chain(crate::sheet::RowProblem::ALL.iter().map(|p| format!("row-problem-{}", p.code())))
        .chain(["checked", "applying", "done"].map(|state| format!("report-state-{state}")))
        .chain(ClaimRefusal::ALL.iter().map(|one| format!("claim-refused-{}", one.code())))
        .chain(ClaimAction::ALL.iter().map(|one| format!("claim-event-{}", one.code())))
        .chain(ClaimState::CODES.iter().map(|code| format!("claim-state-{code}")))
        .chain(ClaimKind::ALL.iter().map(|kind| format!("claim-kind-{}", kind.code())))
        .chain(CampaignRefusal::ALL.iter().map(|one| format!("campaign-refused-{}", one.code())))
        .chain(
            ProposalRefusal::ALL.iter().map(|one| format!("destination-refused-{}", one.code())),
        );
    for key in keys {
        let text = frame.texts().get(Language::Japanese, &key);
        assert!(!text.contains('⟦'), "{text}");
    }
}

#[test]
fn the_statements_fit_and_the_schemas_agree() {
    let migrations = all_migrations();
    for_each_database(|test| {
        test.migrate(&migrations);
        prepare_all(test.database(), &statements());
    });
    assert_same_schema(&migrations);
}

/// More shops than the stories need, as a list looks in life.
fn furnish(stage: &Stage) {
    let shops = [
        ("tabibito", "たびびとトラベル", "travel", Reward::Rate { network: 500, member: 250 }),
        ("minato", "みなとデパート", "department", Reward::Rate { network: 200, member: 100 }),
        ("kutsuya", "くつやのはしもと", "fashion", Reward::Rate { network: 800, member: 400 }),
        (
            "denkiya",
            "でんきのあかり オンライン",
            "electronics",
            Reward::Rate { network: 120, member: 60 },
        ),
    ];
    for (number, (slug, name, category, reward)) in (10_u128..).zip(shops) {
        let (name, reading) = (Label::parse(name).unwrap(), Label::parse(slug).unwrap());
        let (slug, category) = (token(slug), token(category));
        let shop = Shop { company: OURS, slug, name, reading, category, listed: true };
        let id = shop.id();
        stage.site.save_shop(SaveShop { shop }).unwrap();
        let command = SaveOffer {
            id: Id::from_bits(1 << 80 | number),
            company: OURS,
            shop: id,
            terms: Stage::terms("main", reward),
            starts_at: at("2026-10-01 00:00"),
            ends_at: None,
        };
        stage.site.save_offer(command.clone()).unwrap().unwrap();
        if number == 12 {
            let terms = Stage::terms("main", Reward::Rate { network: 1_600, member: 900 });
            let ends_at = Some(at("2026-11-24 00:00"));
            let command = SaveOffer { terms, ends_at, ..command };
            stage.site.save_offer(command).unwrap().unwrap();
        }
    }
}

/// A month of Hana's: clicks, what became of them, and the report that decided.
fn live(stage: &Stage) -> String {
    let row = |external: u32, click: Id<kind::Click>, sale: u32, status: &str, reason: &str| {
        let (click, reward) = (reference(click), sale.saturating_mul(3).div_euclid(100));
        format!(
            "{external},2026/11/05 12:04:31,R-{external},{click},{sale},{reward},{status},{reason}\r\n"
        )
    };
    let heading = "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n";
    let days = ["11-01", "11-03", "11-05", "11-12", "11-20"];
    let mut clicks = Vec::new();
    for (number, day) in (100_u128..).zip(days) {
        stage.clock.set(at(&format!("2026-{day} 12:00")));
        let offer = if number == 103 { stage.card } else { stage.books };
        clicks.push(stage.click(number, offer));
    }
    stage.clock.set(at("2026-11-22 10:00"));
    let good: String = [
        row(881_201, clicks[0], 12_800, "承認", ""),
        row(881_202, clicks[1], 3_980, "否認", "キャンセル"),
        row(881_203, clicks[2], 6_400, "未確定", ""),
        row(881_204, clicks[3], 9_900, "未確定", ""),
        row(881_205, Id::from_bits(9 << 80), 2_000, "承認", ""),
    ]
    .concat();
    let bad = "881206,11月3日ごろ,R-881206,,980,29,承認,\r\n\
               881207,2026/11/03 12:04:31,R-881207,,980円くらい,29,承認,\r\n";
    let mut address = String::new();
    for (name, rows) in [
        ("2026-10_accesstrade.csv", good),
        ("2026-11_速報.csv", row(881_208, clicks[4], 5_000, "承認", "")),
    ] {
        let upload = UploadedReport {
            network: token("accesstrade"),
            account: token("main"),
            file_name: name.to_owned(),
            bytes: format!("{heading}{rows}{bad}").into_bytes(),
            by: stage.site.config().actor,
        };
        let report = receive_report(&stage.site, &upload).unwrap().report;
        if address.is_empty() {
            let by = stage.site.config().actor;
            stage.site.store().run(StartReport { report, company: OURS, by }).unwrap().unwrap();
            apply_reports(&stage.site).unwrap();
        }
        address = format!("{address} /staff/reports/{report}");
    }
    address
}

/// Every page in both languages, written to the folder of the build, to be looked at in a browser.
#[test]
fn every_page_is_complete_and_small() {
    let test = TestDatabase::sqlite();
    let stage = Stage::open(&test, Trust::Reports);
    furnish(&stage);
    let reports = live(&stage);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/point-site-pages");
    std::fs::create_dir_all(&folder).unwrap();
    let member = stage.client(Some(access::testing::member(7, OURS, HANA))).browser();
    let staff = access::testing::staff(8, OURS, access::Role::Sales);
    let staff = stage.client(Some(staff)).browser();
    let site = std::net::SocketAddr::from(([127, 0, 0, 1], 1));
    let (slug, name) = ("kutsuya".to_owned(), "くつや".to_owned());
    let shop = SandboxShop { slug, name, pays: Pays::Rate(300) };
    let config = SandboxConfig { site, secret: String::new(), shops: vec![shop.clone()] };
    let sandbox = Sandbox::new(config, stage.clock.clone());
    sandbox.order(&shop, "", 3_980, 2);
    let pretend = Client::new(Stage::door_of(crate::sandbox::routes(&sandbox), None)).browser();
    let mut reports = reports.split_whitespace();
    let pages = [
        ("shops", &member, "/shops"),
        ("shops-none", &member, "/shops?q=none"),
        ("shop", &member, "/shops/kutsuya"),
        ("shop-fixed", &member, "/shops/card"),
        ("clicks", &member, "/clicks"),
        ("reports", &staff, "/staff/reports"),
        ("report-done", &staff, reports.next().unwrap()),
        ("report-checked", &staff, reports.next().unwrap()),
        ("sandbox-shop", &pretend, "/sandbox/shop/kutsuya?ref=01JD3T6Z8M3V5K1W9QXY2ABCDE"),
        ("sandbox-network", &pretend, "/sandbox/network"),
    ];
    for language in [Language::Japanese, Language::English] {
        for (name, client, path) in pages {
            let mark = if path.contains('?') { '&' } else { '?' };
            let path = format!("{path}{mark}lang={}", language.code());
            let page = wait(client.get(&path));
            assert_eq!(page.status.as_u16(), 200, "{path} {}", page.text);
            assert!(!page.text.contains('⟦'), "a text of {path} is missing: {}", page.text);
            assert!(page.text.len() < 40_000, "{path} has {} bytes", page.text.len());
            for file in ["app.css", "icon.svg"] {
                let address = Assets::new().address(file);
                std::fs::write(folder.join(file), wait(client.get(&address)).text).unwrap();
            }
            let html = page.text.replace(&Assets::new().address("app.css"), "app.css");
            let html = html.replace(&Assets::new().address("icon.svg"), "icon.svg");
            std::fs::write(folder.join(format!("{name}-{}.html", language.code())), html).unwrap();
        }
    }
}

/// Hana asks to leave.
pub(crate) fn ask_to_leave() -> crate::leaving::AskToLeave {
    use mail::{Body, Category, Letter, Recipient};
    let letter = Letter {
        id: Id::from_bits(9),
        company: OURS,
        category: Category::Service,
        to: Recipient::Member(HANA),
        subject: Label::parse("退会").unwrap(),
        body: Body::parse("14日以内は取り消せます。").unwrap(),
    };
    crate::leaving::AskToLeave { member: HANA, company: OURS, unit: UNIT, letter }
}
