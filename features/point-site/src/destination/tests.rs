use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

use super::store::{find_proposals, list_proposed, read_destinations, read_limit_groups};
use super::{
    DecideDestination, Destination, DestinationChange, DestinationEntry, DestinationKind,
    LimitGroup, LimitPeriod, LimitRefusal, Opening, ProposalRefusal, ProposalVerdict,
    ProposeDestination, QuoteRefusal, Standing, Taken, TermsError, entries_in_force, in_force,
    preview, quote,
};
use crate::exchange::tests::stories::{ask, checker, furnish, maker};
use crate::tests::{HANA, OURS, Stage, at, play};
use access::audit_trail::{Search, list};
use ledger::ActorNumber;
use vocabulary::{Amount, BankCalendar, Day, Label, Rate, Rounding, Timestamp, Token, UnitCode};

fn token(text: &str) -> Token {
    Token::parse(text).unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn amount(points: i64) -> Amount {
    Amount::try_new(points).unwrap()
}

/// A destination with minimum, step, rate and fee.
fn destination(
    minimum: u32,
    step: u32,
    (numerator, denominator): (i64, i64),
    fee: u32,
) -> Destination {
    Destination {
        code: token("cash"),
        kind: DestinationKind::Bank,
        unit: UnitCode::parse("JPY").unwrap(),
        minimum: Amount::from(minimum),
        step: Amount::from(step),
        rate: Rate::try_new(numerator, denominator).unwrap(),
        rounding: Rounding::Down,
        fee: Amount::from(fee),
        lead_days: 3,
        quote_minutes: 10,
        limit_group: token("general"),
        opening: Opening::Open,
        effective_from: day("2026-11-01"),
    }
}

#[test]
fn points_become_value_and_the_rest_stays() {
    let cash = destination(300, 100, (1, 1), 0);
    let gift = destination(490, 490, (500, 490), 0);
    let partner = destination(130, 130, (100, 130), 0);
    let tenth = destination(1, 1, (1, 10), 0);
    let miles = destination(3_000, 1, (1, 2), 0);
    let paid = destination(300, 100, (1, 1), 50);
    let thirds = destination(301, 1, (1, 10), 0);
    // Points, then fee, turned, remainder and value, or the refusal.
    let table = [
        (&cash, 300, "0 300 0 → 300"),
        (&cash, 399, "0 300 99 → 300"),
        (&cash, 299, "below_minimum 300"),
        (&cash, 0, "below_minimum 300"),
        (&gift, 490, "0 490 0 → 500"),
        (&gift, 1_000, "0 980 20 → 1000"),
        (&partner, 400, "0 390 10 → 300"),
        (&tenth, 3_005, "0 3000 5 → 300"),
        (&tenth, 9, "worthless"),
        (&miles, 3_001, "0 3000 1 → 1500"),
        (&paid, 349, "below_minimum 350"),
        (&paid, 350, "50 300 0 → 300"),
        (&paid, 520, "50 400 70 → 400"),
        (&thirds, 305, "0 301 4 → 30"),
        (&gift, i64::MAX, "out_of_range"),
        (&cash, i64::MAX, "0 9223372036854775800 7 → 9223372036854775800"),
    ];
    for (destination, points, expected) in table {
        let found = match quote(destination, amount(points), day("2026-11-24")) {
            Ok(q) => format!("{} {} {} → {}", q.fee, q.turned, q.remainder, q.value),
            Err(QuoteRefusal::BelowMinimum { minimum }) => format!("below_minimum {minimum}"),
            Err(refusal) => refusal.code().to_owned(),
        };
        assert_eq!(found, expected, "{points}");
    }
}

#[test]
fn rounding_is_the_one_that_is_told() {
    let table = [
        (Rounding::Down, "10 → 1"),
        (Rounding::Up, "11 → 2"),
        (Rounding::HalfUp, "15 → 2"),
        (Rounding::HalfEven, "15 → 2"),
    ];
    for (rounding, expected) in table {
        let destination = Destination { rounding, ..destination(1, 1, (1, 10), 0) };
        let found = quote(&destination, amount(17), day("2026-11-24")).unwrap();
        assert_eq!(found.rounding, rounding);
        assert_eq!(format!("{} → {}", found.turned, found.value), expected, "{rounding:?}");
    }
}

#[test]
fn a_destination_is_open_and_in_force() {
    let open = destination(1, 1, (1, 1), 0);
    let later = Destination { effective_from: day("2026-12-01"), ..open.clone() };
    let paused = Destination { opening: Opening::Paused, ..open.clone() };
    let today = day("2026-11-24");
    let not_yet = QuoteRefusal::NotYet { from: day("2026-12-01") };
    assert_eq!(quote(&later, amount(5), today), Err(not_yet));
    assert_eq!(quote(&paused, amount(5), today), Err(QuoteRefusal::Paused));

    let versions = [later.clone(), open.clone()];
    assert_eq!(in_force(&versions, &open.code, today), Some(&open));
    assert_eq!(in_force(&versions, &open.code, day("2026-12-01")), Some(&later));
    assert_eq!(in_force(&versions, &open.code, day("2026-10-31")), None);
    assert_eq!(in_force(&versions, &token("other"), today), None);
}

#[test]
fn a_quote_ends_and_promises_a_business_day() {
    let quote = quote(&destination(1, 1, (1, 1), 0), amount(5), day("2026-12-28")).unwrap();
    let at = Timestamp::parse("2026-12-28T12:00:00+09:00").unwrap();
    assert_eq!(quote.expires_at(at), Timestamp::parse("2026-12-28T12:10:00+09:00").unwrap());
    assert_eq!(quote.due_on(BankCalendar::JAPAN, day("2026-12-28")), Ok(day("2027-01-04")));
}

#[test]
fn limits_count_the_day_and_the_month() {
    let group = |daily: Option<u32>, monthly: Option<u32>| LimitGroup {
        code: token("general"),
        daily: daily.map(Amount::from),
        monthly: monthly.map(Amount::from),
    };
    let refused = |period, limit: u32, left: u32| {
        Err(LimitRefusal { period, limit: Amount::from(limit), left: Amount::from(left) })
    };
    let taken = Taken { today: Amount::from(4_000), month: Amount::from(28_000) };
    let table = [
        (group(Some(5_000), Some(30_000)), 1_000, Ok(())),
        (group(Some(5_000), Some(30_000)), 1_001, refused(LimitPeriod::Day, 5_000, 1_000)),
        (group(None, Some(30_000)), 2_000, Ok(())),
        (group(None, Some(30_000)), 2_001, refused(LimitPeriod::Month, 30_000, 2_000)),
        (group(Some(3_000), Some(20_000)), 1, refused(LimitPeriod::Day, 3_000, 0)),
        (group(None, None), 1_000_000, Ok(())),
    ];
    for (group, points, expected) in table {
        assert_eq!(group.check(taken, Amount::from(points)), expected, "{points} in {group:?}");
    }
    let full = Taken { today: Amount::MAX, month: Amount::MAX };
    let limited = group(Some(5), None).check(full, Amount::MAX);
    assert_eq!(limited, refused(LimitPeriod::Day, 5, 0), "nothing wraps");
}

#[test]
fn terms_that_promise_nothing_are_refused() {
    let good = || destination(300, 100, (1, 1), 0);
    let rate = |numerator, denominator| Rate::try_new(numerator, denominator).unwrap();
    let zero = Amount::ZERO;
    let table: [(Destination, Result<(), TermsError>); 14] = [
        (good(), Ok(())),
        (Destination { opening: Opening::Paused, ..good() }, Ok(())),
        (Destination { unit: UnitCode::parse("MILE").unwrap(), ..good() }, Err(TermsError::Unit)),
        (
            Destination {
                unit: UnitCode::parse("MILE").unwrap(),
                kind: DestinationKind::PartnerPoints,
                ..good()
            },
            Ok(()),
        ),
        (Destination { minimum: zero, ..good() }, Err(TermsError::Minimum)),
        (Destination { minimum: amount(1_000_000_000), ..good() }, Err(TermsError::Minimum)),
        (Destination { step: zero, ..good() }, Err(TermsError::Step)),
        (Destination { rate: rate(0, 1), ..good() }, Err(TermsError::Rate)),
        (Destination { rate: rate(1, 1_000_000_000), ..good() }, Err(TermsError::Rate)),
        (Destination { fee: amount(1_000_000_000), ..good() }, Err(TermsError::Fee)),
        (Destination { lead_days: 61, ..good() }, Err(TermsError::LeadDays)),
        (Destination { quote_minutes: 0, ..good() }, Err(TermsError::QuoteMinutes)),
        (Destination { quote_minutes: 1_441, ..good() }, Err(TermsError::QuoteMinutes)),
        (destination(9, 1, (1, 10), 0), Err(TermsError::Worthless)),
    ];
    for (terms, expected) in table {
        assert_eq!(terms.check(), expected, "{terms:?}");
    }
}

#[test]
fn a_preview_is_a_quote_of_the_first_day_as_if_it_were_open() {
    let paused = Destination { opening: Opening::Paused, ..destination(300, 100, (1, 2), 50) };
    let gives = preview(&paused, amount(1_000)).unwrap();
    assert_eq!((gives.value, gives.fee, gives.remainder), (amount(450), amount(50), amount(50)));
    let few = preview(&paused, amount(349));
    assert_eq!(few, Err(QuoteRefusal::BelowMinimum { minimum: amount(350) }));
    assert_eq!(paused.least(), Some(amount(350)));
}

/// Proposes a version of the gift code of [`furnish`], with another fee.
fn version(code: &str, fee: u32, from: &str) -> DestinationChange {
    let terms = Destination {
        code: token(code),
        kind: DestinationKind::GiftCode,
        lead_days: 0,
        effective_from: day(from),
        ..destination(300, 100, (1, 1), fee)
    };
    let name = Label::parse("gift").unwrap();
    let product = token("sandbox");
    DestinationChange::Version(DestinationEntry {
        terms,
        name: name.clone(),
        name_english: name,
        product,
    })
}

fn changed(
    change: &DestinationChange,
    with: impl FnOnce(&mut DestinationEntry),
) -> DestinationChange {
    let DestinationChange::Version(entry) = change else { panic!("no version") };
    let mut entry = entry.clone();
    with(&mut entry);
    DestinationChange::Version(entry)
}

fn limits(code: &str, daily: Option<u32>, monthly: Option<u32>) -> DestinationChange {
    let (daily, monthly) = (daily.map(Amount::from), monthly.map(Amount::from));
    DestinationChange::Limits(LimitGroup { code: token(code), daily, monthly })
}

fn proposing(stage: &Stage, change: &DestinationChange, standing: Standing) -> ProposeDestination {
    let config = stage.site.shared_config();
    ProposeDestination { config, change: change.clone(), standing, by: maker() }
}

fn propose(
    stage: &Stage,
    change: &DestinationChange,
    standing: Standing,
) -> Result<u32, &'static str> {
    let command = proposing(stage, change, standing);
    stage.site.store().run(command).unwrap().map_err(ProposalRefusal::code)
}

