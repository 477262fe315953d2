use core::fmt::Write as _;
use std::collections::BTreeSet;

use expect_test::expect;

use crate::click::{Click, RecordClick, reference};
use crate::defects::{Clicked, differences, sample};
use crate::report::job::apply_slices;
use crate::report::store::{Phase, find_reports, read_tally};
use crate::report::{
    ReceiveError, Received, Report, ReportRefusal, ReportState, RowResult, StartReport, Tally,
    UploadedReport, apply_reports, list_rows, receive_report,
};
use crate::sheet::SheetError;
use crate::tests::{HANA, OURS, Stage, THEIRS, play, tell, token, wait};
use access::testing::{api_key, member, staff};
use access::{Need, Role};
use ledger::ActorNumber;
use vocabulary::{Id, kind};
use web::Method;
use web::testing::{Answer, Client};

const HEADING: &str = "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n";

fn upload(rows: &str) -> UploadedReport {
    let text = format!("{HEADING}{rows}");
    UploadedReport {
        network: token("accesstrade"),
        account: token("main"),
        file_name: "2026-10.csv".to_owned(),
        bytes: encoding_rs::SHIFT_JIS.encode(&text).0.into_owned(),
        by: ActorNumber::new(OURS, 9),
    }
}

fn row(external: u32, click: Id<kind::Click>, sale: u32, status: &str) -> String {
    let (click, reward) = (reference(click), sale.saturating_mul(3).div_euclid(100));
    format!("{external},2026/11/01 12:04:31,R-{external},{click},{sale},{reward},{status},\r\n")
}

fn start(stage: &Stage, report: Id<kind::Report>) {
    let by = ActorNumber::new(OURS, 9);
    stage.site.store().run(StartReport { report, company: OURS, by }).unwrap().unwrap();
}

fn report(stage: &Stage, id: Id<kind::Report>) -> Report {
    let find = |reader: &mut store::Reader<'_>| find_reports(reader, &[id]);
    stage.site.store().database().read(find).unwrap().remove(&id).unwrap()
}

fn tally(stage: &Stage, id: Id<kind::Report>, phase: Phase) -> Tally {
    let read = |reader: &mut store::Reader<'_>| read_tally(reader, id, phase);
    stage.site.store().database().read(read).unwrap()
}

fn told(tally: &Tally) -> String {
    let mut text = String::new();
    for (outcome, count) in &tally.0 {
        writeln!(text, "{}: {} rows, {} points", outcome.code(), count.rows, count.points).unwrap();
    }
    text
}

