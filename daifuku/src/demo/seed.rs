//! The sample group: three companies, their units, people of every role, an API key.
//!
//! Everything is asked for as in production, by commands; ids follow from names, so that planting
//! twice changes nothing.

use core::convert::Infallible;

use anyhow::{Context as _, anyhow};

use super::authenticator;
use crate::house::House;
use access::{
    AddLogin, ApiKeyText, Authenticated, ChangeApiKey, EnrolSecondFactor, KeyChange, LoginKey,
    Need, NewSession, Password, PasswordHash, Realm, Role, SessionLimits, SignIn, SignOut,
    SignOutScope, Subject, TotpSalt, TotpSecret, TypedCode, check_enrolment, check_password,
    find_login,
};
use ledger::{
    ActivityKinds, Few, IdleRule, LotLife, Span, SpendOrder, Unit, UnitNumber, UnitPolicy,
};
use store::{Command, Fault, Posting, Tx, natural_id, registry};
use vocabulary::{
    AccountRole, CompanyNumber, Day, Email, Id, Label, Scale, SeededIds, Timestamp, Token,
    UnitCode, kind,
};

/// The password of everybody in the demo.
pub(crate) const PASSWORD: &str = "mame-daifuku-2026";

/// The company of the members' site.
pub(crate) const SHOPPING: CompanyNumber = CompanyNumber::new(1);

/// A further company of the group.
const TRAVEL: CompanyNumber = CompanyNumber::new(2);

/// Somebody of the demo.
#[derive(Clone, Copy, Debug)]
pub(super) struct Person {
    pub(super) name: &'static str,
    pub(super) mail: &'static str,
    pub(super) company: CompanyNumber,
    pub(super) role: Role,
}

/// Everybody who can sign in.
pub(super) const PEOPLE: &[Person] = &[
    member("会員 はな", "hana@example.jp"),
    member("会員 太郎", "taro@example.jp"),
    member("会員 ゆき", "yuki@example.jp"),
    operator("管理者", "admin@daifuku.example", Role::Administrator),
    operator("SRE", "sre@daifuku.example", Role::Sre),
    operator("サポート", "support@daifuku.example", Role::Support),
    operator("サポート責任者", "supervisor@daifuku.example", Role::Supervisor),
    operator("サポート副責任者", "deputy@daifuku.example", Role::Supervisor),
    operator("営業", "sales@daifuku.example", Role::Sales),
    operator("経理", "accounting@daifuku.example", Role::Accounting),
    operator("監査", "auditor@daifuku.example", Role::Auditor),
    Person {
        name: "ほしのショッピングの開発者",
        mail: "developer@hoshino.example",
        company: SHOPPING,
        role: Role::Developer,
    },
    Person {
        name: "たび日和の開発者",
        mail: "developer@tabi.example",
        company: TRAVEL,
        role: Role::Developer,
    },
];

const fn member(name: &'static str, mail: &'static str) -> Person {
    Person { name, mail, company: SHOPPING, role: Role::Member }
}

const fn operator(name: &'static str, mail: &'static str, role: Role) -> Person {
    Person { name, mail, company: CompanyNumber::OPERATOR, role }
}

impl Person {
    /// Gives the id of a member; nothing for staff.
    pub(super) fn member(&self) -> Option<Id<kind::Member>> {
        match self.subject() {
            Subject::Member(id) => Some(id),
            Subject::System | Subject::Job(_) | Subject::ApiKey(_) | Subject::Staff(_) => None,
        }
    }

    pub(super) fn subject(&self) -> Subject {
        let key = [self.mail.as_bytes()];
        match self.role {
            Role::Member => Subject::Member(natural_id("demo.member", &key)),
            Role::Developer
            | Role::Support
            | Role::Supervisor
            | Role::Sales
            | Role::Accounting
            | Role::Sre
            | Role::Administrator
            | Role::Auditor => Subject::Staff(natural_id("demo.staff", &key)),
        }
    }