fn decide(
    stage: &Stage,
    number: u32,
    verdict: ProposalVerdict,
    by: ActorNumber,
) -> Result<(), &'static str> {
    let command = DecideDestination { config: stage.site.shared_config(), number, verdict, by };
    stage.site.store().run(command).unwrap().map_err(ProposalRefusal::code)
}

fn approve(stage: &Stage, number: u32) -> Result<(), &'static str> {
    decide(stage, number, ProposalVerdict::Approve, checker())
}

/// The fee of the gift code on a day, and the limits of its group.
fn fee_on(stage: &Stage, code: &str, on: &str) -> Option<i64> {
    let database = stage.site.store().database();
    let all = database.read(|reader| read_destinations(reader, &[OURS])).unwrap();
    let in_force = entries_in_force(&all[&OURS], day(on));
    let found = in_force.into_iter().find(|entry| entry.terms.code == token(code));
    found.map(|entry| entry.terms.fee.minor_units())
}

/// What the audit trail tells, the newest first.
fn trail(stage: &Stage) -> Vec<String> {
    let read = |reader: &mut store::Reader<'_>| list(reader, &Search::All, None, 100);
    let all = stage.site.store().database().read(read).unwrap();
    all.iter().map(|one| format!("{} {}", one.entry.action, one.entry.subject)).collect()
}

