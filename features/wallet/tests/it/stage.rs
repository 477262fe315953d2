//! What the stories stand on: a company with a unit, two members, a clock that is moved.

use std::{collections::BTreeMap, convert::Infallible, sync::Arc};

use access::{
    Authenticated, Need, Role,
    testing::{api_key, member, staff},
};
use ledger::{
    AccountNumber, AccountSpec, ActorNumber, BalanceRule, Batch, Few, IdleRule, Lot, LotKind,
    NormalSide, Remaining, Step, Transfer, TransferKind, Unit, UnitNumber, UnitPolicy, Wanted,
};
use store::{
    Command, Fault, Outcome, Posting, Store, StoreOptions, Tx, natural_id, registry,
    testing::{Setup, TestDatabase, for_each_database},
};
use vocabulary::{
    AccountRole, Amount, CompanyNumber, Day, Id, Label, ManualClock, Scale, SeededIds, Timestamp,
    Token, UnitCode, Zone, kind,
};
use wallet::{Explained, Explains, Wallet, member::OpenWallet, passbook::Line};
use web::{
    Admission, Assets, Frame, Guard, Language, NavItem, Problem, Route, ServerOptions, Texts, View,
    problems,
    testing::{Client, door_with},
};

pub(crate) const OURS: CompanyNumber = CompanyNumber::new(1);
pub(crate) const THEIRS: CompanyNumber = CompanyNumber::new(2);
pub(crate) const POINTS: UnitNumber = UnitNumber::new(1);
pub(crate) const HANA: Id<kind::Member> = Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_0001);
pub(crate) const TARO: Id<kind::Member> = Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_0002);
pub(crate) const STRANGER: Id<kind::Member> =
    Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_0003);

/// Makes companies known.
struct Found(Vec<registry::Company>);

impl Command for Found {
    type Facts = Vec<registry::Company>;
    type Receipt = ();
    type Refusal = Infallible;

    const NAME: &'static str = "found companies";

    fn load(_: &[Self], _: &mut Tx<'_>) -> Result<Self::Facts, Fault> {
        Ok(Vec::new())
    }

    fn decide(&self, facts: &mut Self::Facts, _: &mut Posting<'_>) -> Result<(), Infallible> {
        facts.extend(self.0.iter().cloned());
        Ok(())
    }

    fn save(facts: Self::Facts, tx: &mut Tx<'_>) -> Result<(), Fault> {
        registry::save_companies(tx, &facts)
    }
}

/// Who sits at the door: lets them in where they meet the route's need.
#[derive(Debug)]
struct Seat(Option<Authenticated>);

