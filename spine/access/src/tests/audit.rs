use super::stage::{OURS, Stage, THEIRS, at, play};
use crate::{
    Need,
    audit_trail::{AuditEntry, Flaw, Head, Outcome, Search, Verdict, append, list, verify},
    testing,
};
use ledger::ActorNumber;
use store::{Insert, Statement};
use vocabulary::{CompanyNumber, Id, Reference, kind};

fn fill(stage: &Stage<'_>) -> Head {
    let by = testing::api_key(9, OURS, &[Need::HoldWrite]);
    let hold = Id::<kind::Hold>::from_bits(5);
    let entries = vec![
        AuditEntry::done(at(0), &by, "hold.place").about(hold),
        AuditEntry::done(at(1), &by, "hold.void").about(hold).refused(),
        AuditEntry::done(at(2), &by, "account.open").of(THEIRS).with(Some(Id::from_bits(8))),
        AuditEntry::done(at(3), &by, "report.import")
            .about_reference(&Reference::parse("R-1").unwrap()),
    ];
    let first = entries.iter().take(1).cloned().collect();
    stage.write(|tx| append(tx, first)).unwrap();
    stage.write(|tx| append(tx, entries.into_iter().skip(1).collect())).unwrap()
}

fn check(stage: &Stage<'_>, known: Option<Head>) -> Verdict {
    stage.database.read(|reader| verify(reader, known)).unwrap()
}

#[test]
fn a_trail_is_whole_and_can_be_searched() {
    play(|stage| {
        assert_eq!(check(stage, None), Verdict::Intact(Head::EMPTY));
        let head = fill(stage);
        assert_eq!(head.seq, 4);
        assert_eq!(check(stage, Some(head)), Verdict::Intact(head));
        assert_eq!(stage.write(|tx| append(tx, Vec::new())).unwrap(), head, "nothing to append");

        let seqs = |search: Search, before, limit| {
            let found = stage.database.read(|reader| list(reader, &search, before, limit)).unwrap();
            found.iter().map(|recorded| recorded.head.seq).collect::<Vec<_>>()
        };
        assert_eq!(seqs(Search::All, None, 9), [4, 3, 2, 1]);
        assert_eq!(seqs(Search::All, Some(4), 2), [3, 2]);
        assert_eq!(seqs(Search::Company(OURS), None, 9), [4, 2, 1]);
        assert!(seqs(Search::Company(CompanyNumber::new(5)), None, 9).is_empty(), "no matter");
        let hold = Id::<kind::Hold>::from_bits(5).to_string();
        assert_eq!(seqs(Search::Subject(hold), None, 9), [2, 1]);

        let found = stage.database.read(|reader| list(reader, &Search::All, Some(4), 1)).unwrap();
        let expected = AuditEntry {
            at: at(2),
            actor: ActorNumber::new(OURS, 9),
            company: THEIRS,
            action: "account.open".to_owned(),
            subject: String::new(),
            outcome: Outcome::Done,
            request: Some(Id::from_bits(8)),
        };
        assert_eq!(found.first().unwrap().entry, expected);
    });
}

#[test]
fn each_tampered_row_is_named() {
    static ACTOR: Statement =
        Statement::new("forge actor", "UPDATE audit_entry SET actor = 1 WHERE seq = 2");
    static TIME: Statement =
        Statement::new("forge time", "UPDATE audit_entry SET at = at + 1 WHERE seq = 1");
    static OUTCOME: Statement =
        Statement::new("forge outcome", "UPDATE audit_entry SET outcome = 'done' WHERE seq = 2");
    static REQUEST: Statement =
        Statement::new("forge request", "UPDATE audit_entry SET request = NULL WHERE seq = 3");
    static MOVE: Statement = Statement::new(
        "forge texts",
        "UPDATE audit_entry SET action = 'report.importR', subject = '-1' WHERE seq = 4",
    );
    static FIRST: Statement = Statement::new("cut first", "DELETE FROM audit_entry WHERE seq = 1");
    static MIDDLE: Statement =
        Statement::new("cut middle", "DELETE FROM audit_entry WHERE seq = 3");
    static LAST: Statement = Statement::new("cut last", "DELETE FROM audit_entry WHERE seq = 4");
    static CLOSE: Statement =
        Statement::new("close gap", "UPDATE audit_entry SET seq = seq - 1 WHERE seq > 3");
    let broken = |seq, flaw| Verdict::Broken { seq, flaw };
    let table: [(&[&Statement], Verdict); 9] = [
        (&[&ACTOR], broken(2, Flaw::Changed)),
        (&[&TIME], broken(1, Flaw::Changed)),
        (&[&OUTCOME], broken(2, Flaw::Changed)),
        (&[&REQUEST], broken(3, Flaw::Changed)),
        (&[&MOVE], broken(4, Flaw::Changed)),
        (&[&FIRST], broken(1, Flaw::Missing)),
        (&[&MIDDLE], broken(3, Flaw::Missing)),
        (&[&MIDDLE, &CLOSE], broken(3, Flaw::Changed)),
        (&[&LAST], broken(4, Flaw::Missing)),
    ];
    play(|stage| {
        let head = fill(stage);
        let mut connection = stage.database.connect().unwrap();
        for (line, (forgery, expected)) in table.iter().enumerate() {
            let mut tx = connection.begin().unwrap();
            for statement in *forgery {
                assert_eq!(tx.execute(statement, &[]).unwrap(), 1, "line {line}");
            }
            assert_eq!(verify(&mut tx, Some(head)).unwrap(), *expected, "line {line}");
            tx.rollback();
        }
        assert_eq!(check(stage, Some(head)), Verdict::Intact(head), "all was rolled back");
    });
}

#[test]
fn a_row_slipped_in_and_a_trail_written_anew_are_found() {
    static SLIP: Insert = Insert {
        name: "slip in",
        table: "audit_entry",
        columns: &["seq", "at", "actor", "company", "action", "subject", "outcome", "hash"],
    };
    static CUT: Statement = Statement::new("cut two", "DELETE FROM audit_entry WHERE seq > 2");
    play(|stage| {
        let head = fill(stage);
        let row = [
            5.into(),
            at(9).into(),
            1.into(),
            3.into(),
            "x.y".into(),
            "".into(),
            "done".into(),
            head.hash.into(),
        ];
        stage.write(|tx| tx.insert(&SLIP, &[row])).unwrap();
        let broken = |seq, flaw| Verdict::Broken { seq, flaw };
        assert_eq!(check(stage, Some(head)), broken(5, Flaw::Changed));

        // The end is cut and continued with good hashes: only the head that was kept tells.
        stage.write(|tx| tx.execute(&CUT, &[])).unwrap();
        let by = testing::api_key(1, OURS, &[]);
        let anew = (0..3).map(|second| AuditEntry::done(at(second), &by, "hold.place")).collect();
        let forged = stage.write(|tx| append(tx, anew)).unwrap();
        assert_eq!(check(stage, None), Verdict::Intact(forged));
        assert_eq!(check(stage, Some(head)), broken(4, Flaw::Changed));
    });
}