#[test]
fn a_version_holds_from_its_day_once_somebody_else_approved_it() {
    play(|stage| {
        furnish(stage, 50_000);
        let quoted = ask(stage, HANA, "gift", 1_000);
        let change = version("gift", 30, "2026-11-10");
        assert_eq!(propose(stage, &change, Standing::Known), Ok(1));
        assert_eq!(propose(stage, &change, Standing::Known), Ok(1), "a repeat");
        assert_eq!(fee_on(stage, "gift", "2026-11-10"), Some(0), "nothing yet");
        let verdict = ProposalVerdict::Approve;
        assert_eq!(decide(stage, 1, verdict, maker()), Err("same_person"));
        assert_eq!(decide(stage, 2, verdict, checker()), Err("not_found"));
        assert_eq!(approve(stage, 1), Ok(()));
        assert_eq!(approve(stage, 1), Ok(()), "a repeat");
        let decline = ProposalVerdict::Decline;
        assert_eq!(decide(stage, 1, decline, checker()), Err("decided"));
        assert_eq!(fee_on(stage, "gift", "2026-11-09"), Some(0));
        assert_eq!(fee_on(stage, "gift", "2026-11-10"), Some(30));

        // Another one for the same day takes its place, and one that is declined does not.
        assert_eq!(propose(stage, &version("gift", 40, "2026-11-10"), Standing::Known), Ok(2));
        assert_eq!(approve(stage, 2), Ok(()));
        assert_eq!(fee_on(stage, "gift", "2026-11-10"), Some(40));
        assert_eq!(propose(stage, &version("gift", 99, "2026-11-10"), Standing::Known), Ok(3));
        assert_eq!(decide(stage, 3, decline, maker()), Ok(()), "taken back");
        assert_eq!(decide(stage, 3, decline, maker()), Ok(()), "a repeat");
        assert_eq!(approve(stage, 3), Err("decided"));
        assert_eq!(fee_on(stage, "gift", "2026-11-10"), Some(40));

        stage.clock.set(at("2026-11-10 00:00"));
        assert_eq!(ask(stage, HANA, "gift", 1_000).quote.fee, amount(40));
        assert_eq!(quoted.quote.fee, Amount::ZERO, "a quote keeps its terms");
        let expected = [
            "destination.decline gift 2026-11-10",
            "destination.propose gift 2026-11-10",
            "destination.approve gift 2026-11-10",
            "destination.propose gift 2026-11-10",
            "destination.approve gift 2026-11-10",
            "destination.propose gift 2026-11-10",
        ];
        assert_eq!(trail(stage), expected);
        let found = stage.site.store().database();
        let found = found.read(|reader| find_proposals(reader, OURS, &[1, 2, 3])).unwrap();
        assert_eq!(found[&1].change, change, "what was proposed stays");
        let states: Vec<_> = found.values().map(|proposal| proposal.state.code()).collect();
        assert_eq!(states, ["approved", "approved", "declined"]);
    });
}

