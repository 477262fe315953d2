use core::fmt::Write as _;

use expect_test::expect;

use crate::click::reference;
use crate::conversion::Outcome;
use crate::report::{StartReport, UploadedReport, apply_reports, receive_report};
use crate::tests::{HANA, OURS, Stage, THEIRS, play, tell, token, wait};
use crate::undo::job::undo_slices;
use crate::undo::store::{find_undos, list_left};
use crate::undo::{ChangeUndo, Undo, UndoChange, UndoRefusal, UndoState, try_undo, undo_reports};
use access::testing::{member, staff};
use access::{Authenticated, Role};
use ledger::ActorNumber;
use vocabulary::{Id, kind};

const HEADING: &str = "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n";

fn sales() -> Authenticated {
    staff(21, OURS, Role::Sales)
}

fn supervisor() -> Authenticated {
    staff(22, OURS, Role::Supervisor)
}

fn row(external: u32, click: Id<kind::Click>, sale: u32, status: &str) -> String {
    let (click, reward) = (reference(click), sale.saturating_mul(3).div_euclid(100));
    format!("{external},2026/11/01 12:04:31,R-{external},{click},{sale},{reward},{status},\r\n")
}

/// Takes a file in and applies it.
fn apply(stage: &Stage, rows: &str) -> Id<kind::Report> {
    let upload = UploadedReport {
        network: token("accesstrade"),
        account: token("main"),
        file_name: "2026-10.csv".to_owned(),
        bytes: format!("{HEADING}{rows}").into_bytes(),
        by: ActorNumber::new(OURS, 9),
    };
    let report = receive_report(&stage.site, &upload).unwrap().report;
    let by = ActorNumber::new(OURS, 9);
    stage.site.store().run(StartReport { report, company: OURS, by }).unwrap().unwrap();
    apply_reports(&stage.site).unwrap();
    report
}

fn step(
    stage: &Stage,
    report: Id<kind::Report>,
    change: UndoChange,
    who: Authenticated,
) -> Result<UndoState, UndoRefusal> {
    let command = ChangeUndo { report, company: OURS, change, who };
    stage.site.store().run(command).unwrap()
}

/// Tries out, proposes and approves.
fn agree(stage: &Stage, report: Id<kind::Report>) {
    let expected = try_undo(&stage.site, report).unwrap().unwrap();
    step(stage, report, UndoChange::Try(expected), sales()).unwrap();
    step(stage, report, UndoChange::Propose, sales()).unwrap();
    step(stage, report, UndoChange::Approve, supervisor()).unwrap();
}

fn undo(stage: &Stage, report: Id<kind::Report>) -> Undo {
    let find = |reader: &mut store::Reader<'_>| find_undos(reader, &[report]);
    stage.site.store().database().read(find).unwrap().remove(&report).unwrap()
}

fn states(stage: &Stage, click: Id<kind::Click>) -> String {
    let find =
        |reader: &mut store::Reader<'_>| crate::conversion::store::find_of_clicks(reader, &[click]);
    let found = stage.site.store().database().read(find).unwrap().remove(&click).unwrap();
    let mut states: Vec<_> =
        found.iter().map(|one| format!("{} {}", one.state.code(), one.points)).collect();
    states.sort();
    states.join(", ")
}

/// As it stood before: announced, announced, granted, announced, granted.
fn tell_before(stage: &Stage, click: Id<kind::Click>) {
    apply(
        stage,
        &[
            row(1, click, 10_000, "未確定"),
            row(2, click, 10_000, "未確定"),
            row(3, click, 10_000, "承認"),
            row(4, click, 10_000, "未確定"),
            row(5, click, 10_000, "承認"),
        ]
        .concat(),
    );
}

/// Approves, rejects, corrects, restates, takes back, and tells of new ones.
fn apply_wrong(stage: &Stage, click: Id<kind::Click>) -> Id<kind::Report> {
    apply(
        stage,
        &[
            row(1, click, 20_000, "承認"),
            row(2, click, 10_000, "否認"),
            row(3, click, 40_000, "承認"),
            row(4, click, 20_000, "未確定"),
            row(5, click, 10_000, "否認"),
            row(6, click, 10_000, "承認"),
            row(7, click, 10_000, "未確定"),
            row(8, Id::from_bits(9 << 80), 10_000, "承認"),
            row(9, click, 60_000, "承認"),
        ]
        .concat(),
    )
}

