use expect_test::expect;

use super::store::{count_overdue, list_ended, list_of_statement, list_open, list_since};
use super::{
    ChangeDifference, Counts, Difference, DifferenceChange, DifferenceRefusal, LineProblem,
    ReceiveError, StatementError, StatementState, Told, UploadedStatement, read_statement,
    receive_statement, reconcile_statements,
};
use crate::exchange::Exchange;
use crate::exchange::tests::stories::{ask, ask_partner, furnish, purse, state, take};
use crate::gift_code::RequestId;
use crate::partner::due_requests;
use crate::partner_sandbox::{Manner, PartnerSandbox};
use crate::tests::{HANA, OURS, Stage, THEIRS, play, tell, token, wait};
use access::testing::staff;
use access::{Authenticated, Role};
use vocabulary::{Day, Id, Timestamp, Zone, kind};
use web::testing::{Answer, Client};
use web::{Method, StatusCode};

const HEAD: &str = "request_id,processed_on,product,amount,unit,status\r\n";

#[test]
fn a_statement_is_read_in_both_encodings_and_tells_its_bad_lines() {
    let lines = "DFK1,2026-11-02,gift,500,JPY,success\r\n\
                 DFK2,２０２６-11-02,gift,３００,JPY,failure\r\n\
                 DFK3,2026-11-02,gift\r\n\
                 ,2026-11-02,gift,1,JPY,success\r\n\
                 DFK5,yesterday,gift,1,JPY,success\r\n\
                 DFK6,2026-11-02,gift,-1,JPY,success\r\n\
                 DFK7,2026-11-02,gift,1,JPY,成功\r\n\
                 total,,,802,,7\r\n";
    let text = format!("{HEAD}{lines}");
    let (cp932, _, unmapped) = encoding_rs::SHIFT_JIS.encode(&text);
    assert!(!unmapped);
    for bytes in [text.as_bytes(), &format!("\u{feff}{text}").into_bytes(), &cp932] {
        let reading = read_statement(bytes).unwrap();
        let told: Vec<_> = reading.lines.iter().map(|l| (l.line, l.told)).collect();
        assert_eq!(told, [(2, Told::Done), (3, Told::Refused)]);
        assert_eq!(reading.lines[1].amount.minor_units(), 300, "full-width digits");
        let bad: Vec<_> = reading.bad.iter().map(|bad| (bad.line, bad.problem)).collect();
        let expected = [
            (4, LineProblem::Cells),
            (5, LineProblem::Reference),
            (6, LineProblem::Day),
            (7, LineProblem::Amount),
            (8, LineProblem::Status),
        ];
        assert_eq!(bad, expected);
    }
}

#[test]
fn a_file_that_cannot_be_relied_on_is_refused_as_a_whole() {
    let line = "DFK1,2026-11-02,gift,500,JPY,success\r\n";
    let refused = |text: String| read_statement(text.as_bytes()).unwrap_err();
    assert_eq!(refused(String::new()), StatementError::Headings);
    assert_eq!(refused(format!("{line}total,,,500,,1\r\n")), StatementError::Headings);
    assert_eq!(refused(format!("{HEAD}{line}")), StatementError::TotalMissing, "cut off");
    let after = format!("{HEAD}{line}total,,,500,,1\r\n{line}");
    assert_eq!(refused(after), StatementError::TotalMissing, "something after the total");
    for (total, count, sum) in [("total,,,500,,2", 2, 500), ("total,,,501,,1", 1, 501)] {
        let error = StatementError::TotalDiffers { count, sum };
        assert_eq!(refused(format!("{HEAD}{line}{total}\r\n")), error);
    }
    let many = "x\r\n".repeat(1_001);
    assert_eq!(refused(format!("{HEAD}{many}total,,,0,,1001")), StatementError::Unreadable);
    let long = line.repeat(60_001);
    assert_eq!(refused(format!("{HEAD}{long}total,,,0,,60001")), StatementError::Long);
    assert_eq!(read_statement(format!("{HEAD}total,,,0,,0").as_bytes()).unwrap().count(), 0);
}

fn day(text: &str) -> Day {
    Day::parse(text).unwrap()
}

fn reference(exchange: &Exchange) -> String {
    RequestId::of("DFK", exchange.id).unwrap().as_str().to_owned()
}

/// Writes a statement with its total.
fn statement(lines: &[String]) -> String {
    let amount = |line: &String| line.split(',').nth(3).and_then(|a| a.parse::<i64>().ok());
    let sum: i64 = lines.iter().filter_map(amount).sum();
    let body: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    format!("{HEAD}{body}total,,,{sum},,{}\r\n", lines.len())
}