#[test]
fn every_proposal_that_cannot_hold_is_refused() {
    play(|stage| {
        furnish(stage, 5_000);
        let known = version("gift", 30, "2026-11-10");
        let with = |change: fn(&mut DestinationEntry)| changed(&known, change);
        let yen =
            |entry: &mut DestinationEntry| entry.terms.unit = UnitCode::parse("MILE").unwrap();
        let table = [
            (with(|entry| entry.terms.code = token("gone")), "not_found"),
            (with(|entry| entry.terms.minimum = Amount::ZERO), "minimum"),
            (with(|entry| entry.terms.kind = DestinationKind::PartnerPoints), "kind_fixed"),
            (with(yen), "kind_fixed"),
            (with(|entry| entry.product = token("nobody")), "partner_unknown"),
            (with(|entry| entry.terms.limit_group = token("nobody")), "group_unknown"),
            (with(|entry| entry.terms.effective_from = day("2026-10-31")), "day_passed"),
            (with(|entry| entry.terms.effective_from = day("2026-11-01")), "begun"),
            (
                with(|entry| (entry.terms.fee, entry.terms.quote_minutes) = (amount(0), 10)),
                "unchanged",
            ),
            (limits("gone", None, None), "not_found"),
            (limits("general", Some(2), Some(1)), "limits_unfit"),
            (limits("general", None, Some(30_000)), "unchanged"),
        ];
        for (change, expected) in table {
            assert_eq!(propose(stage, &change, Standing::Known), Err(expected), "{change:?}");
        }
        for code in ["gift", "new", "decide"] {
            let change = version(code, 0, "2026-11-10");
            assert_eq!(propose(stage, &change, Standing::New), Err("code_taken"), "{code}");
        }
        assert_eq!(
            propose(stage, &limits("general", None, None), Standing::New),
            Err("code_taken")
        );
        assert_eq!(propose(stage, &known, Standing::Known), Ok(1));
        let other = version("gift", 31, "2026-11-10");
        assert_eq!(propose(stage, &other, Standing::Known), Err("pending"));
        assert_eq!(trail(stage).len(), 1);
    });
}