#[test]
fn a_report_is_tried_out_then_applied_then_known() {
    let expected = expect![[r"
        checked
        tracked: 1 rows, 0 points
        approved_unannounced: 1 rows, 150 points
        rejected: 1 rows, 0 points
        unmatched: 1 rows, 0 points
        duplicate: 1 rows, 0 points
        applied
        tracked: 1 rows, 0 points
        approved_unannounced: 1 rows, 150 points
        rejected: 1 rows, 0 points
        unmatched: 1 rows, 0 points
        duplicate: 1 rows, 0 points
        has 150 expects 45 owes 0
    "]];
    tell(&expected, |stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(600);
        let rows: String = [
            row(1, click, 10_000, "承認"),
            row(2, click, 2_000, "否認"),
            row(3, click, 3_000, "未確定"),
            row(4, Id::from_bits(5 << 80), 3_000, "承認"),
            row(1, click, 10_000, "承認"),
            "6,いつか,R-6,,1,1,承認,\r\n".to_owned(),
        ]
        .concat();
        let received = receive_report(&stage.site, &upload(&rows)).unwrap();
        let id = received.report;
        assert_eq!(received, Received { report: id, repeated: false });
        assert_eq!(apply_reports(&stage.site).unwrap(), 0, "nothing is applied unasked");
        let mut text = format!("checked\n{}", told(&tally(stage, id, Phase::Checked)));
        assert_eq!(stage.purse(), "has 0 expects 0 owes 0");
        start(stage, id);
        assert_eq!(apply_reports(&stage.site).unwrap(), 5);
        writeln!(text, "applied\n{}{}", told(&tally(stage, id, Phase::Applied)), stage.purse())
            .unwrap();
        let again = receive_report(&stage.site, &upload(&rows)).unwrap();
        assert_eq!(again, Received { report: id, repeated: true });
        start(stage, id);
        assert_eq!(apply_reports(&stage.site).unwrap(), 0, "it is done");
        let report = report(stage, id);
        assert_eq!((report.rows, report.errors, report.rows_done), (5, 1, 5));
        assert!(matches!(report.state, ReportState::Done { .. }), "{report:?}");
        text
    });
}

#[test]
fn a_report_that_was_interrupted_goes_on_and_gives_the_same_totals() {
    let totals = |crashes: bool| {
        let test = store::testing::TestDatabase::sqlite();
        let stage = Stage::open(&test, crate::Trust::Reports);
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(600);
        let rows: String = (1..=1_200).map(|n| row(n, click, 1_000 + n, "承認")).collect();
        let id = receive_report(&stage.site, &upload(&rows)).unwrap().report;
        start(&stage, id);
        if crashes {
            assert_eq!(apply_slices(&stage.site, 1).unwrap(), 250);
            assert_eq!(report(&stage, id).rows_done, 250, "how far it came is written");
            assert_eq!(apply_slices(&stage.site, 1).unwrap(), 250);
        }
        apply_reports(&stage.site).unwrap();
        assert_eq!(report(&stage, id).rows_done, 1_200);
        (stage.purse(), told(&tally(&stage, id, Phase::Applied)))
    };
    assert_eq!(totals(true), totals(false));
}

#[test]
fn a_damaged_or_foreign_file_is_not_taken() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, crate::Trust::Reports);
    let receive = |upload: &UploadedReport| receive_report(&stage.site, upload).unwrap_err();
    let empty = UploadedReport { bytes: Vec::new(), ..upload("") };
    assert!(matches!(receive(&empty), ReceiveError::Sheet(SheetError::Empty)));
    let other = UploadedReport { bytes: b"a,b\r\n".to_vec(), ..upload("") };
    assert!(matches!(receive(&other), ReceiveError::Sheet(SheetError::HeadingMissing)));
    let foreign = UploadedReport { account: token("nobody"), ..upload("") };
    assert!(matches!(receive(&foreign), ReceiveError::AccountUnknown));
    let unknown = StartReport { report: Id::from_bits(1), company: OURS, by: ActorNumber::SYSTEM };
    let refused = stage.site.store().run(unknown).unwrap();
    assert_eq!(refused, Err(ReportRefusal::NotFound));
    let id = receive_report(&stage.site, &upload("")).unwrap().report;
    let theirs = StartReport { report: id, company: THEIRS, by: ActorNumber::SYSTEM };
    assert_eq!(stage.site.store().run(theirs).unwrap(), Err(ReportRefusal::NotFound));
    start(&stage, id);
    let done = report(&stage, id).state;
    assert!(matches!(done, ReportState::Done { .. }), "there is nothing to do");
}

fn send(client: &Client, account: &str, file: Option<&[u8]>) -> Answer {
    let mut body =
        format!("--XX\r\nContent-Disposition: form-data; name=\"network\"\r\n\r\n{account}\r\n")
            .into_bytes();
    if let Some(file) = file {
        let head = "--XX\r\nContent-Disposition: form-data; name=\"file\"; filename=\"10月.csv\"\
                    \r\nContent-Type: text/csv\r\n\r\n";
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(file);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"--XX--\r\n");
    wait(client.send(Method::POST, "/staff/reports", "multipart/form-data; boundary=XX", body))
}

#[test]
fn staff_upload_look_and_apply() {
    play(|stage| {
        let click = stage.click(1, stage.books);
        stage.clock.advance_seconds(600);
        let rows = format!("{}6,いつか,R-6,,1,1,承認,\r\n", row(1, click, 10_000, "承認"));
        let file = upload(&rows).bytes;
        let client = stage.client(Some(staff(5, OURS, Role::Sales))).browser();
        assert!(wait(client.get("/staff/reports")).text.contains("履歴はありません"), "none yet");
        let answer = send(&client, "accesstrade/main", Some(&file));
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        let address = answer.header("location").to_owned();
        let page = wait(client.get(&address)).text;
        for text in
            ["10月.csv", "確認済み", "150", "3行目", "日時として読めません", "1行を反映する"]
        {
            assert!(page.contains(text), "{text} in {page}");
        }
        let again = send(&client, "accesstrade/main", Some(&file));
        assert_eq!(again.header("location"), format!("{address}?again=1"));
        let again = wait(client.get(again.header("location")));
        assert!(again.text.contains("同じファイル"), "{}", again.text);
        let answer = wait(client.post_form(&format!("{address}/apply"), &[]));
        assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        assert!(wait(client.get(&address)).text.contains("反映中"), "it waits for the job");
        apply_reports(&stage.site).unwrap();
        let page = wait(client.get(&address)).text;
        assert!(page.contains("反映済み") && !page.contains("行を反映する"), "{page}");
        assert_eq!(stage.purse(), "has 150 expects 0 owes 0");
        assert!(wait(client.get("/staff/reports")).text.contains("10月.csv"), "in the history");
    });
}

