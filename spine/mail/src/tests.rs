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