#[test]
fn a_report_is_undone_once_and_what_changed_since_is_left_alone() {
    let expected = expect![[r#"
        before: has 300 expects 450 owes 0
        approved 150, approved 150, tracked 150, tracked 150, tracked 150
        wrong: has 1950 expects 450 owes 0
        approved 150, approved 300, approved 600, approved 900, rejected 150, reversed 150, tracked 150, tracked 300
        later: has 300 expects 450 owes 0
        Expected { undone: 7, left: 2, taken: Amount(900), granted: Amount(150), owed: Amount(450) }
        undone: has 0 expects 450 owes 450
        approved 150, approved 150, approved 750, rejected 150, rejected 150, tracked 150, tracked 150, tracked 150
        Expected { undone: 7, left: 2, taken: Amount(900), granted: Amount(150), owed: Amount(0) }
        left: 8 waits
        left: 9 changed
        right: has 300 expects 300 owes 450
        approved 150, approved 150, approved 150, approved 150, approved 750, rejected 150, tracked 150, tracked 150
    "#]];
    tell(&expected, |stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(600);
        tell_before(stage, click);
        let mut text = format!("before: {}\n{}\n", stage.purse(), states(stage, click));
        let wrong = apply_wrong(stage, click);
        writeln!(text, "wrong: {}\n{}", stage.purse(), states(stage, click)).unwrap();
        // Something else changes the last one afterwards.
        apply(stage, &row(9, click, 50_000, "承認"));
        stage.spend(1_500);
        writeln!(text, "later: {}", stage.purse()).unwrap();
        let found = try_undo(&stage.site, wrong).unwrap().unwrap();
        writeln!(text, "{found:?}").unwrap();
        let before = stage.purse();
        agree(stage, wrong);
        assert_eq!(stage.purse(), before, "the job does it");
        assert_eq!(undo_reports(&stage.site).unwrap(), 9);
        writeln!(text, "undone: {}\n{}", stage.purse(), states(stage, click)).unwrap();
        writeln!(text, "{:?}", undo(stage, wrong).actual).unwrap();
        let list = |reader: &mut store::Reader<'_>| list_left(reader, wrong, 10);
        for left in stage.site.store().database().read(list).unwrap() {
            writeln!(text, "left: {} {}", left.external.as_str(), left.why.code()).unwrap();
        }
        let after = stage.purse();
        assert_eq!(undo_reports(&stage.site).unwrap(), 0, "it is done");
        let again = step(stage, wrong, UndoChange::Approve, supervisor());
        assert_eq!(again, Ok(UndoState::Done), "the same answer");
        let again = step(stage, wrong, UndoChange::Propose, sales());
        assert_eq!(again, Err(UndoRefusal::Elsewhere));
        assert_eq!(stage.purse(), after, "undone once");
        // The right file afterwards opens everything again.
        let right = [row(1, click, 10_000, "承認"), row(6, click, 10_000, "承認")].concat();
        apply(stage, &right);
        writeln!(text, "right: {}\n{}", stage.purse(), states(stage, click)).unwrap();
        text
    });
}

#[test]
fn an_undo_that_was_interrupted_goes_on_and_gives_the_same_totals() {
    let totals = |crashes: bool| {
        let test = store::testing::TestDatabase::sqlite();
        let stage = Stage::open(&test, crate::Trust::Reports);
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(600);
        let rows: String = (1..=1_200).map(|n| row(n, click, 1_000 + n, "承認")).collect();
        let report = apply(&stage, &rows);
        stage.spend(5_000);
        agree(&stage, report);
        if crashes {
            assert_eq!(undo_slices(&stage.site, 1).unwrap(), 500);
            assert_eq!(undo(&stage, report).rows_done, 500, "how far it came is written");
            assert_eq!(undo_slices(&stage.site, 1).unwrap(), 500);
        }
        undo_reports(&stage.site).unwrap();
        let undo = undo(&stage, report);
        assert_eq!((undo.state, undo.rows_done), (UndoState::Done, 1_200));
        (stage.purse(), format!("{:?}", undo.actual))
    };
    let whole = totals(false);
    assert_eq!(totals(true), whole);
    assert_eq!(whole.0, "has 0 expects 0 owes 5000", "what was spent is owed");
}

#[test]
fn two_people_undo_on_the_page_and_rows_are_a_file() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(600);
        let rows = [row(1, click, 10_000, "承認"), "2,いつか,,,千円,1,承認,\r\n".to_owned()];
        let report = apply(stage, &rows.concat());
        let maker = stage.client(Some(sales())).browser();
        let checker = stage.client(Some(supervisor())).browser();
        let file = format!("/staff/reports/{report}/rows.csv");
        let text = wait(maker.get(&file)).text;
        for line in
            ["2,1,approved_unannounced,", ",150,,", "3,,error,not_time,", "3,,error,not_amount,"]
        {
            assert!(text.contains(line), "{line} in {text}");
        }
        let other = wait(maker.get(&format!("{file}?encoding=cp932")));
        assert!(other.header("content-type").contains("shift_jis"));
        let page = format!("/staff/reports/{report}/undo");
        let post = |client: &web::testing::Client, step: &str| {
            wait(client.post_form(&format!("{page}/{step}"), &[]))
        };
        assert_eq!(post(&maker, "propose").status.as_u16(), 404, "nothing was tried out");
        assert_eq!(post(&maker, "try").status.as_u16(), 303);
        assert!(wait(maker.get(&page)).text.contains("取り消しを申請する"));
        for _repeat in 0..2 {
            assert_eq!(post(&maker, "propose").status.as_u16(), 303);
        }
        assert_eq!(post(&maker, "approve").status.as_u16(), 403);
        assert!(wait(checker.get(&page)).text.contains("承認して取り消す"));
        let accounting = staff(23, OURS, Role::Accounting);
        assert_eq!(stage.purse(), "has 150 expects 0 owes 0");
        assert_eq!(post(&checker, "approve").status.as_u16(), 303);
        let late = post(&stage.client(Some(accounting)).browser(), "approve");
        assert!(late.header("location").contains("why=elsewhere"), "somebody else did");
        let late = wait(checker.get(&format!("{page}?why=elsewhere")));
        assert_eq!(late.status.as_u16(), 422);
        undo_reports(&stage.site).unwrap();
        assert_eq!(stage.purse(), "has 0 expects 0 owes 0");
        assert!(wait(checker.get(&page)).text.contains("取り消し済み"));
    });
}

