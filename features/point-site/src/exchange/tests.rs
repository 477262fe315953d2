use core::fmt::Write as _;
use std::collections::BTreeMap;

use expect_test::{Expect, expect};
use proptest::prelude::{prop_assert, prop_assert_eq, proptest};

use super::{Clearance, Effect, ExchangeEvent, ExchangeState, Outcome, Plan, plan};
use vocabulary::Timestamp;

const BEGIN: Timestamp = Timestamp::from_microseconds(1_800_000_000_000_000);

fn quoted() -> ExchangeState {
    ExchangeState::Quoted { expires_at: BEGIN.plus_seconds(600) }
}

/// Every state, with the cases of its contents that decide.
fn states() -> Vec<(&'static str, ExchangeState)> {
    let [free, review] = [Clearance::Free, Clearance::Review];
    let at = BEGIN;
    let over = ExchangeState::Quoted { expires_at: BEGIN };
    vec![
        ("quoted", quoted()),
        ("quoted, over", over),
        ("expired", ExchangeState::Expired { expired_at: at }),
        ("accepted", ExchangeState::Accepted { accepted_at: at, clearance: free }),
        ("accepted, review", ExchangeState::Accepted { accepted_at: at, clearance: review }),
        ("held", ExchangeState::Held { held_at: at, clearance: free }),
        ("held, review", ExchangeState::Held { held_at: at, clearance: review }),
        ("sent", ExchangeState::Sent { sent_at: at }),
        ("unknown", ExchangeState::Unknown { unknown_at: at }),
        ("completed", ExchangeState::Completed { completed_at: at }),
        ("failed", ExchangeState::Failed { failed_at: at }),
        ("returned", ExchangeState::Returned { returned_at: at }),
        ("cancelled", ExchangeState::Cancelled { cancelled_at: at }),
    ]
}