#[test]
fn a_wrong_upload_is_shown_again_with_what_to_do() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, crate::Trust::Reports);
    let client = stage.client(Some(staff(5, OURS, Role::Sales))).browser();
    let table: [(&str, Option<&[u8]>, &str); 5] = [
        ("accesstrade/main", None, "ファイルが選ばれていません"),
        ("nothing", Some(b"x"), "アカウントを選んでください"),
        ("accesstrade/nobody", Some(b"x"), "アカウントを選んでください"),
        ("accesstrade/main", Some(b" "), "ファイルが空です"),
        ("accesstrade/main", Some(b"a,b\r\n1,2\r\n"), "見出しの行が見つかりません"),
    ];
    for (account, file, text) in table {
        let answer = send(&client, account, file);
        assert_eq!(answer.status.as_u16(), 422, "{text}");
        assert!(answer.text.contains(text), "{text} in {}", answer.text);
    }
}

#[test]
fn who_may_not_import_sees_nothing() {
    play(|stage| {
        let id = receive_report(&stage.site, &upload("")).unwrap().report;
        let paths = ["/staff/reports".to_owned(), format!("/staff/reports/{id}")];
        let table = [
            (None, 401),
            (Some(member(1, OURS, HANA)), 403),
            (Some(staff(2, OURS, Role::Support)), 403),
            (Some(staff(3, THEIRS, Role::Sales)), 404),
            (Some(api_key(4, THEIRS, &[Need::ReportImport])), 404),
        ];
        for (who, status) in table {
            let client = stage.client(who);
            for path in &paths {
                assert_eq!(wait(client.get(path)).status.as_u16(), status, "{path} {who:?}");
            }
            let answer = wait(client.post_form(&format!("/staff/reports/{id}/apply"), &[]));
            assert_eq!(answer.status.as_u16(), status, "{who:?}");
            assert_eq!(send(&client, "accesstrade/main", Some(b"x")).status.as_u16(), status);
        }
        let operator =
            stage.client(Some(staff(9, vocabulary::CompanyNumber::OPERATOR, Role::Sales)));
        assert_eq!(wait(operator.get(&paths[0])).status.as_u16(), 200, "the operator serves all");
        let unknown = "/staff/reports/rep_01JD3T6Z8M3V5K1W9QXY2ABCDE";
        assert_eq!(wait(operator.get(unknown)).status.as_u16(), 404);
        assert!(matches!(report(stage, id).state, ReportState::Checked), "nothing was started");
    });
}

/// Takes a file in and applies it.
fn apply_file(stage: &Stage, name: &str, bytes: Vec<u8>) -> Id<kind::Report> {
    let file = UploadedReport { file_name: name.to_owned(), bytes, ..upload("") };
    let id = receive_report(&stage.site, &file).unwrap().report;
    start(stage, id);
    apply_reports(&stage.site).unwrap();
    id
}

/// The whole of what files do wrong, on both databases; half a million rows of it are in the bench.
#[test]
fn every_row_of_a_file_with_every_defect_becomes_what_it_has_to() {
    // Twenty thousand rows with those that are told of before.
    const CLICKS: u32 = 13_000;
    play(|stage| {
        let at = stage.site.now();
        let clicks: Vec<Clicked> = (1..=CLICKS)
            .map(|number| Clicked { click: Id::from_bits((3 << 80) | u128::from(number)), at })
            .collect();
        let record = |clicked: &Clicked| {
            RecordClick(Click {
                id: clicked.click,
                company: OURS,
                member: HANA,
                shop: stage.shop("books"),
                offer: stage.books,
                offer_version: 1,
                clicked_at: clicked.at,
                mark: None,
            })
        };
        stage.site.store().run_all(clicks.iter().map(record).collect()).unwrap();
        stage.clock.advance_seconds(40 * 86_400);
        let sample = sample(&clicks, stage.site.now(), 150);
        let before = apply_file(stage, "before.csv", sample.before);
        assert_eq!(report(stage, before).errors, 0);
        let id = apply_file(stage, "defects.csv", sample.file.clone());
        let actual = list_rows(&stage.site, id).unwrap();
        assert_eq!(differences(&sample.expected, &actual), Vec::<String>::new());
        let again = apply_file(stage, "again.csv", sample.file);
        assert_eq!(again, id, "a file sent twice is one report");
        let known = report(stage, id);
        let wrong: BTreeSet<u32> = actual
            .iter()
            .filter(|(_, result)| matches!(result, RowResult::Wrong(..)))
            .map(|(line, _)| *line)
            .collect();
        assert_eq!(known.errors, u32::try_from(wrong.len()).unwrap());
        let lines: BTreeSet<u32> = actual.iter().map(|(line, _)| *line).collect();
        assert_eq!(known.rows + known.errors, u32::try_from(lines.len()).unwrap(), "none is lost");
    });
}
