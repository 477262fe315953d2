use crate::{Body, Category, Letter, MIGRATIONS, Recipient, enqueue};
use store::{Statement, testing::for_each_database};
use vocabulary::{CompanyNumber, Email, Id, Label, TextError, Timestamp};

static LIST: Statement =
    Statement::new("list letters", "SELECT subject, made_at FROM mail_letter ORDER BY id LIMIT 10");

fn letter(id: u128, to: Recipient, subject: &str) -> Letter {
    Letter {
        id: Id::from_bits(id),
        company: CompanyNumber::new(3),
        category: Category::Service,
        to,
        subject: Label::parse(subject).unwrap(),
        body: Body::parse("認証コードは 123456 です。").unwrap(),
    }
}

#[test]
fn a_letter_is_put_into_the_tray_once() {
    for_each_database(|test| {
        test.migrate(MIGRATIONS);
        let mut connection = test.database().connect().unwrap();
        let address = Recipient::Address(Email::parse("hanako@example.jp").unwrap());
        let member = Recipient::Member(Id::from_bits(7));
        let first = [letter(1, address.clone(), "一通目"), letter(2, member, "二通目")];
        for (letters, at) in [(&first[..], 5), (&[letter(1, address, "あとから")], 6)] {
            let mut tx = connection.begin().unwrap();
            enqueue(&mut tx, letters, Timestamp::from_microseconds(at)).unwrap();
            tx.commit().unwrap();
        }
        let mut reader = connection.reader().unwrap();
        let rows = reader.query(&LIST, &[]).unwrap();
        let seen =
            rows.iter().map(|row| (row.text(0).unwrap().to_owned(), row.timestamp(1).unwrap()));
        let seen: Vec<(String, Timestamp)> = seen.collect();
        let first = Timestamp::from_microseconds(5);
        assert_eq!(seen, [("一通目".to_owned(), first), ("二通目".to_owned(), first)]);
    });
}

#[test]
fn a_body_is_lines_of_text() {
    assert_eq!(Body::parse(" 一\r\n二\n ").unwrap().as_str(), "一\n二");
    assert_eq!(Body::parse(" \n"), Err(TextError::Empty));
    assert_eq!(Body::parse("a\u{0}b"), Err(TextError::Character));
    assert_eq!(Body::parse(&"あ".repeat(8_001)), Err(TextError::TooLong { max: 8_000 }));
    assert!(!format!("{:?}", Body::parse("123456").unwrap()).contains("123456"));
}

mod delivery {
    use super::letter;
    use crate::{
        ATTEMPTS_MAX, Carried, Recipient,
        delivery::Answer,
        store::{LetterState, Stored},
    };
    use vocabulary::{Id, Timestamp};

    const NOW: Timestamp = Timestamp::from_microseconds(1_795_143_600_000_000);

    fn waiting(attempts: u32) -> Stored {
        Stored {
            letter: letter(1, Recipient::Member(Id::from_bits(7)), "件名"),
            state: LetterState::Waiting,
            attempts,
            made_at: NOW,
            next_at: NOW,
            done_at: None,
            answer: None,
            wiped: false,
        }
    }

    #[test]
    fn an_answer_decides_what_becomes_of_a_letter() {
        use LetterState::{Failed, Sent, Waiting};
        let carried = Answer::Carried;
        // Attempts before, answer; state, wait in seconds, whether the text is wiped, what is kept.
        let table = [
            (0, carried(Carried::Taken), Sent, 0, true, Some("250")),
            (0, carried(Carried::Later(451)), Waiting, 60, false, Some("451")),
            (1, carried(Carried::Later(451)), Waiting, 300, false, Some("451")),
            (8, carried(Carried::Later(421)), Waiting, 28_800, false, Some("421")),
            (ATTEMPTS_MAX - 1, carried(Carried::Later(421)), Failed, 0, true, Some("421")),
            (0, carried(Carried::Never(550)), Failed, 0, true, Some("550")),
            (0, carried(Carried::Away), Waiting, 0, false, None),
            (0, Answer::NoAddress, Failed, 0, true, Some("no_address")),
            (0, Answer::Unwanted, Failed, 0, true, Some("unwanted")),
        ];
        for (attempts, answer, state, wait, wiped, kept) in table {
            let after = waiting(attempts).after(answer, NOW);
            assert_eq!(
                (after.state, after.next_at, after.wiped, after.answer.as_deref()),
                (state, NOW.plus_seconds(wait), wiped, kept),
                "{answer:?} after {attempts}"
            );
            assert_eq!(after.done_at.is_some(), wiped, "{answer:?}");
        }
    }
}
