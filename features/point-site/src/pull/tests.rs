//! Stories over real HTTP: a member goes out, a pretend network pushes or is asked, points follow.

use core::fmt::Write as _;
use core::net::SocketAddr;
use std::cell::RefCell;
use std::sync::Arc;

use expect_test::expect;

use crate::click::reference;
use crate::conversion::Status;
use crate::message::process_messages;
use crate::network::Adapter;
use crate::network_account::tests::{key, set_up};
use crate::network_account::{NetworkAccount, NetworkTerms};
use crate::offer::{Reward, SaveOffer};
use crate::pull::store::list_pulls;
use crate::pull::{Feed, Pull, PullError, PullRun, Puller, Turn, pull_due};
use crate::sandbox_network::{Mischief, SandboxNetwork, SandboxNetworkConfig, SandboxNetworks};
use crate::tests::{OURS, Stage, at, token};
use crate::{Site, TEXTS, Trust};
use store::testing::{TestDatabase, for_each_database};
use store::{Statement, Store, StoreOptions};
use vocabulary::{Clock as _, Id, SeededIds, SharedIds};
use web::testing::{door_with, frame};
use web::{OpenToAll, Outgoing, OutgoingOptions, Reach, ServerOptions};

/// A site and one pretend network that serve on loopback, and what asks.
struct World<'a> {
    test: &'a TestDatabase,
    stage: &'a Stage,
    network: SandboxNetwork,
    puller: Puller,
    offer: Id<vocabulary::kind::Offer>,
    clicks: RefCell<u128>,
}

impl World<'_> {
    /// A member goes out and buys; tells the network's number.
    fn buy(&self, sale: i64) -> u32 {
        let next = *self.clicks.borrow();
        self.clicks.replace(next + 1);
        let click = self.stage.click(next, self.offer);
        self.stage.clock.advance_seconds(60);
        self.network.occur(&reference(click), sale, (sale * 3).div_euclid(100))
    }

    fn pull(&self) -> PullRun {
        block_on(async { pull_due(&self.puller).await.unwrap() })
    }

    /// Asks later, so that something is due, until there is nothing more, and does what came.
    fn pull_later(&self) -> PullRun {
        self.stage.clock.advance_seconds(700);
        let mut all = PullRun::default();
        loop {
            let run = self.pull();
            all = PullRun {
                pages: all.pages + run.pages,
                stored: all.stored + run.stored,
                failed: all.failed + run.failed,
            };
            if run.failed > 0 || self.row().work.is_none() {
                break;
            }
            // More pages than the network gives in a minute.
            self.stage.clock.advance_seconds(60);
        }
        self.process();
        all
    }

    fn process(&self) {
        while process_messages(&self.stage.site).unwrap() > 0 {}
    }

    fn row(&self) -> Pull {
        let companies = [OURS].into();
        let database = self.stage.site.store().database();
        let pulls = database.read(|reader| list_pulls(reader, &companies)).unwrap();
        pulls.into_values().next().unwrap_or_default()
    }

    fn count(&self, statement: &'static Statement) -> u64 {
        let database = self.stage.site.store().database();
        let rows = database.read(|reader| reader.query(statement, &[])).unwrap();
        rows[0].unsigned(0).unwrap()
    }
}

static MESSAGES: Statement = Statement::new("count messages", "SELECT COUNT(*) FROM site_message");
static REVIEWS: Statement = Statement::new(
    "list reviews",
    "SELECT review FROM site_conversion WHERE review IS NOT NULL ORDER BY id",
);

fn block_on<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn puller(site: &Site) -> Puller {
    let options = OutgoingOptions {
        reach: Reach::PublicAndLoopback,
        body_max: 1 << 20,
        ..OutgoingOptions::default()
    };
    Puller::new(site, Outgoing::try_new(options, &[]).unwrap())
}