fn told(plan: Plan) -> String {
    let outcome = match plan.outcome {
        Outcome::Changed => "",
        Outcome::Repeated => "repeated",
        Outcome::Refused => "refused",
        Outcome::Contradicted => "contradicted",
    };
    let next = plan.next.map_or("", ExchangeState::code);
    let waits = matches!(
        plan.next,
        Some(
            ExchangeState::Accepted { clearance: Clearance::Review, .. }
                | ExchangeState::Held { clearance: Clearance::Review, .. }
        )
    );
    let effect = match plan.effect {
        Effect::None => "",
        Effect::Hold => "+ hold",
        Effect::Capture => "+ capture",
        Effect::Void => "+ void",
        Effect::GiveBack => "+ give back",
    };
    let words = [outcome, next, if waits { "(review)" } else { "" }, effect];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Lists what each event does in a state: changes one by one, the others by their outcome.
fn write_decided(text: &mut String, state: ExchangeState) {
    let mut others: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for event in ExchangeEvent::ALL {
        let plan = plan(state, *event, BEGIN.plus_seconds(1));
        match plan.outcome {
            Outcome::Changed => writeln!(text, "  {} → {}", event.code(), told(plan)).unwrap(),
            Outcome::Repeated | Outcome::Refused | Outcome::Contradicted => {
                others.entry(told(plan)).or_default().push(event.code());
            }
        }
    }
    for (outcome, events) in others {
        writeln!(text, "  {outcome}: {}", events.join(" ")).unwrap();
    }
}

/// Compares what every event does in each of these states.
fn check(states: &[(&str, ExchangeState)], expected: &Expect) {
    let mut text = String::new();
    for (name, state) in states {
        writeln!(text, "{name}").unwrap();
        write_decided(&mut text, *state);
    }
    expected.assert_eq(&text);
}

#[test]
fn every_event_is_decided_before_it_is_sent() {
    check(
        &states()[..7],
        &expect![[r#"
        quoted
          accept → accepted + hold
          accept_for_review → accepted (review) + hold
          cancel → cancelled
          contradicted: hold_placed hold_refused arrive lose_sight fail return
          refused: expire release send
        quoted, over
          expire → expired
          cancel → cancelled
          contradicted: hold_placed hold_refused arrive lose_sight fail return
          refused: release send
          refused expired: accept accept_for_review
        expired
          contradicted: hold_placed hold_refused arrive lose_sight fail return
          refused: accept accept_for_review release send
          repeated: expire cancel
        accepted
          hold_placed → held
          hold_refused → failed
          contradicted: arrive lose_sight fail return
          refused: release cancel send
          repeated: accept accept_for_review expire
        accepted, review
          hold_placed → held (review)
          hold_refused → failed
          contradicted: arrive lose_sight fail return
          refused: release cancel send
          repeated: accept accept_for_review expire
        held
          cancel → cancelled + void
          send → sent
          contradicted: hold_refused arrive lose_sight fail return
          repeated: accept accept_for_review expire hold_placed release
        held, review
          release → held
          cancel → cancelled + void
          contradicted: hold_refused arrive lose_sight fail return
          refused: send
          repeated: accept accept_for_review expire hold_placed
    "#]],
    );
}

#[test]
fn every_event_is_decided_after_it_is_sent_or_over() {
    check(
        &states()[7..],
        &expect![[r#"
        sent
          arrive → completed + capture
          lose_sight → unknown
          fail → failed + void
          return → returned + void
          contradicted: hold_refused
          refused: cancel
          repeated: accept accept_for_review expire hold_placed release send
        unknown
          arrive → completed + capture
          fail → failed + void
          return → returned + void
          contradicted: hold_refused
          refused: cancel
          repeated: accept accept_for_review expire hold_placed release send lose_sight
        completed
          return → returned + give back
          contradicted: hold_refused fail
          refused: cancel
          repeated: accept accept_for_review expire hold_placed release send arrive lose_sight
        failed
          contradicted: arrive
          refused: cancel
          repeated: accept accept_for_review expire hold_placed hold_refused release send lose_sight fail return
        returned
          contradicted: hold_refused
          refused: cancel
          repeated: accept accept_for_review expire hold_placed release send arrive lose_sight fail return
        cancelled
          contradicted: hold_refused arrive lose_sight fail return
          refused: accept accept_for_review release send
          repeated: expire hold_placed cancel
    "#]],
    );
}

#[test]
fn a_quote_ends_at_its_moment() {
    let accept = ExchangeEvent::Accept(Clearance::Free);
    let end = BEGIN.plus_seconds(600);
    let late = plan(quoted(), accept, end);
    assert_eq!((late.outcome, late.effect), (Outcome::Refused, Effect::None));
    assert_eq!(late.next, Some(ExchangeState::Expired { expired_at: end }));
    let just = plan(quoted(), accept, end.plus_microseconds(-1));
    assert_eq!((just.outcome, just.effect), (Outcome::Changed, Effect::Hold));
}

#[test]
fn what_is_unknown_is_not_paid_again_and_not_given_back() {
    let unknown = ExchangeState::Unknown { unknown_at: BEGIN };
    for event in ExchangeEvent::ALL {
        let plan = plan(unknown, *event, BEGIN);
        let answers =
            [ExchangeEvent::Arrive, ExchangeEvent::Fail, ExchangeEvent::Return].contains(event);
        assert_eq!(plan.next.is_some(), answers, "{event:?}");
        assert_eq!(plan.effect != Effect::None, answers, "{event:?}");
    }
}

/// What the ledger has done for one exchange of one point.
#[derive(Debug, Default, PartialEq, Eq)]
struct Done {
    held: u32,
    captured: u32,
    voided: u32,
    given_back: u32,
}

impl Done {
    fn apply(&mut self, effect: Effect) {
        match effect {
            Effect::None => {}
            Effect::Hold => self.held += 1,
            Effect::Capture => self.captured += 1,
            Effect::Void => self.voided += 1,
            Effect::GiveBack => self.given_back += 1,
        }
    }
}

proptest! {
    #[test]
    fn no_history_takes_more_than_was_held_or_gives_back_what_was_not_taken(
        events in proptest::collection::vec(
            (proptest::sample::select(ExchangeEvent::ALL), 0_i64..200), 0..40,
        ),
    ) {
        let mut state = quoted();
        let mut now = BEGIN;
        let mut done = Done::default();
        for (event, seconds) in events {
            now = now.plus_seconds(seconds);
            let plan = plan(state, event, now);
            done.apply(plan.effect);
            prop_assert_eq!(plan.outcome == Outcome::Contradicted, told(plan) == "contradicted");
            state = plan.next.unwrap_or(state);
            prop_assert!(done.held <= 1, "{done:?}");
            prop_assert!(done.captured + done.voided <= done.held, "{done:?}");
            prop_assert!(done.given_back <= done.captured, "{done:?}");
            let expected = match state {
                ExchangeState::Quoted { .. } | ExchangeState::Expired { .. } => (0, 0, 0, 0),
                ExchangeState::Accepted { .. }
                | ExchangeState::Held { .. }
                | ExchangeState::Sent { .. }
                | ExchangeState::Unknown { .. } => (1, 0, 0, 0),
                ExchangeState::Completed { .. } => (1, 1, 0, 0),
                ExchangeState::Failed { .. }
                | ExchangeState::Returned { .. }
                | ExchangeState::Cancelled { .. } => {
                    // The member has the points: nothing was taken, or as much was given back; a
                    // hold that was refused left nothing to set free.
                    prop_assert_eq!(done.captured, done.given_back);
                    continue;
                }
            };
            let found = (done.held, done.captured, done.voided, done.given_back);
            prop_assert_eq!(found, expected);
        }
    }

    #[test]
    fn an_event_told_twice_is_told_once(
        events in proptest::collection::vec(proptest::sample::select(ExchangeEvent::ALL), 1..12),
    ) {
        let mut state = quoted();
        for event in events {
            let first = plan(state, event, BEGIN);
            state = first.next.unwrap_or(state);
            if first.outcome == Outcome::Changed {
                let again = plan(state, event, BEGIN);
                prop_assert_eq!((again.next, again.effect), (None, Effect::None));
                prop_assert_eq!(again.outcome, Outcome::Repeated);
            }
        }
    }
}

/// A stage with destinations, a member with points and a bank account.
pub(crate) mod stories {
    use core::fmt::Write as _;

    use expect_test::expect;

    use crate::destination::{
        Destination, DestinationEntry, DestinationKind, LimitGroup, Opening, SaveDestination,
        SaveLimitGroup,
    };
    use crate::exchange::store::find_exchanges;
    use crate::exchange::{
        AcceptExchange, Cause, ChangeExchange, ChangeRefusal, Exchange, ExchangeEvent,
        QuoteExchange, deliver_codes, expire_quotes,
    };
    use crate::gift_code::store::find_issues;
    use crate::gift_code::{DryRun, UploadedCodes, import_codes};
    use crate::held::{DecideExchange, DecideRefusal, ProposeVerdict, Verdict};
    use crate::kana::BankText;
    use crate::partner::{PartnerAnswer, due_requests, settle};
    use crate::partner_sandbox::{Asked, Manner, PartnerSandbox};
    use crate::payee::{BankPayee, NoteChange, Payee, RegisterPayee};
    use crate::payout::{
        ApprovePayout, MakePayout, PayoutRefusal, PayoutRun, UploadedResult, apply_result,
        check_result, file_of,
    };
    use crate::proof::{SendCode, TryCode, code_hash};
    use crate::step_up::{Particular, Tried};
    use crate::tests::{HANA, OURS, Stage, at, play, token, wait};
    use crate::zengin::{AccountType, BankAccount, Digits, LineEnd, PayoutOutcome, read};
    use access::Role;
    use access::testing::{member, staff};
    use ledger::ActorNumber;
    use mail::{Body, Category, Letter, Recipient};
    use vocabulary::{AccountRole, Amount, Day, Id, Label, Rate, Rounding, UnitCode, kind};

    use web::testing::Client;

    const TARO: Id<kind::Member> = Id::from_bits(0x0192_0000_0000_0000_0000_0000_0000_0002);

    /// Who puts together, and who approves.
    pub(crate) fn maker() -> ActorNumber {
        ActorNumber::new(OURS, 21)
    }

    pub(crate) fn checker() -> ActorNumber {
        ActorNumber::new(OURS, 22)
    }

    fn day(text: &str) -> Day {
        Day::parse(text).unwrap()
    }

    fn destination(code: &str, kind: DestinationKind, product: &str, fee: u32) -> DestinationEntry {
        DestinationEntry {
            terms: Destination {
                code: token(code),
                kind,
                unit: UnitCode::parse("JPY").unwrap(),
                minimum: Amount::from(300),
                step: Amount::from(100),
                rate: Rate::ONE,
                rounding: Rounding::Down,
                fee: Amount::from(fee),
                lead_days: if kind == DestinationKind::Bank { 3 } else { 0 },
                quote_minutes: 10,
                limit_group: token("general"),
                opening: Opening::Open,
                effective_from: day("2026-10-01"),
            },
            name: Label::parse(code).unwrap(),
            name_english: Label::parse(code).unwrap(),
            product: token(product),
        }
    }

    pub(crate) fn save(stage: &Stage, entry: DestinationEntry) {
        let command = SaveDestination { company: OURS, entry, by: maker() };
        stage.site.store().run(command).unwrap().unwrap();
    }

    /// Destinations of every kind, a limit of 30,000 a month, and points for Hana.
    pub(crate) fn furnish(stage: &Stage, points: u32) {
        save(stage, destination("cash", DestinationKind::Bank, "bank", 50));
        save(stage, destination("pool", DestinationKind::PooledCode, "pool", 0));
        save(stage, destination("gift", DestinationKind::GiftCode, "sandbox", 0));
        save(stage, destination("miles", DestinationKind::PartnerPoints, "sandbox", 0));
        limit(stage, Some(30_000));
        stage.grant(HANA, points, None);
    }

    pub(crate) fn limit(stage: &Stage, monthly: Option<u32>) {
        let group =
            LimitGroup { code: token("general"), daily: None, monthly: monthly.map(Amount::from) };
        let Ok(()) = stage.site.store().run(SaveLimitGroup { company: OURS, group }).unwrap();
    }

    pub(crate) fn register(stage: &Stage, number: &str) -> Id<kind::Payee> {
        let now = stage.site.now();
        let bank = BankPayee {
            account: BankAccount {
                bank: Digits::parse("0005").unwrap(),
                branch: Digits::parse("123").unwrap(),
                account_type: AccountType::Ordinary,
                number: Digits::padded(number).unwrap(),
            },
            name: BankText::parse("ヤマダ ハナコ").unwrap(),
        };
        let vault = &stage.site.config().exchange.vault;
        let payee = Payee::bank(stage.site.next_id(now), (OURS, HANA), &bank, vault, now).unwrap();
        stage.site.store().run(RegisterPayee { payee, by: maker() }).unwrap().unwrap()
    }

    /// Ids sort by time to the millisecond.
    pub(crate) fn ask(stage: &Stage, member: Id<kind::Member>, to: &str, points: u32) -> Exchange {
        stage.clock.advance_seconds(1);
        let command = QuoteExchange {
            config: stage.site.shared_config(),
            id: stage.site.next_id(stage.site.now()),
            member,
            destination: token(to),
            points: Amount::from(points),
            by: maker(),
        };
        stage.site.store().run(command).unwrap().unwrap()
    }

    pub(crate) fn accept(
        stage: &Stage,
        quoted: &Exchange,
        payee: Option<Id<kind::Payee>>,
    ) -> AcceptExchange {
        AcceptExchange {
            config: stage.site.shared_config(),
            exchange: quoted.id,
            member: quoted.member,
            payee,
            asked_at: stage.site.now(),
            by: maker(),
        }
    }

    pub(crate) fn take(stage: &Stage, quoted: &Exchange, payee: Option<Id<kind::Payee>>) -> String {
        match stage.site.store().run(accept(stage, quoted, payee)).unwrap() {
            Ok(exchange) => exchange.state.code().to_owned(),
            Err(refusal) => refusal.code().to_owned(),
        }
    }

    pub(crate) fn change(
        stage: &Stage,
        id: Id<kind::Exchange>,
        event: ExchangeEvent,
    ) -> Result<String, ChangeRefusal> {
        let command = ChangeExchange {
            config: stage.site.shared_config(),
            exchange: id,
            member: None,
            event,
            issue: None,
            cause: Cause { by: maker(), reason: None },
        };
        stage.site.store().run(command).unwrap().map(|exchange| exchange.state.code().to_owned())
    }

    pub(crate) fn state(stage: &Stage, id: Id<kind::Exchange>) -> String {
        let found = stage.site.store().database().read(|reader| find_exchanges(reader, &[id]));
        found.unwrap()[&id].state.code().to_owned()
    }

    /// What Hana can use and has, and what went out and was charged.
    pub(crate) fn purse(stage: &Stage) -> String {
        let account = stage.account(AccountRole::Member).unwrap();
        let company = stage.site.config().company_id;
        let unit = stage.site.config().unit.get();
        let balance = |role| {
            let store = stage.site.store();
            let number = store.find_account(Id::of(company, unit, role));
            number.and_then(|number| store.account(number)).map_or(0, |account| account.balance())
        };
        let (outside, fee) = (balance(AccountRole::Outside), balance(AccountRole::Fee));
        let mut text =
            format!("can use {} of {}", account.available().minor_units(), account.balance());
        write!(text, ", out {}, fees {fee}", outside.abs()).unwrap();
        text
    }

    #[test]
    fn a_double_tap_holds_once_and_is_answered_alike() {
        play(|stage| {
            furnish(stage, 5_000);
            let payee = register(stage, "1234567");
            let quoted = ask(stage, HANA, "cash", 1_000);
            assert_eq!(purse(stage), "can use 5000 of 5000, out 0, fees 0");
            let taps =
                vec![accept(stage, &quoted, Some(payee)), accept(stage, &quoted, Some(payee))];
            let answers = stage.site.store().run_all(taps).unwrap();
            for answer in answers {
                assert_eq!(answer.unwrap().state.code(), "held");
            }
            assert_eq!(take(stage, &quoted, Some(payee)), "held");
            // 50 fee and 900 turned; 50 stay.
            assert_eq!(purse(stage), "can use 4050 of 5000, out 0, fees 0");
            assert_eq!(change(stage, quoted.id, ExchangeEvent::Cancel), Ok("cancelled".to_owned()));
            assert_eq!(purse(stage), "can use 5000 of 5000, out 0, fees 0");
        });
    }

    #[test]
    fn a_quote_keeps_its_rate_and_ends_at_its_moment() {
        play(|stage| {
            furnish(stage, 5_000);
            let payee = register(stage, "1234567");
            stage.clock.set(at("2026-11-01 23:55"));
            let quoted = ask(stage, HANA, "cash", 350);
            let late = ask(stage, HANA, "cash", 350);
            let mut worse = destination("cash", DestinationKind::Bank, "bank", 50);
            worse.terms.rate = Rate::try_new(1, 2).unwrap();
            worse.terms.effective_from = day("2026-11-02");
            save(stage, worse);
            stage.clock.set(quoted.expires_at().plus_microseconds(-1));
            let answer = stage.site.store().run(accept(stage, &quoted, Some(payee))).unwrap();
            assert_eq!(answer.unwrap().quote.value, Amount::from(300), "the rate of the quote");
            stage.clock.set(late.expires_at());
            assert_eq!(take(stage, &late, Some(payee)), "quote_over");
            expire_quotes(&stage.site).unwrap();
            assert_eq!(state(stage, late.id), "expired");
            assert_eq!(ask(stage, HANA, "cash", 350).quote.value, Amount::from(150));
        });
    }

    #[test]
    fn a_limit_counts_a_group_at_the_same_moment() {
        play(|stage| {
            furnish(stage, 50_000);
            limit(stage, Some(1_000));
            let payee = register(stage, "1234567");
            let asked = [("cash", 650), ("gift", 600), ("miles", 300)];
            let commands =
                asked.map(|(to, points)| accept(stage, &ask(stage, HANA, to, points), Some(payee)));
            let answers = stage.site.store().run_all(commands.to_vec()).unwrap();
            let told: Vec<_> = answers
                .iter()
                .map(|answer| {
                    answer.as_ref().map_or_else(|refusal| refusal.code(), |e| e.state.code())
                })
                .collect();
            assert_eq!(told, ["held", "limit", "held"]);
            stage.clock.set(at("2026-12-01 00:00"));
            assert_eq!(take(stage, &ask(stage, HANA, "gift", 1_000), None), "held");
        });
    }

    #[test]
    fn two_hundred_exchanges_of_the_same_points_are_one() {
        play(|stage| {
            furnish(stage, 300);
            let commands = (0..200).map(|_| accept(stage, &ask(stage, HANA, "gift", 300), None));
            let answers = stage.site.store().run_all(commands.collect()).unwrap();
            let held = answers.iter().filter(|answer| answer.is_ok()).count();
            let code = |answer: &Result<Exchange, crate::exchange::AcceptRefusal>| {
                answer.as_ref().err().map(|refusal: &crate::exchange::AcceptRefusal| refusal.code())
            };
            let short = answers.iter().filter(|a| code(a) == Some("balance_insufficient")).count();
            assert_eq!((held, short), (1, 199));
            assert_eq!(purse(stage), "can use 0 of 300, out 0, fees 0");
        });
    }

    #[test]
    fn rules_ask_for_a_proof_a_person_or_nothing() {
        play(|stage| {
            furnish(stage, 500_000);
            limit(stage, None);
            let first = register(stage, "1234567");
            let large = ask(stage, HANA, "gift", 20_000);
            assert_eq!(take(stage, &large, None), "proof_needed");
            let vault = &stage.site.config().exchange.vault;
            let hash = |code: &str| code_hash(vault, large.id, code);
            let letter = Letter {
                id: Id::from_bits(5),
                company: OURS,
                category: Category::Service,
                to: Recipient::Member(HANA),
                subject: Label::parse("code").unwrap(),
                body: Body::parse("123456").unwrap(),
            };
            let send = SendCode { exchange: large.id, code_hash: hash("123456"), letter };
            assert_eq!(stage.site.store().run(send).unwrap(), Ok(true));
            let tried = |code: &str| {
                let command = TryCode { exchange: large.id, code_hash: hash(code) };
                stage.site.store().run(command).unwrap().unwrap()
            };
            assert_eq!(tried("654321"), Tried::Wrong { left: 4 });
            assert_eq!(take(stage, &large, None), "proof_needed");
            assert_eq!(tried("123 456"), Tried::Passed);
            assert_eq!(take(stage, &large, None), "held");
            // Another account: a person looks at what goes there.
            let second = register(stage, "7654321");
            assert_ne!(first, second);
            let looked_at = ask(stage, HANA, "cash", 1_000);
            assert_eq!(take(stage, &looked_at, Some(first)), "payee_missing");
            assert_eq!(take(stage, &looked_at, Some(second)), "held");
            assert_eq!(
                change(stage, looked_at.id, ExchangeEvent::Send),
                Err(ChangeRefusal::TooLate)
            );
            let propose = |by| ProposeVerdict {
                company: OURS,
                exchange: looked_at.id,
                verdict: Verdict::Release,
                reason: Label::parse("本人に確認").unwrap(),
                by,
            };
            stage.site.store().run(propose(maker())).unwrap().unwrap();
            let decide = |by, verdict| {
                let config = stage.site.shared_config();
                let command = DecideExchange { config, exchange: looked_at.id, verdict, by };
                stage.site.store().run(command).unwrap().map_err(DecideRefusal::code)
            };
            assert_eq!(decide(maker(), Verdict::Release), Err("same_person"));
            assert_eq!(decide(checker(), Verdict::Deny), Err("proposal_changed"));
            assert_eq!(decide(checker(), Verdict::Release), Ok(()));
            assert_eq!(decide(checker(), Verdict::Release), Err("not_waiting"));
            let note = NoteChange { company: OURS, member: HANA, particular: Particular::Mail };
            let Ok(()) = stage.site.store().run(note).unwrap();
            assert_eq!(take(stage, &ask(stage, HANA, "gift", 300), None), "denied");
        });
    }

    fn stock(stage: &Stage, lines: &str) -> Result<(u32, u32, bool), String> {
        let upload = UploadedCodes {
            pool: token("pool"),
            file_name: "codes.csv".to_owned(),
            bytes: format!("code,value,usable_until\n{lines}").into_bytes(),
            by: maker(),
        };
        let done = import_codes(&stage.site, &upload, DryRun::No);
        done.map(|done| (done.added, done.known, done.again)).map_err(|error| error.to_string())
    }

    #[test]
    fn codes_of_a_pool_are_given_once_and_then_sold_out() {
        play(|stage| {
            furnish(stage, 5_000);
            stage.grant(TARO, 5_000, None);
            let lines = "AAAA-1111,300,2026-12-31\nBBBB-2222,300,2026-11-30\n";
            assert_eq!(stock(stage, lines), Ok((2, 0, false)));
            assert_eq!(stock(stage, lines), Ok((0, 2, true)));
            assert_eq!(stock(stage, "BBBB-2222,300,\nCCCC-3333,500,\n"), Ok((1, 1, false)));
            assert!(
                stock(stage, "short,300,\n").unwrap_err().contains("cannot be read"),
                "a short code"
            );
            let quotes = [HANA, TARO, HANA].map(|member| ask(stage, member, "pool", 300));
            for quoted in &quotes {
                assert_eq!(take(stage, quoted, None), "held");
            }
            assert_eq!(deliver_codes(&stage.site).unwrap(), 3);
            assert_eq!(deliver_codes(&stage.site).unwrap(), 0, "nothing is given twice");
            let states = quotes.each_ref().map(|quoted| state(stage, quoted.id));
            assert_eq!(states, ["completed", "completed", "cancelled"]);
            let ids = quotes.each_ref().map(|quoted| quoted.id);
            let issues = stage.site.store().database().read(|r| find_issues(r, &ids)).unwrap();
            let vault = &stage.site.config().exchange.vault;
            let codes: Vec<String> = issues
                .values()
                .map(|issue| issue.open(vault).unwrap().reveal().to_owned())
                .collect();
            assert_eq!(codes, ["BBBB-2222", "AAAA-1111"], "the one that ends first goes first");
            assert_eq!(purse(stage), "can use 4700 of 4700, out 600, fees 0");
            let again = QuoteExchange {
                config: stage.site.shared_config(),
                id: Id::from_bits(9 << 90),
                member: HANA,
                destination: token("pool"),
                points: Amount::from(300),
                by: maker(),
            };
            let refused = stage.site.store().run(again).unwrap().map(drop);
            assert_eq!(refused.map_err(crate::exchange::QuotingRefusal::code), Err("sold_out"));
        });
    }

    /// Lets the partner answer all that is due.
    pub(crate) fn ask_partner(stage: &Stage, partner: &PartnerSandbox) -> usize {
        let requests = due_requests(&stage.site).unwrap();
        for request in &requests {
            let asked: Asked = serde_json::from_str(&request.to_json()).unwrap();
            let reply = partner.take(&asked);
            let answer = PartnerAnswer::read(request, reply.status, reply.body.as_bytes());
            settle(&stage.site, request, &answer).unwrap();
        }
        requests.len()
    }

    #[test]
    fn a_lost_reply_is_asked_for_again_and_gives_one_code() {
        play(|stage| {
            furnish(stage, 5_000);
            let partner = PartnerSandbox::new("key", stage.clock.clone());
            let quoted = ask(stage, HANA, "gift", 500);
            take(stage, &quoted, None);
            // Stored as sent, and then the process dies before anything leaves.
            assert_eq!(due_requests(&stage.site).unwrap().len(), 1);
            assert_eq!(state(stage, quoted.id), "sent");
            assert_eq!(
                change(stage, quoted.id, ExchangeEvent::Cancel),
                Err(ChangeRefusal::TooLate)
            );
            assert_eq!(ask_partner(stage, &partner), 0, "not at once");
            stage.clock.advance_seconds(60);
            partner.behave(Manner::LoseReply);
            assert_eq!(ask_partner(stage, &partner), 1);
            assert_eq!(state(stage, quoted.id), "unknown");
            assert_eq!(purse(stage), "can use 4500 of 5000, out 0, fees 0");
            // For days; the hold does not end.
            partner.behave(Manner::Away);
            stage.clock.advance_seconds(40 * 86_400);
            ask_partner(stage, &partner);
            assert_eq!(purse(stage), "can use 4500 of 5000, out 0, fees 0");
            partner.behave(Manner::Well);
            stage.clock.advance_seconds(7_200);
            ask_partner(stage, &partner);
            assert_eq!(state(stage, quoted.id), "completed");
            assert_eq!(purse(stage), "can use 4500 of 4500, out 500, fees 0");
            assert_eq!(partner.kept().len(), 1, "one request, however often it was asked");
            let id = quoted.id;
            let issues = stage.site.store().database().read(|r| find_issues(r, &[id])).unwrap();
            let code = issues[&id].open(&stage.site.config().exchange.vault).unwrap();
            assert!(partner.kept()[0].body.contains(code.reveal()), "the code of the first time");
        });
    }

    #[test]
    fn a_refusal_of_a_partner_sets_the_points_free() {
        play(|stage| {
            furnish(stage, 5_000);
            let partner = PartnerSandbox::new("key", stage.clock.clone());
            partner.behave(Manner::Refuse);
            let quoted = ask(stage, HANA, "miles", 500);
            take(stage, &quoted, None);
            ask_partner(stage, &partner);
            assert_eq!(state(stage, quoted.id), "failed");
            assert_eq!(purse(stage), "can use 5000 of 5000, out 0, fees 0");
        });
    }

    fn pay(stage: &Stage) -> PayoutRun {
        let (config, asked_at) = (stage.site.shared_config(), stage.site.now());
        let make = |pay_on: &str| MakePayout {
            config: config.clone(),
            pay_on: day(pay_on),
            asked_at,
            by: maker(),
        };
        let saturday = stage.site.store().run(make("2026-11-07")).unwrap();
        assert_eq!(saturday.map_err(PayoutRefusal::code), Err("no_business_day"));
        let made = stage.site.store().run(make("2026-11-04")).unwrap().unwrap();
        let again = stage.site.store().run(make("2026-11-04")).unwrap();
        assert_eq!(again.map_err(PayoutRefusal::code), Err("nothing_due"));
        let approve = |by, seen| {
            let command = ApprovePayout { config: config.clone(), payout: made.id, seen, by };
            stage.site.store().run(command).unwrap().map_err(PayoutRefusal::code)
        };
        let seen = (made.lines, made.total);
        assert_eq!(approve(maker(), seen), Err("same_person"));
        assert_eq!(approve(checker(), (made.lines, Amount::from(1))), Err("payout_changed"));
        let approved = approve(checker(), seen).unwrap();
        assert_eq!(approve(checker(), seen), Err("payout_decided"));
        approved
    }

    fn results(bytes: &[u8], outcomes: &[PayoutOutcome]) -> Vec<u8> {
        let mut file = bytes.to_vec();
        for (line, outcome) in outcomes.iter().enumerate() {
            // Records are of 122 bytes, and position 114 says what became of a payout.
            file[122 * (line + 1) + 113] = outcome.byte();
        }
        file
    }

    #[test]
    fn a_payout_is_made_approved_paid_and_months_later_returned() {
        play(|stage| {
            furnish(stage, 5_000);
            let payee = register(stage, "1234567");
            let quotes = [350, 1_050].map(|points| ask(stage, HANA, "cash", points));
            for quoted in &quotes {
                assert_eq!(take(stage, quoted, Some(payee)), "held");
            }
            let run = pay(stage);
            assert_eq!((run.lines, run.total), (2, Amount::from(1_300)));
            assert_eq!(state(stage, quotes[0].id), "sent");
            let (named, bytes) = file_of(&stage.site, run.id, maker()).unwrap().unwrap();
            assert_eq!(crate::payout::file_name(&named), "furikomi-20261104-0001.txt");
            assert_eq!(
                file_of(&stage.site, run.id, checker()).unwrap().unwrap().1,
                bytes,
                "the same bytes"
            );
            let file = read(&bytes).unwrap();
            assert_eq!(crate::zengin::write(&file, LineEnd::CrLf).unwrap(), bytes);
            let amounts: Vec<_> =
                file.payouts.iter().map(|p| (p.name.as_str().to_owned(), p.amount)).collect();
            let name = "ﾔﾏﾀﾞ ﾊﾅｺ".to_owned();
            assert_eq!(amounts, [(name.clone(), Amount::from(300)), (name, Amount::from(1_000))]);
            let upload = |bytes: Vec<u8>| UploadedResult {
                payout: run.id,
                file_name: "kekka.txt".to_owned(),
                bytes,
                by: maker(),
            };
            let done = results(&bytes, &[PayoutOutcome::Done, PayoutOutcome::Done]);
            let (checked, again) = check_result(&stage.site, &upload(done.clone())).unwrap();
            assert!(!again, "it is new");
            assert_eq!(state(stage, quotes[0].id), "sent", "a dry run changes nothing");
            assert_eq!(check_result(&stage.site, &upload(done)).unwrap(), (checked, true));
            assert_eq!(apply_result(&stage.site, checked, maker()).unwrap(), Some(2));
            assert_eq!(apply_result(&stage.site, checked, maker()).unwrap(), Some(0));
            assert_eq!(purse(stage), "can use 3600 of 3600, out 1300, fees 100");
            stage.clock.set(at("2027-03-10 10:00"));
            let back = results(&bytes, &[PayoutOutcome::NoSuchAccount, PayoutOutcome::Done]);
            let (checked, _) = check_result(&stage.site, &upload(back)).unwrap();
            assert_eq!(apply_result(&stage.site, checked, maker()).unwrap(), Some(1));
            assert_eq!(state(stage, quotes[0].id), "returned");
            assert_eq!(state(stage, quotes[1].id), "completed");
            assert_eq!(purse(stage), "can use 3950 of 3950, out 1000, fees 50");
            assert_eq!(take(stage, &ask(stage, HANA, "cash", 350), Some(payee)), "payee_blocked");
        });
    }

    #[test]
    fn every_way_out_is_written_down() {
        play(|stage| {
            furnish(stage, 5_000);
            let quoted = ask(stage, HANA, "miles", 500);
            take(stage, &quoted, None);
            ask_partner(stage, &PartnerSandbox::new("key", stage.clock.clone()));
            let id = quoted.id;
            let lines = stage
                .site
                .store()
                .database()
                .read(|r| crate::exchange::store::list_versions(r, id));
            let told: Vec<String> = lines
                .unwrap()
                .iter()
                .map(|line| format!("{} {} → {}", line.version, line.event, line.state))
                .collect();
            expect![[r#"
                1 quote → quoted
                2 accept → accepted
                3 hold_placed → held
                4 send → sent
                5 arrive → completed"#]]
            .assert_eq(&told.join("\n"));
        });
    }

    /// Looks at a page in both languages: it is there, whole, and in its words.
    fn look(client: &Client, path: &str) -> String {
        let mut text = String::new();
        for language in ["en", "ja"] {
            let page = wait(client.get(&format!("{path}?lang={language}")));
            assert_eq!(page.status.as_u16(), 200, "{path} {}", page.text);
            assert!(!page.text.contains('⟦'), "a text of {path} is missing: {}", page.text);
            assert!(page.text.len() < 40_000, "{path} has {} bytes", page.text.len());
            text = page.text;
        }
        text
    }

    #[test]
    fn a_member_exchanges_over_http_and_sees_only_their_own() {
        play(|stage| {
            furnish(stage, 50_000);
            stock(stage, "AAAA-1111,300,2026-12-31\n").unwrap();
            let hana = stage.client(Some(member(7, OURS, HANA))).browser();
            let taro = stage.client(Some(member(8, OURS, TARO))).browser();
            let post = |path: &str, fields: &[(&str, &str)]| wait(hana.post_form(path, fields));
            look(&hana, "/exchange");
            look(&hana, "/exchange/account");
            look(&hana, "/exchange/history");
            let wrong = [
                ("form", "bank"),
                ("bank", "1"),
                ("branch", "001"),
                ("number", "1"),
                ("name", "山田"),
            ];
            assert_eq!(post("/exchange/account", &wrong).status.as_u16(), 422);
            let yucho = [
                ("form", "yucho"),
                ("sign", "１２３４５"),
                ("yucho_number", "12345671"),
                ("yucho_name", "やまだ はなこ"),
            ];
            assert_eq!(post("/exchange/account", &yucho).status.as_u16(), 303);
            for points in ["", "100", "99999999"] {
                assert_eq!(post("/exchange/to/cash", &[("points", points)]).status.as_u16(), 422);
            }
            assert_eq!(post("/exchange/to/nowhere", &[("points", "300")]).status.as_u16(), 404);
            let address =
                post("/exchange/to/cash", &[("points", "１,０００")]).header("location").to_owned();
            assert!(look(&hana, &address).contains("900円"), "what it gives");
            assert_eq!(wait(taro.get(&address)).status.as_u16(), 404);
            assert_eq!(
                wait(taro.post_form(&format!("{address}/accept"), &[])).status.as_u16(),
                404
            );
            for _tap in 0..2 {
                let answer = post(&format!("{address}/accept"), &[]);
                assert_eq!(
                    (answer.status.as_u16(), answer.header("location")),
                    (303, address.as_str())
                );
            }
            assert_eq!(purse(stage), "can use 49050 of 50000, out 0, fees 0");
            look(&hana, &address);
            assert_eq!(post(&format!("{address}/cancel"), &[]).status.as_u16(), 303);
            assert_eq!(purse(stage), "can use 50000 of 50000, out 0, fees 0");
            let large =
                post("/exchange/to/gift", &[("points", "20000")]).header("location").to_owned();
            let proof = post(&format!("{large}/accept"), &[]).header("location").to_owned();
            assert_eq!(proof, format!("{large}/code"));
            look(&hana, &proof);
            assert_eq!(post(&proof, &[("code", "12345")]).status.as_u16(), 422);
            let code =
                post("/exchange/to/pool", &[("points", "300")]).header("location").to_owned();
            post(&format!("{code}/accept"), &[]);
            assert_eq!(post(&format!("{code}/reveal"), &[]).status.as_u16(), 404, "not yet");
            deliver_codes(&stage.site).unwrap();
            look(&hana, &code);
            assert!(post(&format!("{code}/reveal"), &[]).text.contains("AAAA-1111"), "the code");
            assert_eq!(wait(taro.post_form(&format!("{code}/reveal"), &[])).status.as_u16(), 404);
            look(&hana, "/exchange/history");
        });
    }

    #[test]
    fn points_that_end_soon_are_one_tap_away_from_a_quote() {
        play(|stage| {
            furnish(stage, 5_000);
            let hana = stage.client(Some(member(7, OURS, HANA))).browser();
            let page = wait(hana.get("/exchange?points=1230")).text;
            // Steps of 100, and the bank's fee of 50; no pool has codes.
            let takes = |points: u32| format!("name=\"points\" value=\"{points}\"");
            assert_eq!(page.matches(&takes(1_200)).count(), 2, "{page}");
            assert!(page.contains(&takes(1_150)), "{page}");
            assert!(!page.contains("action=\"/exchange/to/pool\""), "{page}");
            let quoted = wait(hana.post_form("/exchange/to/gift", &[("points", "1200")]));
            assert_eq!(quoted.status.as_u16(), 303);
            for (asked, buttons) in [("100", 0), ("99999999", 3), ("x", 0), ("-1", 0), ("", 0)] {
                let page = wait(hana.get(&format!("/exchange?points={asked}")));
                assert_eq!(page.status.as_u16(), 200, "{asked}");
                let found = page.text.matches("name=\"points\"").count();
                assert_eq!(found, buttons, "{asked}: {}", page.text);
            }
        });
    }

    #[test]
    fn the_staff_pays_over_http_and_never_alone() {
        play(|stage| {
            furnish(stage, 50_000);
            let payee = register(stage, "1234567");
            take(stage, &ask(stage, HANA, "cash", 1_050), Some(payee));
            let maker = stage.client(Some(staff(31, OURS, Role::Accounting))).browser();
            let checker = stage.client(Some(staff(32, OURS, Role::Accounting))).browser();
            let sales = stage.client(Some(staff(33, OURS, Role::Sales))).browser();
            assert_eq!(wait(sales.get("/staff/payouts")).status.as_u16(), 403);
            look(&maker, "/staff/payouts");
            look(&maker, "/staff/exchanges");
            look(&maker, "/staff/gift-codes");
            let post = |client: &Client, path: &str, fields: &[(&str, &str)]| {
                wait(client.post_form(path, fields))
            };
            let sunday = post(&maker, "/staff/payouts", &[("pay_on", "2026-11-08")]);
            assert_eq!(sunday.status.as_u16(), 422);
            let made = post(&maker, "/staff/payouts", &[("pay_on", "2026-11-04")]);
            let address = made.header("location").to_owned();
            look(&maker, &address);
            let seen = [("lines", "1"), ("total", "1000")];
            let approve = format!("{address}/approve");
            assert_eq!(post(&maker, &approve, &seen).status.as_u16(), 422);
            let other = [("lines", "1"), ("total", "999")];
            assert_eq!(post(&checker, &approve, &other).status.as_u16(), 422);
            assert_eq!(post(&checker, &approve, &seen).status.as_u16(), 303);
            look(&checker, &address);
            let file = format!("{address}/file");
            let (one, two) = (post(&maker, &file, &[]), post(&checker, &file, &[]));
            assert!(
                one.header("content-disposition").contains("furikomi-20261104-0001.txt"),
                "its name"
            );
            assert_eq!(one.text, two.text);
        });
    }
}