    /// Gives the secret of the person's authenticator, and the salt it follows from.
    fn secret(&self, house: &House) -> (TotpSecret, TotpSalt) {
        let id: Id<kind::Session> = natural_id("demo.authenticator", &[self.mail.as_bytes()]);
        let salt = TotpSalt::from_bytes(id.to_bytes());
        (TotpSecret::derive(&house.totp_key(), self.subject(), salt), salt)
    }

    /// Gives what the person's phone shows; `None` for members, who need none.
    pub(super) fn code(&self, house: &House, now: Timestamp) -> Option<String> {
        let needed = self.role.second_factor_required();
        needed.then(|| authenticator::code(&self.secret(house).0.to_base32(), now)).flatten()
    }
}

/// The text of the demo's API key, which is no secret: it opens nothing but a demo on loopback.
pub(crate) fn api_key_text() -> ApiKeyText {
    ApiKeyText::draw(&mut SeededIds::new(2026))
}

/// Plants everything.
pub(super) fn plant(house: &House) -> anyhow::Result<()> {
    plant_group(house)?;
    plant_logins(house)?;
    plant_api_key(house)?;
    // A feature is one line here.
    Ok(())
}

/// Opens the companies and the units they issue.
fn plant_group(house: &House) -> anyhow::Result<()> {
    let company = |number: u16, code: &str, name: &str| -> anyhow::Result<registry::Company> {
        Ok(registry::Company {
            number: CompanyNumber::new(number),
            id: natural_id("demo.company", &[code.as_bytes()]),
            code: Token::parse(code)?,
            name: Label::parse(name)?,
            opened_at: house.world.clock.now(),
        })
    };
    let from = Day::parse("2020-01-01")?;
    let year = Span::Months(12);
    let life = LotLife { from, span: year, month_end: true };
    let by = ActivityKinds::ALL;
    let idle = IdleRule { by, span: year, month_end: false, from, until: None };
    let policy = UnitPolicy {
        lot_lives: Few::one(life),
        idle_rules: Few::one(idle),
        ..UnitPolicy::default()
    };
    let unit = |number: u16, code: &str, issuer: CompanyNumber, order: SpendOrder| {
        UnitCode::parse(code).map(|code| Unit {
            number: UnitNumber::new(number),
            code,
            scale: Scale::default(),
            issuer,
            policy: UnitPolicy { spend_order: order, ..policy },
        })
    };
    let group = OpenGroup {
        companies: vec![
            company(0, "daifuku", "大福帳")?,
            company(1, "hoshino", "ほしのショッピング")?,
            company(2, "tabi", "たび日和")?,
        ],
        units: vec![
            unit(1, "HPT", SHOPPING, SpendOrder::FreeBeforePaid)?,
            unit(2, "TPT", TRAVEL, SpendOrder::FreeBeforePaid)?,
            unit(3, "JPY", SHOPPING, SpendOrder::PaidBeforeFree)?,
        ],
    };
    let opened = house.store.run(group)?;
    opened.map_err(|_differs| anyhow!("an account of the demo is another one"))
}

/// Opens companies and units with the accounts that expired value goes to.
struct OpenGroup {
    companies: Vec<registry::Company>,
    units: Vec<Unit>,
}

/// The rows of [`OpenGroup`].
#[derive(Default)]
struct GroupRows {
    companies: Vec<registry::Company>,
    units: Vec<Unit>,
}

impl Command for OpenGroup {
    type Facts = GroupRows;
    type Receipt = ();
    type Refusal = store::AccountDiffers;

    const NAME: &'static str = "open group";

    fn load(_slice: &[Self], _tx: &mut Tx<'_>) -> Result<GroupRows, Fault> {
        Ok(GroupRows::default())
    }

    fn decide(
        &self,
        facts: &mut GroupRows,
        posting: &mut Posting<'_>,
    ) -> Result<(), store::AccountDiffers> {
        let mut units = Vec::new();
        for unit in &self.units {
            let issuer = self.companies.iter().find(|company| company.number == unit.issuer);
            let owner = issuer.ok_or(store::AccountDiffers)?.id;
            let mut policy = unit.policy;
            for (role, spec) in bank::system_accounts(owner, unit.issuer, unit.number) {
                let number = posting.open_account(spec)?;
                if role == AccountRole::Breakage {
                    policy.breakage = Some(number);
                }
            }
            units.push(Unit { policy, ..*unit });
        }
        for unit in units {
            posting.set_unit(unit);
            facts.units.push(unit);
        }
        facts.companies.extend(self.companies.iter().cloned());
        Ok(())
    }