#[test]
fn what_comes_too_late_is_not_approved() {
    play(|stage| {
        furnish(stage, 5_000);
        assert_eq!(propose(stage, &version("gift", 30, "2026-11-02"), Standing::Known), Ok(1));
        assert_eq!(propose(stage, &version("tea", 30, "2026-11-01"), Standing::New), Ok(2));
        stage.clock.set(at("2026-11-02 00:00"));
        assert_eq!(approve(stage, 1), Err("begun"));
        assert_eq!(approve(stage, 2), Err("day_passed"));
        assert_eq!(decide(stage, 1, ProposalVerdict::Decline, checker()), Ok(()));
        assert_eq!(fee_on(stage, "gift", "2026-11-02"), Some(0));
    });
}

#[test]
fn destinations_and_groups_are_added_and_limits_hold_at_once() {
    play(|stage| {
        furnish(stage, 5_000);
        let mut change = version("tea", 0, "2026-11-01");
        change = changed(&change, |entry| entry.terms.limit_group = token("treats"));
        assert_eq!(propose(stage, &change, Standing::New), Err("group_unknown"));
        assert_eq!(propose(stage, &limits("treats", Some(500), None), Standing::New), Ok(1));
        assert_eq!(propose(stage, &change, Standing::New), Err("group_unknown"), "not approved");
        assert_eq!(approve(stage, 1), Ok(()));
        assert_eq!(propose(stage, &change, Standing::New), Ok(2));
        assert_eq!(propose(stage, &limits("general", None, Some(700)), Standing::Known), Ok(3));
        let database = stage.site.store().database();
        let waiting = database.read(|reader| list_proposed(reader, OURS)).unwrap();
        assert_eq!(waiting.iter().map(|one| one.number).collect::<Vec<_>>(), [2, 3]);
        assert_eq!((approve(stage, 2), approve(stage, 3)), (Ok(()), Ok(())));
        assert_eq!(fee_on(stage, "tea", "2026-11-01"), Some(0));
        assert_eq!(ask(stage, HANA, "tea", 300).quote.value, amount(300));
        let groups = database.read(|reader| read_limit_groups(reader, &[OURS])).unwrap();
        let monthly = |code: &str| groups[&(OURS, token(code))].monthly;
        assert_eq!((monthly("general"), monthly("treats")), (Some(amount(700)), None));
    });
}

