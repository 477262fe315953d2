use proptest::prelude::{Strategy, prop_assert, prop_assert_eq, proptest};

use super::{
    Destination, DestinationKind, LimitGroup, LimitPeriod, LimitRefusal, Opening, QuoteRefusal,
    Taken, in_force, quote,
};
use vocabulary::{Amount, BankCalendar, Day, Rate, Rounding, Timestamp, Token, UnitCode};

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
