use std::sync::Arc;

use crate::TEXTS;
use crate::exchange::ExchangeEvent;
use crate::exchange::tests::stories::{ask, change, furnish, register, take};
use crate::exchange_letter::{ExchangeLetters, write_exchange_letters};
use crate::tests::{HANA, Stage, play};
use store::Statement;
use vocabulary::{Id, kind};
use web::Language;
use web::testing::frame;

static LIST_LETTERS: Statement = Statement::new(
    "list letters",
    "SELECT member, subject, body FROM mail_letter ORDER BY made_at, subject LIMIT 1000",
);

fn letters(stage: &Stage, language: Option<Language>) -> Vec<(String, String)> {
    let tools = ExchangeLetters {
        site: stage.site.clone(),
        frame: frame(&[TEXTS]),
        languages: Arc::new(move |members: &[Id<kind::Member>]| Ok(vec![language; members.len()])),
        address: "https://points.example.jp".to_owned(),
    };
    while write_exchange_letters(&tools).unwrap() > 0 {}
    assert_eq!(write_exchange_letters(&tools).unwrap(), 0, "nothing is left");
    let read = |reader: &mut store::Reader<'_>| reader.query(&LIST_LETTERS, &[]);
    let rows = stage.site.store().database().read(read).unwrap();
    let letter = |row: &store::Row<'_>| {
        let member: Id<kind::Member> = row.id(0).unwrap();
        assert_eq!(member, HANA);
        (row.text(1).unwrap().to_owned(), row.text(2).unwrap().to_owned())
    };
    rows.iter().map(letter).collect()
}

#[test]
fn a_letter_is_written_for_each_end_once() {
    play(|stage| {
        furnish(stage, 5_000);
        let payee = register(stage, "7654321");
        let cash = ask(stage, HANA, "cash", 500);
        assert_eq!(take(stage, &cash, Some(payee)), "held");
        assert!(letters(stage, None).is_empty(), "it has not ended");
        change(stage, cash.id, ExchangeEvent::Send).unwrap();
        change(stage, cash.id, ExchangeEvent::Arrive).unwrap();
        let written = letters(stage, None);
        let [(subject, body)] = written.as_slice() else { panic!("{written:?}") };
        assert_eq!(subject, "cashへの交換が完了しました");
        let page = format!("https://points.example.jp/exchange/{}", cash.id);
        for part in ["400円", "450 pt", page.as_str()] {
            assert!(body.contains(part), "{part}: {body}");
        }
        assert!(!body.contains("4321"), "where it is paid to is not in the letter");
        // A repeat of the news is no news; that it came back is.
        drop(change(stage, cash.id, ExchangeEvent::Arrive));
        assert_eq!(letters(stage, None).len(), 1);
        stage.clock.advance_seconds(60);
        change(stage, cash.id, ExchangeEvent::Return).unwrap();
        let written = letters(stage, Some(Language::English));
        assert_eq!(written.len(), 2);
        assert!(written[1].0.ends_with("came back"), "{written:?}");
        stage.clock.advance_seconds(60);
        let gift = ask(stage, HANA, "gift", 500);
        assert_eq!(take(stage, &gift, None), "held");
        change(stage, gift.id, ExchangeEvent::Send).unwrap();
        change(stage, gift.id, ExchangeEvent::Fail).unwrap();
        let written = letters(stage, Some(Language::English));
        assert!(written[2].0.ends_with("did not go through"), "{written:?}");
    });
}
