use super::stage::{OURS, THEIRS, play};
use crate::{Actor, RegisterActor, Role, Subject, find_actors};
use ledger::ActorNumber;
use vocabulary::{Id, Label, Token};

#[test]
fn actors_get_dense_numbers_once() {
    play(|stage| {
        let label = Label::parse("expire lots").unwrap();
        let job = |company, name| {
            let subject = Subject::job(company, &Token::parse(name).unwrap());
            RegisterActor { company, subject, label: label.clone() }
        };
        let slice = [job(OURS, "expire"), job(THEIRS, "expire"), job(OURS, "expire")];
        let numbers = stage.send_all(&slice).into_iter().map(Result::unwrap);
        assert_eq!(numbers.map(ActorNumber::ordinal).collect::<Vec<_>>(), [1, 2, 1]);
        assert_eq!(stage.send(job(THEIRS, "expire")).unwrap().ordinal(), 2, "a repeat");
        assert_eq!(stage.send(job(OURS, "close")).unwrap().ordinal(), 3);
        stage.add_login("hana", 7, Role::Member);

        let asked = [4, 0, 2, 99, 4].map(ActorNumber::from_number);
        let found = stage.database.read(|reader| find_actors(reader, &asked)).unwrap();
        let expected = [
            (0, Subject::System, "system"),
            (4, Subject::Member(Id::from_bits(7)), "mem_00000000000000000000000007"),
            (2, slice[1].subject, "expire lots"),
        ];
        let show = |actor: &Actor| (actor.number.ordinal(), actor.subject, actor.label.to_string());
        let expected = expected.map(|(number, subject, label)| (number, subject, label.to_owned()));
        assert_eq!(found.iter().map(show).collect::<Vec<_>>(), expected);
    });
}
