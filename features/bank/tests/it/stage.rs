use std::sync::Arc;

use serde_json::{Value, json};

use access::{Authenticated, Need, testing::api_key};
use bank::{Bank, BankTools, PROBLEMS, WebhookKey, routes};
use store::{
    Store, StoreOptions,
    testing::{TestDatabase, for_each_database},
};
use vocabulary::{CompanyNumber, ManualClock, SeededIds, SharedIds, Timestamp};
use web::{
    Admission, Guard, Method, Parts, Problem, Reach, Route, ServerOptions, problems,
    testing::{Answer, Client, door_with, frame},
};

pub(crate) const OPERATOR: CompanyNumber = CompanyNumber::OPERATOR;
pub(crate) const OURS: CompanyNumber = CompanyNumber::new(1);
pub(crate) const THEIRS: CompanyNumber = CompanyNumber::new(2);

/// Everything an API key can be given.
pub(crate) fn all_needs() -> Vec<Need> {
    Need::ALL.iter().copied().filter(|need| need.grantable()).collect()
}

/// Lets one caller in, with the check of the need that the real guard does.
#[derive(Debug)]
struct AsThis(Authenticated);

impl Guard for AsThis {
    fn admit(&self, route: &Route, parts: &mut Parts) -> Admission {
        if !self.0.needs().iter().any(|need| need.code() == route.need()) {
            return Admission::Denied(Box::new(Problem::new(&problems::FORBIDDEN)));
        }
        parts.extensions.insert(self.0);
        Admission::Granted
    }
}

/// A bank with two companies and a unit each, `PT` of ours and `XP` of theirs.
pub(crate) struct Stage {
    pub(crate) bank: Bank,
    pub(crate) clock: Arc<ManualClock>,
    runtime: tokio::runtime::Runtime,
}

/// Plays a story on every database there is.
pub(crate) fn play(story: impl Fn(&Stage)) {
    for_each_database(|test| story(&Stage::new(test)));
}

impl Stage {
    fn new(test: &TestDatabase) -> Self {
        let migrations = [store::MIGRATIONS, bank::MIGRATIONS].concat();
        test.migrate(&migrations);
        let clock = Arc::new(ManualClock::new(Timestamp::parse("2026-11-20T03:00:00Z").unwrap()));
        let options = StoreOptions::default();
        let store = Store::open(test.database(), options, clock.clone(), SeededIds::new(1), |_| ())
            .unwrap();
        let bank = Bank::new(BankTools {
            store,
            clock: clock.clone(),
            ids: SharedIds::new(SeededIds::new(2)),
            webhooks: WebhookKey::new([7; 32]),
            reach: Reach::PublicAndLoopback,
        });
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        let stage = Self { bank, clock, runtime: runtime.unwrap() };
        let operator = stage.client(OPERATOR);
        for (code, company, unit) in [("ours", OURS, "PT"), ("theirs", THEIRS, "XP")] {
            let form = json!({"code": code, "name": format!("{code} Ltd.")});
            let answer = stage.post(&operator, "/api/v1/companies", &form);
            assert_eq!(answer.status, 201, "{}", answer.text);
            let answer =
                stage.post(&stage.client(company), "/api/v1/units", &json!({"code": unit}));
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
        stage
    }

    /// A client of a company with every need.
    pub(crate) fn client(&self, company: CompanyNumber) -> Client {
        self.client_with(company, &all_needs())
    }

    /// A client of a company with some needs.
    pub(crate) fn client_with(&self, company: CompanyNumber, needs: &[Need]) -> Client {
        let guard = Arc::new(AsThis(api_key(5, company, needs)));
        let routes = routes(&self.bank);
        let door = door_with(routes, ServerOptions::default(), frame(&[]), guard).unwrap();
        Client::new(Arc::new(door))
    }

    pub(crate) fn block_on<T>(&self, work: impl Future<Output = T>) -> T {
        self.runtime.block_on(work)
    }

    pub(crate) fn get(&self, client: &Client, path: &str) -> Answer {
        self.block_on(client.get(path))
    }

    pub(crate) fn post(&self, client: &Client, path: &str, body: &Value) -> Answer {
        self.block_on(client.post_json(path, body))
    }

    pub(crate) fn send(
        &self,
        client: &Client,
        (method, path): (Method, &str),
        body: &Value,
    ) -> Answer {
        let body = serde_json::to_vec(body).unwrap();
        self.block_on(client.send(method, path, "application/json", body))
    }

    /// The id of an account of the company's own in its unit, by role.
    pub(crate) fn own(&self, client: &Client, unit: &str, role: &str) -> String {
        let unit: Value = self.get(client, &format!("/api/v1/units/{unit}")).json();
        unit["accounts"][role].as_str().unwrap().to_owned()
    }

    /// Opens a member's account and grants it something.
    pub(crate) fn wallet(&self, client: &Client, unit: &str, amount: u32) -> String {
        let form = json!({"unit": unit, "side": "credit", "lots": true});
        let account: Value = self.post(client, "/api/v1/accounts", &form).json();
        let id = account["id"].as_str().unwrap().to_owned();
        if amount > 0 {
            let form = json!({
                "id": format!("welcome {id}"), "debit": self.own(client, unit, "cost"), "credit": id,
                "amount": amount, "kind": "grant", "lot": {"kind": "free", "expires_on": "2027-03-31"},
            });
            let answer = self.post(client, "/api/v1/transfers", &form);
            assert_eq!(answer.status, 201, "{}", answer.text);
        }
        id
    }
}

/// The status, and the problem's code if it is one.
pub(crate) fn told(answer: &Answer) -> (u16, String) {
    (answer.status.as_u16(), answer.problem_code())
}

/// The status and the code of a problem, to compare with.
pub(crate) fn problem(status: u16, code: &str) -> (u16, String) {
    (status, code.to_owned())
}

#[test]
fn every_route_is_described_and_its_problems_are_known() {
    play(|stage| {
        let routes = routes(&stage.bank);
        let title = web::ApiTitle { title: "Daifuku", version: "1", description: "" };
        let document = web::ApiDocument::try_new(title, &routes.list()).unwrap();
        assert_eq!(document.operations().len(), routes.list().len());
        for route in routes.list() {
            let known = Need::ALL.iter().any(|need| need.code() == route.need());
            assert!(known, "{} asks for {}", route.path(), route.need());
        }
        assert!(PROBLEMS.len() > 40, "{}", PROBLEMS.len());
    });
}