impl Guard for Seat {
    fn admit(&self, route: &Route, parts: &mut web::Parts) -> Admission {
        let Some(need) = Need::parse(route.need()) else { return Admission::Granted };
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

/// A database with the books open on it.
pub(crate) struct Stage {
    pub(crate) store: Store,
    pub(crate) clock: Arc<ManualClock>,
    runtime: tokio::runtime::Runtime,
}

/// Plays a story on each database.
pub(crate) fn play(story: impl Fn(&Stage)) {
    for_each_database(|test| story(&Stage::open(test)));
}

fn unit(number: UnitNumber, code: &str, issuer: CompanyNumber) -> Unit {
    Unit {
        number,
        code: UnitCode::parse(code).unwrap(),
        scale: Scale::default(),
        issuer,
        policy: UnitPolicy::default(),
    }
}

fn company(number: CompanyNumber) -> registry::Company {
    registry::Company {
        number,
        id: company_id(number),
        code: Token::parse(&format!("company-{number}")).unwrap(),
        name: Label::parse("会社").unwrap(),
        opened_at: Timestamp::default(),
    }
}

pub(crate) fn company_id(number: CompanyNumber) -> Id<kind::Company> {
    Id::from_bits(0x0192_0000_0000_0000_0000_0000_C000_0000 + u128::from(number.get()))
}

/// Noon of a day in Japan.
pub(crate) fn noon(day: &str) -> Timestamp {
    Zone::JAPAN.parse_local(&format!("{day} 12:00:00")).unwrap()
}

pub(crate) fn free_until(day: &str) -> Lot {
    Lot::try_new(OURS, LotKind::Free, Some(Day::parse(day).unwrap())).unwrap()
}

impl Stage {
    pub(crate) fn open(test: &TestDatabase) -> Self {
        test.migrate(&[store::MIGRATIONS, mail::MIGRATIONS, wallet::MIGRATIONS].concat());
        let clock = Arc::new(ManualClock::new(noon("2026-07-01")));
        let store = Store::open(
            test.database(),
            StoreOptions::default(),
            clock.clone(),
            SeededIds::new(1),
            |_| {},
        )
        .unwrap();
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
        let stage = Self { store, clock, runtime: runtime.unwrap() };
        stage.store.run(Found(vec![company(OURS), company(THEIRS)])).unwrap().unwrap();
        let theirs = UnitNumber::new(2);
        let mut ours = unit(POINTS, "HPT", OURS);
        let units = vec![ours, unit(theirs, "XPT", THEIRS)];
        let accounts = vec![
            spec(company_id(OURS), AccountRole::Cost),
            spec(company_id(OURS), AccountRole::Breakage),
        ];
        let opened = stage.store.run(Setup { units, accounts }).unwrap().unwrap();
        ours.policy.breakage = Some(opened[1]);
        ours.policy.idle_rules =
            Few::<IdleRule>::parse("earn,use,visit 365 days from 2020-01-01").unwrap();
        stage.store.run(Setup { units: vec![ours], accounts: vec![] }).unwrap().unwrap();
        for (member, company, unit) in
            [(HANA, OURS, POINTS), (TARO, OURS, POINTS), (STRANGER, THEIRS, theirs)]
        {
            stage.store.run(OpenWallet { member, company, unit }).unwrap().unwrap();
        }
        stage
    }

    pub(crate) fn at(&self, day: &str) -> &Self {
        self.clock.set(noon(day));
        self
    }

    pub(crate) fn account_of(&self, member: Id<kind::Member>) -> AccountNumber {
        let id = Id::of(member, POINTS.get(), AccountRole::Member);
        self.store.find_account(id).unwrap()
    }

    fn cost(&self) -> AccountNumber {
        let id = Id::of(company_id(OURS), POINTS.get(), AccountRole::Cost);
        self.store.find_account(id).unwrap()
    }

    /// Posts one step, which must succeed, under an id made of its name.
    pub(crate) fn post(&self, name: &str, steps: Vec<Step>) -> Id<kind::Batch> {
        let id = natural_id("test", &[name.as_bytes()]);
        let batch = Batch::try_new(id, ActorNumber::SYSTEM, steps).unwrap();
        match self.store.post(vec![batch]).unwrap()[0] {
            Outcome::Posted(_) => id,
            Outcome::Refused(refused) => panic!("{name}: {}", refused.refusal),
        }
    }

    pub(crate) fn grant(&self, name: &str, amount: u32, until: &str) -> Id<kind::Batch> {
        self.grant_to(HANA, name, amount, until)
    }

    pub(crate) fn grant_to(
        &self,
        member: Id<kind::Member>,
        name: &str,
        amount: u32,
        until: &str,
    ) -> Id<kind::Batch> {
        let step = Step::Transfer(Transfer {
            debit: self.cost(),
            credit: self.account_of(member),
            amount: Wanted::Exactly(Amount::from(amount)),
            kind: TransferKind::Grant,
            code: 0,
            lot: Some(free_until(until)),
        });
        self.post(name, vec![step])
    }

    pub(crate) fn spend(&self, name: &str, amount: u32, kind: TransferKind) {
        let step = Step::Transfer(Transfer {
            debit: self.account_of(HANA),
            credit: self.cost(),
            amount: Wanted::Exactly(Amount::from(amount)),
            kind,
            code: 0,
            lot: None,
        });
        self.post(name, vec![step]);
    }

    pub(crate) fn announce(&self, shop: &str, amount: u32, due: &str) {
        let step = Step::Announce {
            id: expectation_of(shop),
            debit: self.cost(),
            credit: self.account_of(HANA),
            amount: Amount::from(amount),
            due_at: Some(noon(due)),
            code: 0,
        };
        self.post(&format!("announce {shop}"), vec![step]);
    }

    pub(crate) fn approve(&self, shop: &str, until: &str) {
        let step = Step::GrantExpectation {
            expectation: expectation_of(shop),
            amount: None,
            lot: Some(free_until(until)),
            remaining: Remaining::Release,
            code: 0,
        };
        self.post(&format!("approve {shop}"), vec![step]);
    }

    pub(crate) fn reject(&self, shop: &str) {
        let step =
            Step::ChangeExpectation { expectation: expectation_of(shop), amount: Amount::ZERO };
        self.post(&format!("reject {shop}"), vec![step]);
    }

    /// Changes how long points live whose owner does nothing.
    pub(crate) fn idle_rule(&self, text: &str) {
        let mut unit = self.store.look(|book| *book.find_unit(POINTS).unwrap());
        unit.policy.idle_rules = Few::<IdleRule>::parse(text).unwrap();
        self.store.run(Setup { units: vec![unit], accounts: vec![] }).unwrap().unwrap();
    }

    pub(crate) fn wallet(&self) -> Wallet {
        Wallet {
            store: self.store.clone(),
            clock: self.clock.clone(),
            explains: Arc::new(Shops),
            navigation,
            shops: Some("/shops"),
            exchange: Some("/exchange"),
            ranks: Some("/rank"),
            invite: Some("/invite"),
        }
    }

    /// Opens the door for one who asks.
    pub(crate) fn client(&self, who: Option<Authenticated>) -> Client {
        self.client_with(who, Arc::new(Shops))
    }

    pub(crate) fn client_with(
        &self,
        who: Option<Authenticated>,
        explains: Arc<dyn Explains>,
    ) -> Client {
        let wallet = Wallet { explains, ..self.wallet() };
        let frame = frame();
        let routes = wallet::routes(&wallet).and(wallet::home(&wallet)).and(frame.routes());
        let door = door_with(routes, ServerOptions::default(), frame, Arc::new(Seat(who))).unwrap();
        Client::new(Arc::new(door))
    }

    pub(crate) fn hana(&self) -> Client {
        self.client(Some(member(7, OURS, HANA))).browser()
    }

    pub(crate) fn taro(&self) -> Client {
        self.client(Some(member(8, OURS, TARO))).browser()
    }

    pub(crate) fn till(&self, company: CompanyNumber) -> Client {
        self.client(Some(api_key(9, company, &[Need::HoldWrite])))
    }

    pub(crate) fn desk(&self) -> Client {
        self.client(Some(staff(5, OURS, Role::Support)))
    }

    pub(crate) fn wait<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    /// Gets a page as text, which must be there.
    pub(crate) fn page(&self, client: &Client, path: &str) -> String {
        let answer = self.wait(client.get(path));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text);
        assert!(!answer.text.contains('⟦'), "{path} lacks a text: {}", answer.text);
        answer.text
    }
}

/// The frame around the pages, with all that people read.
pub(crate) fn frame() -> Arc<Frame> {
    let (name, kind, contents) = wallet::STYLE;
    let assets = Assets::new().with(name, kind, contents);
    let texts = Texts::try_new(&[web::TEXTS, wallet::TEXTS]).unwrap();
    Arc::new(Frame::new(texts, assets, &[web::PROBLEMS, wallet::PROBLEMS]))
}

fn spec(owner: Id<kind::Company>, role: AccountRole) -> AccountSpec {
    AccountSpec {
        id: Id::of(owner, POINTS.get(), role),
        unit: POINTS,
        company: OURS,
        side: NormalSide::Credit,
        rule: BalanceRule::Unlimited,
        lots: false,
    }
}

fn navigation(view: &View) -> Vec<NavItem> {
    let labels = match view.language() {
        Language::Japanese => ["ホーム", "ショップ", "通帳"],
        Language::English => ["Home", "Shops", "Passbook"],
    };
    let items = labels.into_iter().zip(["/", "/shops", "/passbook"]);
    items.map(|(label, href)| NavItem::new(label, href, view.path())).collect()
}

pub(crate) fn expectation_of(shop: &str) -> Id<kind::Expectation> {
    natural_id("test", &[shop.as_bytes()])
}

/// Knows a few shops.
struct Shops;

impl Explains for Shops {
    fn explain(&self, lines: &[Line], language: Language) -> Result<Vec<Option<Explained>>, Fault> {
        let shops = match language {
            Language::Japanese => [
                ("books", "ふくろう書店", "6,400 円の 5%", ""),
                ("travel", "旅のしおりトラベル", "128,000 円の 10%", ""),
                (
                    "shoes",
                    "くつ工房あゆみ",
                    "9,600 円の 5%",
                    "商品が返品されたため、無効になりました。",
                ),
            ],
            Language::English => [
                ("books", "Owl Books", "5% of 6,400 yen", ""),
                ("travel", "Shiori Travel", "10% of 128,000 yen", ""),
                ("shoes", "Ayumi Shoes", "5% of 9,600 yen", "The goods were returned."),
            ],
        };
        let known: BTreeMap<_, _> =
            shops.into_iter().map(|shop| (expectation_of(shop.0), shop)).collect();
        let explain = |line: &Line| {
            let (_, title, note, reason) = known.get(&line.expectation()?)?;
            Some(Explained {
                title: (*title).to_owned(),
                note: (*note).to_owned(),
                clicked_at: Some(noon("2026-09-01")).filter(|&click| click < line.at),
                reason: (!reason.is_empty()).then(|| (*reason).to_owned()),
                href: Some("/shops/1".to_owned()),
            })
        };
        Ok(lines.iter().map(explain).collect())
    }
}
