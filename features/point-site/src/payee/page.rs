use askama::Template;
use serde::Deserialize;

use crate::exchange::own_member;
use crate::kana::{BankText, KanaError};
use crate::payee::store::find_active;
use crate::payee::{BankPayee, Payee, PayeeRefusal, PayeeState, RegisterPayee};
use crate::site::Site;
use crate::zengin::{AccountType, BankAccount, Digits, YuchoError};
use access::{Authenticated, Need};
use answers::OrProblem as _;
use vocabulary::Zone;
use web::components::{
    Button, DataList, FieldKind, LinkButton, Notice, Select, TextField, Tone, Weight,
};
use web::{
    Caller, Form, IntoResponse as _, Problem, Query, Redirect, Response, Routes, State, StatusCode,
    View, Words, get, post, problems,
};

const NEED: Need = Need::MemberSelf;

/// Where a member names their bank account.
pub(crate) fn routes() -> Routes<Site> {
    Routes::of("point-site")
        .on(get("/exchange/account", NEED.code()), show)
        .on(post("/exchange/account", NEED.code()).idempotent(), register)
}

#[derive(Template)]
#[template(path = "payee/page.html")]
struct Main<'a> {
    words: Words<'a>,
    notice: Option<Notice>,
    current: Option<DataList>,
    bank: Vec<TextField>,
    account_type: Select,
    name: TextField,
    yucho: Vec<TextField>,
    yucho_open: bool,
    save: Button,
    save_yucho: Button,
    back: LinkButton,
}

/// What was typed: into the form of other banks, or into that of Yucho.
#[derive(Clone, Debug, Default, Deserialize)]
struct Typed {
    #[serde(default)]
    form: String,
    #[serde(default)]
    bank: String,
    #[serde(default)]
    branch: String,
    #[serde(default)]
    account_type: String,
    #[serde(default)]
    number: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    sign: String,
    #[serde(default)]
    yucho_number: String,
    #[serde(default)]
    yucho_name: String,
}

/// A field that is wrong, and the key of what to say.
#[derive(Debug)]
struct Wrong {
    field: &'static str,
    key: &'static str,
    character: Option<char>,
}

impl Wrong {
    const fn new(field: &'static str, key: &'static str) -> Self {
        Self { field, key, character: None }
    }
}

impl Typed {
    fn parse(&self) -> Result<BankPayee, Vec<Wrong>> {
        if self.form == "yucho" {
            return self.parse_yucho();
        }
        let mut wrong = Vec::new();
        let (bank, branch) =
            (Digits::parse(&narrow(&self.bank)), Digits::parse(&narrow(&self.branch)));
        let number = Digits::padded(&narrow(&self.number));
        let account_type = self.account_type.bytes().next().and_then(AccountType::of);
        let name = name_of(&self.name, "name", &mut wrong);
        for (failed, field, key) in [
            (bank.is_err(), "bank", "payee-wrong-bank"),
            (branch.is_err(), "branch", "payee-wrong-branch"),
            (number.is_err(), "number", "payee-wrong-number"),
        ] {
            if failed {
                wrong.push(Wrong::new(field, key));
            }
        }
        match (bank, branch, number, account_type, name) {
            (Ok(bank), Ok(branch), Ok(number), Some(account_type), Some(name)) => {
                let account = BankAccount { bank, branch, account_type, number };
                Ok(BankPayee { account, name })
            }
            _ => Err(wrong),
        }
    }

    fn parse_yucho(&self) -> Result<BankPayee, Vec<Wrong>> {
        let mut wrong = Vec::new();
        let account = BankAccount::yucho(&narrow(&self.sign), &narrow(&self.yucho_number));
        let name = name_of(&self.yucho_name, "yucho_name", &mut wrong);
        match (account, name) {
            (Ok(account), Some(name)) => Ok(BankPayee { account, name }),
            (Ok(_), None) => Err(wrong),
            (Err(error), _) => {
                wrong.push(match error {
                    YuchoError::Sign => Wrong::new("sign", "payee-wrong-sign"),
                    YuchoError::Number | YuchoError::CurrentNumber => {
                        Wrong::new("yucho_number", "payee-wrong-yucho_number")
                    }
                });
                Err(wrong)
            }
        }
    }
}

fn name_of(text: &str, field: &'static str, wrong: &mut Vec<Wrong>) -> Option<BankText<30>> {
    match BankText::parse(text) {
        Ok(name) => Some(name),
        Err(KanaError::Empty) => {
            wrong.push(Wrong::new(field, "payee-wrong-name-empty"));
            None
        }
        Err(KanaError::Character(character) | KanaError::Mark(character)) => {
            wrong.push(Wrong {
                character: Some(character),
                ..Wrong::new(field, "payee-wrong-name")
            });
            None
        }
    }
}