/// Plays a story with a network of one form.
fn with_network(
    test: &TestDatabase,
    adapter: Adapter,
    edit: impl Fn(&mut NetworkTerms),
    story: impl Fn(&World<'_>) + Sync,
) {
    let stage = Stage::open(test, Trust::Reports);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listen = SocketAddr::from(([127, 0, 0, 1], 0));
    let options = ServerOptions { listen, ..ServerOptions::default() };
    let listener = runtime.block_on(web::bind(&options)).unwrap();
    let site = listener.local_addr().unwrap();
    let account = set_up(&stage, adapter, |terms| {
        terms.pulling = !adapter.feeds().is_empty();
        if terms.pulling {
            terms.base = format!("http://{site}/sandbox/networks/{}", adapter.code());
        }
        edit(terms);
    });
    let network = open_network(&stage, &account, site);
    let networks = SandboxNetworks::new(vec![network.clone()]);
    let routes = crate::routes(&stage.site).and(crate::sandbox_network::routes(&networks));
    let frame = frame(&[TEXTS]);
    let routes = routes.and(frame.routes());
    let door = door_with(routes, ServerOptions::default(), frame, Arc::new(OpenToAll)).unwrap();
    let offer = offer(&stage, adapter);
    std::thread::scope(|scope| {
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let told = scope.spawn(|| {
            let puller = puller(&stage.site);
            let clicks = RefCell::new(1);
            story(&World { test, stage: &stage, network, puller, offer, clicks });
            drop(stop);
        });
        let _drained = runtime.block_on(web::serve(listener, Arc::new(door), async {
            drop(stopped.await);
        }));
        told.join().unwrap();
    });
}

fn open_network(stage: &Stage, account: &NetworkAccount, site: SocketAddr) -> SandboxNetwork {
    let config = SandboxNetworkConfig {
        adapter: account.adapter,
        site,
        path: account.path(&stage.site.config().network_key),
        identifier: account.terms.identifier.clone(),
        key: "client".to_owned(),
        secret: "s3cret".to_owned(),
        currency: account.terms.currency,
    };
    SandboxNetwork::new(config, stage.clock.clone())
}

/// An offer of 1.5 % by the account that is asked.
fn offer(stage: &Stage, adapter: Adapter) -> Id<vocabulary::kind::Offer> {
    let mut terms = Stage::terms("asked", Reward::Rate { network: 300, member: 150 });
    terms.network = token(adapter.code());
    let id = Id::from_bits(1 << 80 | 0x28);
    let (company, shop) = (OURS, stage.shop("books"));
    let starts_at = at("2026-10-01 00:00");
    let save = SaveOffer { id, company, shop, terms, starts_at, ends_at: None };
    stage.site.save_offer(save).unwrap().unwrap();
    id
}

/// Plays a story on both databases; what it tells must be the same on each.
fn tell(
    adapter: Adapter,
    edit: impl Fn(&mut NetworkTerms),
    story: impl Fn(&World<'_>) -> String + Sync,
) -> String {
    let told = std::sync::Mutex::new(Vec::new());
    for_each_database(|test| {
        with_network(test, adapter, &edit, |world| told.lock().unwrap().push(story(world)));
    });
    let mut told = told.into_inner().unwrap();
    told.dedup();
    assert_eq!(told.len(), 1, "the databases differ: {told:#?}");
    told.remove(0)
}

/// A purchase of 4,000 minor units that is approved and later taken back.
fn life(adapter: Adapter, trust: Trust) -> String {
    tell(
        adapter,
        |terms| terms.trust = trust,
        |world| {
            let mut text = String::new();
            let number = world.buy(4_000);
            let mut note = |what: &str| {
                world.process();
                writeln!(text, "  {what}: {}", world.stage.purse()).unwrap();
            };
            world.network.send(number).unwrap();
            note("bought");
            world.pull_later();
            note("asked");
            // Rakuten's rows that count come a day later.
            world.stage.clock.advance_seconds(90_000);
            for (what, status) in [("approved", Status::Approved), ("rejected", Status::Rejected)] {
                world.network.decide(number, status);
                world.network.send(number).unwrap();
                world.pull_later();
                note(what);
            }
            world.pull_later();
            note("asked again");
            for row in world.stage.site.store().database().read(|r| r.query(&REVIEWS, &[])).unwrap()
            {
                writeln!(text, "  review: {}", row.text(0).unwrap()).unwrap();
            }
            format!("{}\n{text}", adapter.code())
        },
    )
}

#[test]
fn networks_that_push_and_are_asked() {
    let told: String =
        [Adapter::Awin, Adapter::Impact].map(|one| life(one, Trust::Reports)).concat();
    expect![[r#"
        awin
          bought: has 0 expects 60 owes 0
          asked: has 0 expects 60 owes 0
          approved: has 60 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
        impact
          bought: has 0 expects 60 owes 0
          asked: has 0 expects 60 owes 0
          approved: has 60 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
          review: claim_differs
    "#]]
    .assert_eq(&told);
}

#[test]
fn networks_that_are_only_asked() {
    let all = [Adapter::Cj, Adapter::Rakuten, Adapter::ValueCommerce, Adapter::A8];
    let told: String = all.map(|one| life(one, Trust::Reports)).concat();
    expect![[r#"
        cj
          bought: has 0 expects 0 owes 0
          asked: has 0 expects 60 owes 0
          approved: has 60 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
        rakuten
          bought: has 0 expects 0 owes 0
          asked: has 0 expects 60 owes 0
          approved: has 0 expects 60 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
        valuecommerce
          bought: has 0 expects 0 owes 0
          asked: has 0 expects 60 owes 0
          approved: has 60 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
        a8
          bought: has 0 expects 0 owes 0
          asked: has 0 expects 0 owes 0
          approved: has 0 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
          review: status_unknown
    "#]]
    .assert_eq(&told);
}

#[test]
fn networks_that_only_push() {
    let all = [Adapter::AccessTrade, Adapter::Tune, Adapter::Affilicode, Adapter::Affise];
    let told: String = all.map(|one| life(one, Trust::Postbacks)).concat();
    expect![[r#"
        accesstrade
          bought: has 0 expects 60 owes 0
          asked: has 0 expects 60 owes 0
          approved: has 60 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
        tune
          bought: has 0 expects 60 owes 0
          asked: has 0 expects 60 owes 0
          approved: has 60 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
        affilicode
          bought: has 0 expects 0 owes 0
          asked: has 0 expects 0 owes 0
          approved: has 60 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
        affise
          bought: has 0 expects 60 owes 0
          asked: has 0 expects 60 owes 0
          approved: has 60 expects 0 owes 0
          rejected: has 0 expects 0 owes 0
          asked again: has 0 expects 0 owes 0
    "#]]
    .assert_eq(&told);
}

#[test]
fn a_page_that_did_not_change_is_not_stored_again() {
    for_each_database(|test| {
        with_network(
            test,
            Adapter::ValueCommerce,
            |_| (),
            |world| {
                world.buy(4_000);
                let first = world.pull_later();
                assert_eq!((first.stored, first.failed), (1, 0), "{first:?}");
                assert!(first.pages > 4, "the weeks of the look back are asked for: {first:?}");
                for _again in 0..3 {
                    let again = world.pull_later();
                    assert_eq!((again.stored, again.failed), (0, 0));
                    assert!(again.pages > 0, "it was asked");
                }
                assert_eq!((world.count(&MESSAGES), world.row().pages), (1, 1));
                assert!(world.pull().idle(), "nothing is due");
                world.buy(1_000);
                assert_eq!(world.pull_later().stored, 1);
                assert_eq!(world.stage.purse(), "has 0 expects 75 owes 0");
            },
        );
    });
}

#[test]
fn what_is_decided_late_and_what_happened_while_we_were_away_is_seen() {
    for adapter in [Adapter::Awin, Adapter::ValueCommerce, Adapter::Cj, Adapter::Impact] {
        for_each_database(|test| {
            with_network(
                test,
                adapter,
                |terms| terms.look_back_days = 45,
                |world| {
                    let late = world.buy(4_000);
                    world.pull_later();
                    world.stage.clock.advance_seconds(30 * 86_400);
                    world.buy(2_000);
                    world.stage.clock.advance_seconds(10 * 86_400);
                    world.network.decide(late, Status::Approved);
                    world.pull_later();
                    let purse = world.stage.purse();
                    assert_eq!(purse, "has 60 expects 30 owes 0", "{}", adapter.code());
                },
            );
        });
    }
}

#[test]
fn many_pages_are_read_to_the_end() {
    for (adapter, rows_max) in [(Adapter::Cj, 2), (Adapter::ValueCommerce, 2), (Adapter::Impact, 2)]
    {
        for_each_database(|test| {
            let narrow = |terms: &mut NetworkTerms| terms.look_back_days = 3;
            with_network(test, adapter, narrow, |world| {
                world.network.limit_rows(rows_max);
                for _purchase in 0..7 {
                    world.buy(1_000);
                }
                let run = world.pull_later();
                assert!(run.stored >= 4, "{run:?}");
                assert_eq!(world.stage.purse(), "has 0 expects 105 owes 0", "{}", adapter.code());
            });
        });
    }
}

#[test]
fn rows_twice_and_in_any_order_change_nothing() {
    for adapter in [Adapter::Awin, Adapter::Cj, Adapter::Rakuten, Adapter::ValueCommerce] {
        for mischief in [Mischief::Twice, Mischief::Reversed] {
            let test = TestDatabase::sqlite();
            with_network(
                &test,
                adapter,
                |terms| terms.look_back_days = 3,
                |world| {
                    let number = world.buy(4_000);
                    world.buy(2_000);
                    // A correction that is there before the original was ever seen.
                    world.network.restate(number, 3_000, 90);
                    world.stage.clock.advance_seconds(86_400);
                    for _answer in 0..4 {
                        world.network.misbehave(mischief);
                    }
                    world.pull_later();
                    world.pull_later();
                    let told = format!("{} {mischief:?}", adapter.code());
                    assert_eq!(world.stage.purse(), "has 0 expects 75 owes 0", "{told}");
                },
            );
        }
    }
}

#[test]
fn an_event_that_comes_again_after_its_rows_were_added_up_changes_nothing() {
    for_each_database(|test| {
        let narrow = |terms: &mut NetworkTerms| terms.look_back_days = 3;
        with_network(test, Adapter::Rakuten, narrow, |world| {
            let number = world.buy(4_000);
            world.network.restate(number, 3_000, 90);
            world.stage.clock.advance_seconds(86_400);
            world.pull_later();
            assert_eq!(world.stage.purse(), "has 0 expects 45 owes 0");
            // The page of events is another one now, and is read without the rows that count.
            world.network.misbehave(Mischief::Twice);
            assert_eq!(world.pull_later().stored, 1);
            assert_eq!(world.stage.purse(), "has 0 expects 45 owes 0");
        });
    });
}

#[test]
fn a_network_that_locks_is_left_alone_until_it_opens() {
    for_each_database(|test| {
        with_network(
            test,
            Adapter::ValueCommerce,
            |terms| terms.look_back_days = 3,
            |world| {
                world.buy(4_000);
                world.network.misbehave(Mischief::Lock { retry_after_seconds: None });
                assert_eq!(world.pull_later(), PullRun { failed: 1, ..PullRun::default() });
                assert_eq!(world.row().last_error.unwrap().0, PullError::Locked);
                for _minute in 0..30 {
                    world.stage.clock.advance_seconds(60);
                    assert!(world.pull().idle(), "who asks a locked network prolongs the lock");
                }
                assert_eq!(world.network.times_asked(), 1);
                world.stage.clock.advance_seconds(60);
                assert_eq!(world.pull_later().failed, 0);
                assert_eq!(world.stage.purse(), "has 0 expects 60 owes 0");
            },
        );
    });
}

#[test]
fn what_goes_wrong_is_told_and_the_same_page_is_asked_for_again() {
    let test = TestDatabase::sqlite();
    with_network(
        &test,
        Adapter::ValueCommerce,
        |terms| terms.look_back_days = 3,
        |world| {
            world.buy(4_000);
            let table = [
                (Mischief::Unavailable, PullError::Unavailable),
                (Mischief::Broken, PullError::Unreadable),
                (Mischief::TokenWithdrawn, PullError::Unauthorized),
                (Mischief::Lock { retry_after_seconds: Some(7_200) }, PullError::Locked),
            ];
            let mut work = None;
            for (failures, (mischief, error)) in (1_u32..).zip(table) {
                world.network.misbehave(mischief);
                world.stage.clock.advance_seconds(4_000);
                assert_eq!(world.pull().failed, 1, "{mischief:?}");
                let row = world.row();
                assert_eq!(row.last_error, Some((error, world.stage.clock.now())), "{mischief:?}");
                assert_eq!((row.failures, row.stuck()), (failures, failures >= 3));
                assert!(work.is_none_or(|before| before == row.work), "it stays where it was");
                work = Some(row.work);
            }
            assert_eq!(world.count(&MESSAGES), 1, "what could not be read is kept");
            world.stage.clock.advance_seconds(7_100);
            assert!(
                world.pull().idle(),
                "it said for how long it is closed, and is locked besides"
            );
            world.stage.clock.advance_seconds(101);
            assert_eq!(world.pull_later().failed, 0);
            assert_eq!((world.row().failures, world.row().stuck()), (0, false));
            assert_eq!(world.stage.purse(), "has 0 expects 60 owes 0");
        },
    );
}

#[test]
fn strange_words_and_times_of_another_zone_wait_for_a_person() {
    for (mischief, review) in
        [(Mischief::StrangeWords, "status_unknown"), (Mischief::ZoneWrong, "event_in_future")]
    {
        let test = TestDatabase::sqlite();
        with_network(
            &test,
            Adapter::Awin,
            |terms| terms.look_back_days = 1,
            |world| {
                world.buy(4_000);
                for _answer in 0..4 {
                    world.network.misbehave(mischief);
                }
                world.stage.clock.advance_seconds(600);
                world.pull();
                world.process();
                assert_eq!(world.stage.purse(), "has 0 expects 0 owes 0");
                let database = world.stage.site.store().database();
                let rows = database.read(|reader| reader.query(&REVIEWS, &[])).unwrap();
                assert_eq!(rows[0].text(0).unwrap(), review);
            },
        );
    }
}

#[test]
fn a_page_that_was_stored_is_read_by_the_next_process() {
    for_each_database(|test| {
        with_network(
            test,
            Adapter::Cj,
            |terms| terms.look_back_days = 3,
            |world| {
                world.buy(4_000);
                world.stage.clock.advance_seconds(60);
                assert_eq!(world.pull().failed, 0);
                assert_eq!(world.stage.purse(), "has 0 expects 0 owes 0", "nothing is read yet");
                let before = world.row();
                world.stage.site.store().close();
                let folder = tempfile::tempdir().unwrap();
                let clock = world.stage.clock.clone();
                let open = |database| {
                    let (options, ids) = (StoreOptions::default(), SeededIds::new(3));
                    Store::open(database, options, clock.clone(), ids, |_| ()).unwrap()
                };
                let mut config = world.stage.site.config().clone();
                config.spool_folder = folder.path().join("spool");
                let ids = SharedIds::new(SeededIds::new(4));
                let site =
                    Site::open(config, open(world.test.database()), clock.clone(), ids).unwrap();
                assert_eq!(process_messages(&site).unwrap(), 1, "the page of this week");
                let id = Id::of(crate::tests::HANA, 1, vocabulary::AccountRole::Member);
                let member = site.store().account(site.store().find_account(id).unwrap()).unwrap();
                assert_eq!(member.expected(), 60);
                assert_eq!(process_messages(&site).unwrap(), 0);
                let run = block_on(async { pull_due(&puller(&site)).await.unwrap() });
                assert!(run.idle(), "it goes on from where it was: {before:?}");
                site.store().close();
            },
        );
    });
}

#[test]
fn of_two_who_ask_at_once_one_does() {
    for_each_database(|test| {
        with_network(
            test,
            Adapter::Awin,
            |terms| terms.look_back_days = 3,
            |world| {
                world.buy(4_000);
                world.stage.clock.advance_seconds(60);
                let (one, other) = (world.puller.clone(), puller(&world.stage.site));
                let (left, right) =
                    block_on(async { tokio::join!(pull_due(&one), pull_due(&other)) });
                let (left, right) = (left.unwrap(), right.unwrap());
                assert_eq!(left.stored + right.stored, 1, "{left:?} {right:?}");
                assert_eq!(world.count(&MESSAGES), 1);
            },
        );
    });
}

/// An account of a form, for decisions without a network.
fn account(adapter: Adapter) -> NetworkAccount {
    NetworkAccount {
        key: key(adapter),
        company: OURS,
        adapter,
        terms: NetworkTerms { pulling: true, ..NetworkTerms::usual(adapter) },
        credentials: None,
        generation: 1,
        former_until: None,
        version: 1,
    }
}

#[test]
fn a_network_is_asked_no_more_often_than_it_wants() {
    let (account, manners) = (account(Adapter::Awin), Adapter::Awin.manners());
    let now = at("2026-11-01 12:00");
    let mut pull = Pull::default();
    for call in 1..=manners.calls_max {
        let Turn::Ask(claimed, _) = pull.turn(&account, now) else { panic!("call {call}") };
        pull = claimed.after_page(&manners, None, 0, now);
        assert_eq!(pull.calls, call);
    }
    assert_eq!(pull.turn(&account, now), Turn::Rest(now.plus_seconds(60)));
    let later = now.plus_seconds(60);
    assert!(matches!(pull.turn(&account, later), Turn::Ask(claimed, _) if claimed.calls == 1));
}

#[test]
fn a_network_that_is_closed_at_night_is_not_asked_then() {
    let account = account(Adapter::A8);
    for (time, opens) in [
        ("2026-11-01 23:29", None),
        ("2026-11-01 23:30", Some("2026-11-02 01:00")),
        ("2026-11-02 00:59", Some("2026-11-02 01:00")),
        ("2026-11-02 01:00", None),
    ] {
        match (Pull::default().turn(&account, at(time)), opens) {
            (Turn::Rest(until), Some(opens)) => assert_eq!(until, at(opens), "{time}"),
            (Turn::Ask(..), None) => {}
            (turn, _) => panic!("{time}: {turn:?}"),
        }
    }
}

#[test]
fn failures_wait_longer_each_time_and_who_claims_is_left_alone() {
    let (account, manners) = (account(Adapter::Awin), Adapter::Awin.manners());
    let mut now = at("2026-11-01 12:00");
    let mut pull = Pull::default();
    let mut waits = Vec::new();
    for _failure in 0..9 {
        let Turn::Ask(claimed, work) = pull.turn(&account, now) else { panic!("it is due") };
        assert_eq!(work.feed, Feed::Transactions);
        assert_eq!(claimed.turn(&account, now), Turn::Rest(now.plus_seconds(60)));
        pull = claimed.after_failure(&manners, PullError::Unavailable, None, now);
        let until = pull.not_before.unwrap();
        waits.push(until.microseconds_since(now).div_euclid(1_000_000));
        now = until;
    }
    assert_eq!(waits, [30, 60, 120, 240, 480, 960, 1_920, 3_600, 3_600]);
    let told = pull.after_failure(&manners, PullError::Locked, Some(999_999), now);
    assert_eq!(told.not_before, Some(now.plus_days(1)), "a day at most");
}