fn line(exchange: &Exchange, on: &str, told: &str) -> String {
    let quote = &exchange.quote;
    let (to, value) = (&quote.destination, quote.value.minor_units());
    format!("{},{on},{to},{value},JPY,{told}", reference(exchange))
}

fn receive(stage: &Stage, of: &str, text: &str) -> Result<(Id<kind::Report>, bool), ReceiveError> {
    let upload = UploadedStatement {
        partner: token("sandbox"),
        day: day(of),
        file_name: "statement.csv".to_owned(),
        bytes: text.as_bytes().to_vec(),
        by: None,
    };
    receive_statement(&stage.site, &upload)
}

/// Takes a statement in and compares it.
fn compare(stage: &Stage, of: &str, lines: &[String]) -> Counts {
    let (id, new) = receive(stage, of, &statement(lines)).unwrap();
    assert!(new);
    reconcile_statements(&stage.site).unwrap();
    let days = (day(of), day(of));
    let database = stage.site.store().database();
    let known = database.read(|reader| list_since(reader, OURS, days)).unwrap();
    let found = known.into_iter().find(|one| one.id == id).unwrap();
    assert_eq!(found.state, StatementState::Done);
    found.counts
}

fn open(stage: &Stage) -> Vec<Difference> {
    let first = (Timestamp::default(), Id::from_bits(0));
    let database = stage.site.store().database();
    let mut found = database.read(|reader| list_open(reader, OURS, first, 50)).unwrap();
    found.sort_by_key(|one| (one.line, one.class));
    found
}

fn told(stage: &Stage) -> String {
    let of = |one: &Difference| {
        let known = if one.exchange.is_some() { "ours" } else { "nobody's" };
        format!("{} {} {known}", one.line, one.class.code())
    };
    open(stage).iter().map(of).collect::<Vec<_>>().join("\n")
}

/// An exchange that the partner is asked about, in a manner.
fn sent(stage: &Stage, partner: &PartnerSandbox, to: &str, manner: Manner) -> Exchange {
    let quoted = ask(stage, HANA, to, 500);
    take(stage, &quoted, None);
    partner.behave(manner);
    ask_partner(stage, partner);
    quoted
}