    fn save(facts: GroupRows, tx: &mut Tx<'_>) -> Result<(), Fault> {
        registry::save_companies(tx, &facts.companies)?;
        registry::save_units(tx, &facts.units)
    }
}

/// Gives everybody a login, and staff an authenticator.
fn plant_logins(house: &House) -> anyhow::Result<()> {
    let mut chance = house.world.chance.clone();
    let password = Password::typed(PASSWORD);
    let hash = PasswordHash::make(&password, house.password_parameters(), &mut chance);
    let commands: Result<Vec<AddLogin>, vocabulary::TextError> = PEOPLE
        .iter()
        .map(|person| {
            Ok(AddLogin {
                by: Authenticated::SYSTEM,
                request: None,
                company: person.company,
                subject: person.subject(),
                role: person.role,
                mail: Email::parse(person.mail)?,
                password: hash.clone(),
            })
        })
        .collect();
    for added in house.store.run_all(commands?)? {
        added.context("add a login of the demo")?;
    }
    for person in PEOPLE.iter().filter(|person| person.role.second_factor_required()) {
        enrol(house, person, &password)?;
    }
    Ok(())
}

/// Sets up a person's authenticator, as the person does at the first sign-in.
fn enrol(house: &House, person: &Person, password: &Password) -> anyhow::Result<()> {
    let mut chance = house.world.chance.clone();
    let key = LoginKey::staff(&Email::parse(person.mail)?);
    let login = house.store.database().read(|reader| find_login(reader, key))?;
    let Some(login) = login.filter(|login| !login.second_factor_set()) else { return Ok(()) };
    let parameters = house.password_parameters();
    let verdict = check_password(key, Some(&login), password, parameters, &mut chance);
    let (secret, session) = NewSession::draw(SessionLimits::STAFF, &mut chance);
    let first = SignIn { verdict, session, previous: None, request: None };
    must(house.store.run(first)?);
    let now = house.world.clock.now();
    let found = house.sessions.find(house.store.database(), Realm::Staff, secret.expose(), now)?;
    let signed_in = found.context("sign in a person of the demo")?;
    let (totp, salt) = person.secret(house);
    // The code of the step before, so that the current one can still be used.
    let typed = authenticator::code(&totp.to_base32(), now.plus_seconds(-30));
    let typed = typed.and_then(|code| TypedCode::parse(&code));
    let verdict = check_enrolment(&house.totp_key(), &signed_in, salt, typed.as_ref(), now);
    let (secret, session) = NewSession::draw(SessionLimits::STAFF, &mut chance);
    let enrolment = EnrolSecondFactor {
        login: key,
        previous: signed_in.session(),
        verdict,
        codes: Vec::new(),
        session,
        request: None,
    };
    must(house.store.run(enrolment)?);
    house.sessions.forget_subject(person.subject());
    let session = access::SecretHash::of(secret.expose());
    let scope = SignOutScope::Here;
    must(house.store.run(SignOut { login: key, session, scope, request: None })?);
    Ok(())
}

fn must<T>(decision: Result<T, Infallible>) -> T {
    match decision {
        Ok(receipt) => receipt,
        Err(never) => match never {},
    }
}

/// Gives the shopping company a key for everything that a key can do.
fn plant_api_key(house: &House) -> anyhow::Result<()> {
    let text = api_key_text();
    let command = ChangeApiKey {
        by: Authenticated::SYSTEM,
        request: None,
        company: SHOPPING,
        key: natural_id("demo.api-key", &[b"hoshino"]),
        change: KeyChange::Create {
            label: Label::parse("demo")?,
            needs: Need::ALL.iter().copied().filter(|need| need.grantable()).collect(),
            expires_at: None,
            public_id: text.public_id(),
            hash: text.hash(),
        },
    };
    house.store.run(command)?.context("create the key of the demo")?;
    house.keys.refresh(house.store.database())?;
    Ok(())
}
