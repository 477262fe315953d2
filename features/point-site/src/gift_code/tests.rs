use super::{
    GiftAnswer, GiftCode, GiftCodeError, LastFour, PoolCode, PoolEvent, PoolState, RequestId,
    plan_code, take,
};
use crate::exchange::ExchangeEvent;
use vocabulary::{Amount, Day, Id, kind};

const OURS: Id<kind::Exchange> = Id::from_bits(0x0192_F3A0_7C1E_7B3A_9D55_0A1B_2C3D_4E5F);
const OTHER: Id<kind::Exchange> = Id::from_bits(2);

fn code(text: &str) -> GiftCode {
    GiftCode::parse(text).unwrap()
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

#[test]
fn every_event_of_a_code_is_decided() {
    let states = [
        PoolState::Free,
        PoolState::Reserved { exchange: OURS },
        PoolState::Given { exchange: OURS },
        PoolState::Void,
    ];
    let events = [
        PoolEvent::Reserve(OURS),
        PoolEvent::Reserve(OTHER),
        PoolEvent::Give(OURS),
        PoolEvent::Give(OTHER),
        PoolEvent::Void,
    ];
    // Reserved by us, by another; given to us, to another; taken out of use.
    let table = [
        ["reserved", "reserved", "code_not_reserved", "code_not_reserved", "void"],
        ["same", "code_taken", "given", "code_taken", "void"],
        ["same", "code_taken", "same", "code_taken", "code_given"],
        ["code_void", "code_void", "code_void", "code_void", "same"],
    ];
    for (state, row) in states.into_iter().zip(table) {
        for (event, expected) in events.into_iter().zip(row) {
            let found = match plan_code(state, event) {
                Ok(None) => "same",
                Ok(Some(next)) => next.code(),
                Err(refusal) => refusal.code(),
            };
            assert_eq!(found, expected, "{state:?} {event:?}");
        }
    }
}

#[test]
fn the_code_that_ends_first_is_taken_and_only_once() {
    let entry = |number, value: u32, until: Option<&str>, state| PoolCode {
        number,
        value: Amount::from(value),
        usable_until: until.map(day),
        last_four: code("AAAA-BBBB").last_four(),
        state,
    };
    let mut pool = vec![
        entry(1, 500, None, PoolState::Free),
        entry(2, 500, Some("2027-03-31"), PoolState::Free),
        entry(3, 500, Some("2026-11-23"), PoolState::Free),
        entry(4, 500, Some("2026-12-31"), PoolState::Reserved { exchange: OTHER }),
        entry(5, 500, Some("2027-01-31"), PoolState::Void),
        entry(6, 500, Some("2027-03-31"), PoolState::Free),
        entry(7, 1_000, Some("2026-12-01"), PoolState::Free),
    ];
    let taken = |pool: &[PoolCode]| {
        take(pool, OURS, Amount::from(500), day("2026-11-24")).map(|code| code.number)
    };
    let mut order = Vec::new();
    while let Some(number) = taken(&pool) {
        order.push(number);
        pool.retain(|code| code.number != number);
    }
    assert_eq!(order, [2, 6, 1]);

    let state = PoolState::Given { exchange: OURS };
    pool.push(entry(8, 500, Some("2026-11-23"), state));
    pool.push(entry(9, 500, None, PoolState::Free));
    assert_eq!(taken(&pool), Some(8), "an exchange keeps its code");
}

#[test]
fn a_code_is_not_shown_by_accident() {
    let secret = code(" ABCD-EFGH-1234 ");
    assert_eq!(format!("{secret:?} {}", secret.last_four()), "GiftCode(••••1234) ••••1234");
    assert_eq!(secret.reveal(), "ABCD-EFGH-1234");
    assert_eq!(LastFour::parse("1234"), Ok(secret.last_four()));
    assert_eq!(LastFour::parse("12345"), Err(GiftCodeError));
    for text in ["", "ABCDEFG", "ABCD EFGH", "ＡＢＣＤＥＦＧＨ", &"A".repeat(65)] {
        assert!(GiftCode::parse(text).is_err(), "{text}");
    }
}

#[test]
fn the_same_exchange_makes_the_same_request() {
    let id = RequestId::of("Daif0", OURS).unwrap();
    assert_eq!(RequestId::of("Daif0", OURS), Some(id.clone()));
    assert_ne!(RequestId::of("Daif0", OTHER), Some(id.clone()));
    assert!(id.as_str().starts_with("Daif0"), "{}", id.as_str());
    assert_eq!(id.as_str().len(), 31);
    assert_eq!(RequestId::of(&"A".repeat(14), OURS).unwrap().as_str().len(), RequestId::MAX);
    assert_eq!(RequestId::of(&"A".repeat(15), OURS), None);
    assert_eq!(RequestId::of("a-b", OURS), None);
    assert_eq!(RequestId::exchange(id.as_str(), "Daif0"), Some(OURS));
    assert_eq!(RequestId::exchange(id.as_str(), "Daif"), None);
    assert_eq!(RequestId::exchange(&id.as_str().to_lowercase(), "Daif0"), None);
}

#[test]
fn answers_are_told_to_the_exchange() {
    assert_eq!(GiftAnswer::Issued(code("ABCD-EFGH-1234")).event(), ExchangeEvent::Arrive);
    assert_eq!(GiftAnswer::Refused.event(), ExchangeEvent::Fail);
    assert_eq!(GiftAnswer::Again.event(), ExchangeEvent::LoseSight);
}