/// Full-width digits are digits; blanks and hyphens do not matter.
fn narrow(text: &str) -> String {
    text.chars()
        .filter(|character| !character.is_whitespace() && !"-－ー".contains(*character))
        .map(|character| match character {
            '０'..='９' => u32::from(character)
                .checked_sub(u32::from('０'))
                .and_then(|digit| char::from_digit(digit, 10))
                .unwrap_or(character),
            other => other,
        })
        .collect()
}

/// What the page is to say above.
#[derive(Debug, Default, Deserialize)]
struct Asked {
    #[serde(default)]
    saved: Option<u8>,
}

async fn show(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Query(asked): Query<Asked>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let payee = site.read(move |reader| find_active(reader, member)).await?;
    let words = view.words();
    let saved = asked
        .saved
        .map(|_| Notice::new(Tone::Good, words.get("payee-saved"), words.get("payee-saved-text")));
    Ok(page(&site, &view, payee.as_ref(), &Typed::default(), &[], saved))
}

fn page(
    site: &Site,
    view: &View,
    payee: Option<&Payee>,
    typed: &Typed,
    wrong: &[Wrong],
    notice: Option<Notice>,
) -> Response {
    let words = view.words();
    let error = |field: &str| {
        let found = wrong.iter().find(|wrong| wrong.field == field);
        found.map_or_else(String::new, |wrong| match wrong.character {
            None => words.get(wrong.key).into_owned(),
            Some(found) => words.with(wrong.key, &[("character", found.to_string().into())]),
        })
    };
    let field = |name: &'static str, value: &str, kind: FieldKind, max: u32| {
        TextField::new(words, name, words.get(&format!("payee-{name}")))
            .kind(kind)
            .hint(words.get(&format!("payee-{name}-hint")))
            .value(value)
            .error(error(name))
            .characters_max(max)
    };
    let blocked = payee.filter(|payee| payee.state == PayeeState::Blocked).map(|_| {
        Notice::new(Tone::Bad, words.get("payee-blocked"), words.get("payee-blocked-text"))
    });
    let types =
        [("1", "payee-type-ordinary"), ("2", "payee-type-current"), ("4", "payee-type-savings")];
    let types = types.map(|(value, key)| (value.to_owned(), words.get(key).into_owned()));
    let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let main = Main {
        words,
        notice: notice.or(blocked),
        current: payee.map(|payee| {
            DataList::new()
                .pair(words.get("payee-current"), payee.shown.as_str().to_owned())
                .pair(words.get("payee-since"), Zone::JAPAN.format_minute(payee.registered_at))
        }),
        bank: vec![
            field("bank", &typed.bank, FieldKind::Figure, 8),
            field("branch", &typed.branch, FieldKind::Figure, 6),
            field("number", &typed.number, FieldKind::Figure, 14),
        ],
        account_type: Select::new("account_type", words.get("payee-account_type"), types.to_vec())
            .chosen(typed.account_type.as_str()),
        name: field("name", &typed.name, FieldKind::Text, 60),
        yucho: vec![
            field("sign", &typed.sign, FieldKind::Figure, 10),
            field("yucho_number", &typed.yucho_number, FieldKind::Figure, 16),
            field("yucho_name", &typed.yucho_name, FieldKind::Text, 60),
        ],
        yucho_open: typed.form == "yucho",
        save: Button::new(words.get("payee-save")).choice("form", "bank"),
        save_yucho: Button::new(words.get("payee-save-yucho"))
            .choice("form", "yucho")
            .weight(Weight::Quiet),
        back: LinkButton::new(words.get("exchange-back"), "/exchange").weight(Weight::Quiet),
    };
    let nav = (site.config().member_nav)(view);
    view.page(words.get("payee-title")).nav(nav).status(status).show(&main)
}

async fn register(
    State(site): State<Site>,
    view: View,
    Caller(who): Caller<Authenticated>,
    Form(typed): Form<Typed>,
) -> Result<Response, Problem> {
    let member = own_member(&site, &who)?;
    let current = site.read(move |reader| find_active(reader, member)).await?;
    let bank = match typed.parse() {
        Ok(bank) => bank,
        Err(wrong) => return Ok(page(&site, &view, current.as_ref(), &typed, &wrong, None)),
    };
    let now = site.now();
    let vault = &site.config().exchange.vault;
    let whose = (site.config().company, member);
    let payee = Payee::bank(site.next_id(now), whose, &bank, vault, now);
    let payee = payee.ok_or(Problem::new(&problems::INTERNAL_FAULT))?;
    match site.run(RegisterPayee { payee, by: who.actor() }).await.or_problem()? {
        Ok(_id) => Ok(Redirect::to("/exchange/account?saved=1").into_response()),
        Err(PayeeRefusal::Blocked) => {
            let field = if typed.form == "yucho" { "yucho_number" } else { "number" };
            let wrong = [Wrong::new(field, "payee-wrong-blocked")];
            Ok(page(&site, &view, current.as_ref(), &typed, &wrong, None))
        }
    }
}