#[test]
fn proposals_of_one_slice_see_one_another() {
    play(|stage| {
        furnish(stage, 5_000);
        let gift = |fee| version("gift", fee, "2026-11-10");
        let all = vec![
            proposing(stage, &gift(1), Standing::Known),
            proposing(stage, &gift(1), Standing::Known),
            proposing(stage, &gift(2), Standing::Known),
            proposing(stage, &limits("general", None, None), Standing::Known),
        ];
        let answers = stage.site.store().run_all(all).unwrap();
        let told: Vec<_> =
            answers.into_iter().map(|answer| answer.map_err(ProposalRefusal::code)).collect();
        assert_eq!(told, [Ok(1), Ok(1), Err("pending"), Ok(2)]);
        let deciding = |number, by| DecideDestination {
            config: stage.site.shared_config(),
            number,
            verdict: ProposalVerdict::Approve,
            by,
        };
        let all = vec![deciding(1, checker()), deciding(1, maker()), deciding(2, checker())];
        let answers = stage.site.store().run_all(all).unwrap();
        let told: Vec<_> =
            answers.into_iter().map(|answer| answer.map_err(ProposalRefusal::code)).collect();
        assert_eq!(told, [Ok(()), Err("decided"), Ok(())]);
        assert_eq!(fee_on(stage, "gift", "2026-11-10"), Some(1));
    });
}

fn destinations() -> impl Strategy<Value = Destination> {
    const ROUNDINGS: &[Rounding] =
        &[Rounding::Down, Rounding::Up, Rounding::HalfUp, Rounding::HalfEven];
    let rates = (0_i64..2_000, 1_i64..2_000);
    let rounding = proptest::sample::select(ROUNDINGS);
    (0_u32..5_000, 0_u32..1_000, rates, 0_u32..500, rounding).prop_map(
        |(minimum, step, rate, fee, rounding)| Destination {
            rounding,
            ..destination(minimum, step, rate, fee)
        },
    )
}

proptest! {
    #[test]
    fn no_point_is_lost_and_none_turned_for_nothing(
        destination in destinations(),
        points in proptest::prop_oneof![0_i64..20_000, 0..=i64::MAX],
    ) {
        let Ok(quote) = quote(&destination, amount(points), day("2026-11-24")) else {
            return Ok(());
        };
        let parts = [quote.fee, quote.turned, quote.remainder];
        let sum: i64 = parts.iter().map(|part| part.minor_units()).sum();
        prop_assert_eq!(sum, points);
        prop_assert_eq!(quote.taken().minor_units(), points - quote.remainder.minor_units());
        prop_assert_eq!(destination.rate.apply(quote.turned, quote.rounding), Some(quote.value));
        let step = destination.step.minor_units().max(1);
        prop_assert_eq!(quote.turned.minor_units() % step, 0);
        prop_assert!(quote.turned >= destination.minimum, "{quote:?}");
        // What is left gives nothing more, and one step less would give less.
        let all = amount(points - quote.fee.minor_units());
        let whole = amount(all.minor_units().div_euclid(step) * step);
        prop_assert_eq!(destination.rate.apply(whole, quote.rounding), Some(quote.value));
        let fewer = quote.turned.minor_units() - step;
        if fewer >= destination.minimum.minor_units().max(1) {
            let less = destination.rate.apply(amount(fewer), quote.rounding).unwrap();
            prop_assert!(less < quote.value, "{quote:?}");
        }
    }

    #[test]
    fn rounding_down_leaves_less_than_one_of_the_unit(
        numerator in 1_i64..2_000, denominator in 1_i64..2_000, points in 0_i64..1_000_000,
    ) {
        let destination = destination(1, 1, (numerator, denominator), 0);
        if let Ok(quote) = quote(&destination, amount(points), day("2026-11-24")) {
            let exact = quote.turned.minor_units() * numerator;
            let rest = exact - quote.value.minor_units() * denominator;
            prop_assert!((0..denominator.max(numerator)).contains(&rest), "{quote:?}");
        }
    }
}
