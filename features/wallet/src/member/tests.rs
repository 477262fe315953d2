use super::*;
use ledger::{Unit, UnitNumber, UnitPolicy};
use store::{Command, Posting, Scratch};
use vocabulary::{CompanyNumber, Id, Scale, UnitCode};

const OURS: CompanyNumber = CompanyNumber::new(1);
const POINTS: UnitNumber = UnitNumber::new(1);

#[test]
fn an_account_is_opened_once() {
    let mut scratch = Scratch::default();
    scratch.book.set_unit(Unit {
        number: POINTS,
        code: UnitCode::parse("HPT").unwrap(),
        scale: Scale::default(),
        issuer: OURS,
        policy: UnitPolicy::default(),
    });
    let first = OpenWallet { member: Id::from_bits(7), company: OURS, unit: POINTS };
    let number = ledger::AccountNumber::new;
    let elsewhere = OpenWallet { company: CompanyNumber::new(2), ..first };
    let table = [
        ("the first", first, Ok(number(0))),
        ("a repeat", first, Ok(number(0))),
        ("another member", OpenWallet { member: Id::from_bits(8), ..first }, Ok(number(1))),
        ("another company", elsewhere, Err(OpenWalletRefusal::MemberElsewhere)),
        (
            "an unknown unit",
            OpenWallet { unit: UnitNumber::new(9), ..first },
            Err(OpenWalletRefusal::UnitNotFound),
        ),
    ];
    for (name, command, expected) in table {
        let decided = command.decide(&mut (), &mut Posting::over(&mut scratch));
        assert_eq!(decided, expected, "{name}");
    }
    assert_eq!(scratch.book.accounts().len(), 2);
}