#[test]
fn one_person_does_not_undo() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(600);
        let report = apply(stage, &row(1, click, 10_000, "承認"));
        let accounting = staff(23, OURS, Role::Accounting);
        let expected = try_undo(&stage.site, report).unwrap().unwrap();
        step(stage, report, UndoChange::Try(expected), accounting).unwrap();
        step(stage, report, UndoChange::Propose, accounting).unwrap();
        let own = step(stage, report, UndoChange::Approve, accounting);
        assert_eq!(own, Err(UndoRefusal::SamePerson));
        assert_eq!(undo_reports(&stage.site).unwrap(), 0);
        assert_eq!(stage.purse(), "has 150 expects 0 owes 0");
        let theirs = ChangeUndo {
            report,
            company: THEIRS,
            change: UndoChange::Approve,
            who: staff(5, THEIRS, Role::Supervisor),
        };
        assert_eq!(stage.site.store().run(theirs).unwrap(), Err(UndoRefusal::NotFound));
        step(stage, report, UndoChange::Decline, accounting).unwrap();
        let again = step(stage, report, UndoChange::Try(expected), accounting).unwrap();
        assert_eq!(again, UndoState::Tried, "it may be tried again");
        for (who, status) in [
            (None, 401),
            (Some(member(1, OURS, HANA)), 403),
            (Some(staff(3, THEIRS, Role::Supervisor)), 404),
        ] {
            let client = stage.client(who);
            let page = wait(client.get(&format!("/staff/reports/{report}/undo")));
            assert_eq!(page.status.as_u16(), status, "{who:?}");
        }
    });
}

#[test]
fn an_outcome_is_kept_as_a_line() {
    for outcome in Outcome::ALL {
        let points = vocabulary::Amount::from(59_u32);
        let row = crate::report::RowOutcome { outcome: *outcome, points, version: 3 };
        assert_eq!(crate::report::RowOutcome::from_line(&row.to_line()), Some(row));
    }
    assert_eq!(crate::report::RowOutcome::from_line("approved 5"), None);
}
