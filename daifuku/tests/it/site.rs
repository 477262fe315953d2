//! An installation for one test.

use std::sync::Arc;

use access::{
    AddLogin, ApiKeyText, Authenticated, ChangeApiKey, KeyChange, Need, Password, PasswordHash,
    Role, Subject,
};
use daifuku::{
    config::{Config, Sources},
    demo::code_of_authenticator,
    house::{Apply, House, World, prepare_schema},
    secrets::Secrets,
};
use ledger::{Unit, UnitNumber, UnitPolicy};
use store::{
    natural_id, registry,
    testing::{Setup, TestDatabase},
};
use vocabulary::{
    Clock as _, CompanyNumber, Email, IdSource as _, Label, ManualClock, Scale, SeededIds,
    SharedIds, Timestamp, Token, UnitCode,
};
use web::{
    Door, StatusCode,
    testing::{Answer, Client},
};

pub(crate) const PASSWORD: &str = "beans in a rice cake";
pub(crate) const SHOPPING: CompanyNumber = CompanyNumber::new(1);

/// 2026-11-20 12:00 in Japan.
const NOON: Timestamp = Timestamp::from_microseconds(1_795_143_600_000_000);

pub(crate) struct Site {
    pub(crate) house: House,
    pub(crate) clock: Arc<ManualClock>,
    pub(crate) door: Arc<Door>,
    _database: Option<TestDatabase>,
    _folder: tempfile::TempDir,
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::over(TestDatabase::sqlite(), &[])
    }

    pub(crate) fn over(database: TestDatabase, flags: &[&str]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut all = vec![
            format!("folder={}", folder.path().display()),
            "passwords.memory_kib=8".to_owned(),
            "passwords.passes=1".to_owned(),
            "sign_in.address_attempts=1000".to_owned(),
        ];
        all.extend(flags.iter().map(|&flag| flag.to_owned()));
        let config = Config::load(&Sources { flags: all, ..Sources::default() }).unwrap();
        let clock = Arc::new(ManualClock::new(NOON));
        let world = World {
            clock: Arc::<ManualClock>::clone(&clock),
            chance: SharedIds::new(SeededIds::new(1)),
        };
        prepare_schema(database.database(), &world, Apply::Additions).unwrap();
        let secrets = Secrets::new([7; 32]);
        let house = House::open(config, world, secrets, database.database(), |_| {}).unwrap();
        open_company(&house);
        let door = house.door().unwrap();
        Self { house, clock, door, _database: Some(database), _folder: folder }
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(Arc::clone(&self.door))
    }

    /// Gives a person a login, and its mail address.
    pub(crate) fn add(&self, name: &str, company: CompanyNumber, role: Role) -> String {
        let mail = format!("{name}@example.jp");
        let mut chance = self.house.world.chance.clone();
        let subject = match role {
            Role::Member => Subject::Member(natural_id("test.member", &[name.as_bytes()])),
            Role::Developer
            | Role::Support
            | Role::Supervisor
            | Role::Sales
            | Role::Accounting
            | Role::Sre
            | Role::Administrator
            | Role::Auditor => Subject::Staff(natural_id("test.staff", &[name.as_bytes()])),
        };
        let parameters = self.house.password_parameters();
        let command = AddLogin {
            by: Authenticated::SYSTEM,
            request: None,
            company,
            subject,
            role,
            mail: Email::parse(&mail).unwrap(),
            password: PasswordHash::make(&Password::typed(PASSWORD), parameters, &mut chance),
        };
        self.house.store.run(command).unwrap().unwrap();
        mail
    }

    /// Creates an API key of a company, and gives its text.
    pub(crate) fn add_key(&self, company: CompanyNumber, needs: &[Need]) -> String {
        let mut chance = self.house.world.chance.clone();
        let text = ApiKeyText::draw(&mut chance);
        let command = ChangeApiKey {
            by: Authenticated::SYSTEM,
            request: None,
            company,
            key: chance.next_id(self.clock.now()),
            change: KeyChange::Create {
                label: Label::parse("test").unwrap(),
                needs: needs.iter().copied().collect(),
                expires_at: None,
                public_id: text.public_id(),
                hash: text.hash(),
            },
        };
        self.house.store.run(command).unwrap().unwrap();
        self.house.keys.refresh(self.house.store.database()).unwrap();
        text.expose()
    }

    /// A browser of somebody who signs in through the doors, with the second step if it is asked
    /// for.
    pub(crate) async fn signed_in(&self, company: CompanyNumber, role: Role) -> Client {
        let mail = self.add(&format!("{}{company}", role.code()), company, role);
        let browser = self.client().browser();
        if role == Role::Member {
            let answer = self.send_password(&browser, "/sign-in", &mail).await;
            assert_eq!((answer.status, answer.header("location")), (StatusCode::SEE_OTHER, "/"));
            return browser;
        }
        let answer = self.send_password(&browser, "/staff/sign-in", &mail).await;
        assert_eq!(answer.status, StatusCode::SEE_OTHER);
        let form = browser.get(answer.header("location")).await;
        let answer = self.send_code(&browser, "/staff/sign-in/enrolment", &form).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.text);
        browser
    }

    pub(crate) async fn send_password(&self, browser: &Client, path: &str, mail: &str) -> Answer {
        browser.post_form(path, &[("mail", mail), ("password", PASSWORD)]).await
    }

    /// Sends the page of an enrolment back with the code that the secret on it gives now.
    pub(crate) async fn send_code(&self, browser: &Client, path: &str, form: &Answer) -> Answer {
        let code = code_of_authenticator(&secret_on(form), self.clock.now()).unwrap();
        let fields = [
            ("csrf", value_on(form, "csrf")),
            ("salt", value_on(form, "salt")),
            ("return", value_on(form, "return")),
            ("code", code),
        ];
        let fields: Vec<(&str, &str)> =
            fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        browser.post_form(path, &fields).await
    }
}

/// Puts the company of the members' site and its unit on the books.
fn open_company(house: &House) {
    let company = registry::Company {
        number: SHOPPING,
        id: natural_id("test.company", &[b"shopping"]),
        code: Token::parse("shopping").unwrap(),
        name: Label::parse("Shopping").unwrap(),
        opened_at: NOON,
    };
    let mut connection = house.store.database().connect().unwrap();
    let mut tx = connection.begin().unwrap();
    registry::save_companies(&mut tx, &[company]).unwrap();
    tx.commit().unwrap();
    let unit = Unit {
        number: UnitNumber::new(1),
        code: UnitCode::parse("HPT").unwrap(),
        scale: Scale::default(),
        issuer: SHOPPING,
        policy: UnitPolicy::default(),
    };
    house.store.run(Setup { units: vec![unit], accounts: Vec::new() }).unwrap().unwrap();
}

/// Reads the secret that a page shows to be typed into an app.
pub(crate) fn secret_on(page: &Answer) -> String {
    between(&page.text, "<code>", "</code>").replace(' ', "")
}

/// Reads the value of a hidden field.
pub(crate) fn value_on(page: &Answer, name: &str) -> String {
    between(&page.text, &format!("name=\"{name}\" value=\""), "\"").to_owned()
}

fn between<'a>(text: &'a str, start: &str, end: &str) -> &'a str {
    let rest = text.split_once(start).unwrap_or_else(|| panic!("no {start} in {text}")).1;
    rest.split_once(end).unwrap_or_else(|| panic!("no {end} in {rest}")).0
}

pub(crate) fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap().block_on(future)
}
