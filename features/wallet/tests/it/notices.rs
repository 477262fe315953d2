//! Letters before points expire, and what keeps points alive.

use std::sync::Arc;

use crate::stage::{HANA, Stage, TARO, frame, noon, play};
use store::Statement;
use vocabulary::Clock as _;
use wallet::{
    expiry::expire_inactive,
    member::note_visits,
    notice::{Noticed, Notices, send_notices},
};

static LIST: Statement = Statement::new(
    "list letters",
    "SELECT member, subject, body FROM mail_letter ORDER BY made_at, subject, id LIMIT 100",
);

fn notices(stage: &Stage) -> Notices {
    Notices {
        store: stage.store.clone(),
        frame: frame(),
        readers: Arc::new(()),
        address: "https://points.example.jp".to_owned(),
    }
}

fn letters(stage: &Stage) -> Vec<(u128, String)> {
    let rows = |reader: &mut store::Reader<'_>| {
        let rows = reader.query(&LIST, &[])?;
        rows.iter()
            .map(|row| {
                assert!(row.text(2)?.contains("https://points.example.jp/passbook"), "a link");
                Ok((row.id::<vocabulary::kind::Member>(0)?.bits(), row.text(1)?.to_owned()))
            })
            .collect()
    };
    stage.store.database().read(rows).unwrap()
}

fn run(stage: &Stage) -> Noticed {
    send_notices(&notices(stage), stage.clock.now(), 1_000).unwrap()
}

#[test]
fn letters_go_30_and_7_days_before_points_expire_and_once_each() {
    play(|stage| {
        stage.at("2026-10-01").grant("a", 300, "2026-11-30");
        stage.grant_to(TARO, "b", 40, "2027-12-31");
        let nothing = Noticed { letters: 0, finished: true };
        let one = Noticed { letters: 1, finished: true };
        // The day, and what the first round of it does. A job that could not run is two days late.
        for (day, told) in [
            ("2026-10-30", nothing),
            ("2026-11-01", one),
            ("2026-11-02", one),
            ("2026-11-04", nothing),
            ("2026-11-23", one),
            ("2026-11-26", nothing),
        ] {
            stage.at(day);
            assert_eq!(run(stage), told, "{day}");
            assert_eq!(run(stage), nothing, "again on {day}");
        }
        let subject = "【重要】2026年11月30日に300ポイントが失効します".to_owned();
        let letter = (HANA.bits(), subject);
        assert_eq!(letters(stage), [letter.clone(), letter]);
    });
}

#[test]
fn who_stays_away_is_written_to_and_a_visit_keeps_points_alive() {
    play(|stage| {
        stage.idle_rule("visit 60 days month-end from 2026-01-01");
        stage.at("2026-07-01").grant("a", 300, "2029-12-31");
        stage.grant_to(TARO, "b", 40, "2029-12-31");
        let visit = |members: &[_]| note_visits(&stage.store, members, stage.clock.now()).unwrap();
        assert_eq!(visit(&[HANA, TARO]), 2);
        assert_eq!(visit(&[HANA, TARO]), 0, "once a day");
        // 60 days later is 30 August, and its month ends on the 31st.
        stage.at("2026-08-01");
        assert_eq!(run(stage), Noticed { letters: 2, finished: true });
        let page = stage.page(&stage.hana(), "/passbook?show=expiry&lang=ja");
        assert!(page.contains("2026年8月31日まで"), "{page}");
        assert!(page.contains("ご利用や獲得、ログインがない場合"), "{page}");
        assert_eq!(visit(&[HANA]), 1);
        stage.at("2026-09-01");
        let expired = expire_inactive(&stage.store, stage.clock.now(), 100).unwrap();
        assert_eq!(expired.posted, 1, "the other one's");
        let usable = |member| stage.store.account(stage.account_of(member)).unwrap().balance();
        assert_eq!((usable(HANA), usable(TARO)), (300, 0));
    });
}

#[test]
fn a_new_rule_begins_on_its_first_day_for_everybody() {
    play(|stage| {
        // As in October 2024: also half a year without earning, from then on.
        stage.idle_rule("visit 12 months from 2021-09-01\nearn 180 days from 2026-10-01");
        stage.at("2026-01-05").grant("a", 300, "2029-12-31");
        for (day, posted) in [("2026-12-01", 0), ("2027-03-30", 0), ("2027-03-31", 1)] {
            stage.at(day);
            note_visits(&stage.store, &[HANA], noon(day)).unwrap();
            let expired = expire_inactive(&stage.store, stage.clock.now(), 100).unwrap();
            assert_eq!(expired.posted, posted, "{day}");
        }
    });
}