/// Each class of difference, in one file; and what a partner has decided is settled by it.
#[test]
fn each_line_has_its_outcome_and_only_what_waited_changes() {
    let expected = expect![[r#"
        Counts { agreed: 2, late: 1, known: 0, settled: 2, different: 6 }
        done completed, miles completed, refused failed, waits unknown
        can use 15000 of 15500, out 1500, fees 0
        6 status_differs ours
        7 amount_differs ours
        8 theirs_only nobody's
        9 duplicate ours
        10 theirs_only nobody's
        11 unreadable nobody's"#]];
    tell(&expected, |stage| {
        furnish(stage, 17_000);
        let partner = PartnerSandbox::new("key", stage.clock.clone());
        let done = sent(stage, &partner, "gift", Manner::Well);
        let early = sent(stage, &partner, "gift", Manner::Well);
        let miles = sent(stage, &partner, "miles", Manner::LoseReply);
        let refused = sent(stage, &partner, "miles", Manner::Away);
        let waits = sent(stage, &partner, "gift", Manner::LoseReply);
        let cash = ask(stage, HANA, "cash", 500);
        stage.clock.advance_seconds(86_400);
        let on = "2026-11-01";
        let mut lines = vec![
            line(&done, on, "success"),
            line(&early, "2026-10-31", "success"),
            line(&miles, on, "success"),
            line(&refused, on, "failure"),
            // We have no code of it: a difference until the partner gives it.
            line(&waits, on, "success"),
            line(&done, on, "success").replace(",500,", ",5000,"),
            format!("DFKNOBODY,{on},gift,500,JPY,success"),
            line(&early, on, "success"),
            // A bank's: this partner has nothing to do with it.
            line(&cash, on, "success"),
        ];
        lines.push("what".to_owned());
        let counts = compare(stage, on, &lines);
        let at = |one: &Exchange| state(stage, one.id);
        let states = [("done", &done), ("miles", &miles), ("refused", &refused), ("waits", &waits)];
        let states = states.map(|(name, one)| format!("{name} {}", at(one))).join(", ");
        format!("{counts:?}\n{states}\n{}\n{}", purse(stage), told(stage))
    });
}

/// The same file again, the same lines in another file, and slices that are cut off.
#[test]
fn a_repeat_changes_nothing_and_a_resent_file_is_known() {
    play(|stage| {
        furnish(stage, 5_000);
        let partner = PartnerSandbox::new("key", stage.clock.clone());
        let done = sent(stage, &partner, "gift", Manner::Well);
        stage.clock.advance_seconds(86_400);
        let on = "2026-11-01";
        let lines = [line(&done, on, "success")];
        assert_eq!(compare(stage, on, &lines).agreed, 1);
        let (_, new) = receive(stage, on, &statement(&lines)).unwrap();
        assert!(!new, "the same file");
        assert_eq!(reconcile_statements(&stage.site).unwrap(), 0);
        let resent = [lines[0].clone(), format!("DFKNOBODY,{on},gift,500,JPY,success")];
        let counts = compare(stage, on, &resent);
        assert_eq!((counts.known, counts.different), (1, 1));
        assert!(matches!(
            receive(stage, "2026-11-02", &statement(&lines)),
            Err(ReceiveError::DayAhead)
        ));
        assert!(matches!(
            receive(stage, on, HEAD),
            Err(ReceiveError::File(StatementError::TotalMissing))
        ));
    });
}

/// What we call done and no statement of its day or the next names is missed; a later statement
/// ends that.
#[test]
fn what_no_statement_names_is_missed_when_the_next_day_is_there() {
    play(|stage| {
        furnish(stage, 5_000);
        let partner = PartnerSandbox::new("key", stage.clock.clone());
        let named = sent(stage, &partner, "gift", Manner::Well);
        let missed = sent(stage, &partner, "gift", Manner::Well);
        stage.clock.advance_seconds(2 * 86_400);
        // The second day came first.
        compare(stage, "2026-11-02", &[]);
        assert_eq!(told(stage), "");
        compare(stage, "2026-11-01", &[line(&named, "2026-11-01", "success")]);
        assert_eq!(told(stage), "0 ours_only ours");
        assert_eq!(open(stage)[0].exchange, Some(missed.id));
        stage.clock.advance_seconds(86_400);
        let counts = compare(stage, "2026-11-03", &[line(&missed, "2026-11-03", "success")]);
        assert_eq!((counts.agreed, counts.late), (1, 1));
        assert_eq!(told(stage), "");
    });
}

/// A gift code that the partner calls done and that we do not have ends when the partner gives it.
#[test]
fn a_difference_of_results_ends_when_the_answer_comes() {
    play(|stage| {
        furnish(stage, 5_000);
        let partner = PartnerSandbox::new("key", stage.clock.clone());
        let waits = sent(stage, &partner, "gift", Manner::LoseReply);
        stage.clock.advance_seconds(86_400);
        compare(stage, "2026-11-01", &[line(&waits, "2026-11-01", "success")]);
        assert_eq!(told(stage), "2 status_differs ours");
        partner.behave(Manner::Well);
        stage.clock.advance_seconds(7_200);
        assert!(!due_requests(&stage.site).unwrap().is_empty());
        stage.clock.advance_seconds(7_200);
        ask_partner(stage, &partner);
        assert_eq!(state(stage, waits.id), "completed");
        reconcile_statements(&stage.site).unwrap();
        assert_eq!(told(stage), "");
        let since = Timestamp::default();
        let database = stage.site.store().database();
        let ended = database.read(|reader| list_ended(reader, OURS, since, 9)).unwrap();
        assert_eq!(ended.len(), 1);
    });
}

/// A statement of many slices: every line once, also when it is compared from the middle on.
#[test]
fn a_long_statement_is_compared_in_slices() {
    play(|stage| {
        stage.clock.advance_seconds(86_400);
        let on = "2026-11-01";
        let lines: Vec<String> =
            (0..1_203).map(|n| format!("DFKX{n},{on},gift,1,JPY,success")).collect();
        let counts = compare(stage, on, &lines);
        assert_eq!(counts.different, 1_203);
        let id = open(stage)[0].statement;
        let database = stage.site.store().database();
        let of = database.read(|reader| list_of_statement(reader, id, 5_000)).unwrap();
        assert_eq!(of.len(), 1_203);
    });
}

#[test]
fn a_person_takes_and_closes_a_difference_with_what_they_found_out() {
    play(|stage| {
        stage.clock.advance_seconds(86_400);
        let on = "2026-11-01";
        compare(stage, on, &[format!("DFKNOBODY,{on},gift,500,JPY,success")]);
        let id = open(stage)[0].id;
        let change = |by: &Authenticated, change| {
            let command =
                ChangeDifference { company: OURS, difference: id, change, by: by.clone() };
            stage.site.store().run(command).unwrap()
        };
        let (one, other) = (staff(21, OURS, Role::Accounting), staff(22, OURS, Role::Accounting));
        assert_eq!(change(&one, DifferenceChange::Take), Ok(()));
        assert_eq!(open(stage)[0].owner, Some(one.actor()));
        let close = || DifferenceChange::Close("another site's".to_owned());
        assert_eq!(change(&other, close()), Ok(()), "a colleague may");
        assert_eq!(change(&other, close()), Ok(()), "a repeat");
        assert_eq!(change(&one, close()), Err(DifferenceRefusal::Ended));
        let theirs = ChangeDifference { company: THEIRS, difference: id, change: close(), by: one };
        let refused = stage.site.store().run(theirs).unwrap();
        assert_eq!(refused, Err(DifferenceRefusal::NotFound));
    });
}

fn upload(client: &Client, text: &str) -> Answer {
    let part = |head: &str, body: &str| format!("--XX\r\n{head}\r\n\r\n{body}\r\n");
    let field = |name: &str, value: &str| {
        part(&format!("Content-Disposition: form-data; name=\"{name}\""), value)
    };
    let file = "Content-Disposition: form-data; name=\"file\"; filename=\"a.csv\"\r\n\
                Content-Type: text/csv";
    let mut body = field("partner", "sandbox") + &field("day", "2026-11-01") + &part(file, text);
    body.push_str("--XX--\r\n");
    let kind = "multipart/form-data; boundary=XX";
    wait(client.send(Method::POST, "/staff/reconciliation", kind, body.into_bytes()))
}

/// By the pages: upload, the difference, its end; and who may not.
#[test]
fn the_staff_uploads_a_statement_and_closes_what_differs() {
    play(|stage| {
        furnish(stage, 5_000);
        let partner = PartnerSandbox::new("key", stage.clock.clone());
        let done = sent(stage, &partner, "gift", Manner::Well);
        stage.clock.advance_seconds(86_400);
        let accountant = stage.client(Some(staff(21, OURS, Role::Accounting)));
        let empty = wait(accountant.get("/staff/reconciliation"));
        assert_eq!(empty.status, StatusCode::OK);
        assert!(empty.text.contains("差異はありません"));
        let text = statement(&[line(&done, "2026-11-01", "failure")]);
        assert_eq!(upload(&accountant, &text).status, StatusCode::SEE_OTHER);
        reconcile_statements(&stage.site).unwrap();
        assert!(upload(&accountant, &text).header("location").ends_with("?again=1"));
        let cut = upload(&accountant, HEAD);
        assert_eq!(cut.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(cut.text.contains("途中で切れたおそれ"));
        let found = &open(stage)[0];
        let (id, of) = (found.id, found.statement);
        let address = format!("/staff/reconciliation/differences/{id}");
        let page = wait(accountant.get(&address));
        assert!(page.text.contains("結果がちがう"));
        assert!(page.text.contains(&done.id.to_string()));
        let of = wait(accountant.get(&format!("/staff/reconciliation/statements/{of}")));
        assert!(of.text.contains("差異あり"));
        let auditor = stage.client(Some(staff(23, OURS, Role::Auditor)));
        assert_eq!(wait(auditor.get(&address)).status, StatusCode::OK);
        let form = [("what", "close"), ("text", "確認済み")];
        assert_eq!(wait(auditor.post_form(&address, &form)).status, StatusCode::FORBIDDEN);
        let theirs = stage.client(Some(staff(24, THEIRS, Role::Accounting)));
        assert_eq!(wait(theirs.get(&address)).status, StatusCode::NOT_FOUND);
        let wrong = wait(accountant.post_form(&address, &[("what", "close"), ("text", " ")]));
        assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(wait(accountant.post_form(&address, &form)).status, StatusCode::SEE_OTHER);
        assert_eq!(told(stage), "");
        let again = wait(accountant.post_form(&address, &[("what", "take")]));
        assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(state(stage, done.id), "completed", "no exchange changes");
    });
}

#[test]
fn an_open_difference_is_overdue_after_two_business_days() {
    play(|stage| {
        stage.clock.advance_seconds(86_400);
        let on = "2026-11-01";
        compare(stage, on, &[format!("DFKNOBODY,{on},gift,500,JPY,success")]);
        // Monday the 2nd, a holiday on the 3rd: the 5th is the last day.
        let count = |now| {
            let database = stage.site.store().database();
            database.read(|reader| count_overdue(reader, OURS, now)).unwrap()
        };
        let end = Zone::JAPAN.start_of(day("2026-11-06"));
        assert_eq!(count(end.plus_microseconds(-1)), 0);
        assert_eq!(count(end), 1);
    });
}
