use std::sync::Arc;

use crate::TEXTS;
use crate::favourite::{SetFavourite, Wish};
use crate::offer::{Reward, SaveOffer};
use crate::rate_up::{RateUps, Written, write_rate_ups};
use crate::tests::{OURS, Stage, at, play};
use store::Statement;
use vocabulary::{Id, kind};
use web::Language;
use web::testing::frame;

static LIST_LETTERS: Statement = Statement::new(
    "list letters",
    "SELECT member, subject, body FROM mail_letter ORDER BY member, subject LIMIT 10000",
);

fn tools(stage: &Stage) -> RateUps {
    RateUps {
        site: stage.site.clone(),
        frame: frame(&[TEXTS]),
        // Whose id is odd reads English, and one wants nothing.
        languages: Arc::new(|members: &[Id<kind::Member>]| {
            let language = |member: &Id<kind::Member>| match member.bits() {
                4 => None,
                bits if bits % 2 == 0 => Some(Language::Japanese),
                _ => Some(Language::English),
            };
            Ok(members.iter().map(language).collect())
        }),
        address: "https://points.example.jp".to_owned(),
    }
}

fn letters(stage: &Stage) -> Vec<(u128, String, String)> {
    let read = |reader: &mut store::Reader<'_>| reader.query(&LIST_LETTERS, &[]);
    let rows = stage.site.store().database().read(read).unwrap();
    let letter = |row: &store::Row<'_>| {
        let member: Id<kind::Member> = row.id(0).unwrap();
        (member.bits(), row.text(1).unwrap().to_owned(), row.text(2).unwrap().to_owned())
    };
    rows.iter().map(letter).collect()
}

fn keep(stage: &Stage, members: impl Iterator<Item = u128>) {
    let shop = stage.shop("books");
    let commands = members.map(|number| {
        let member = Id::from_bits(number);
        SetFavourite { member, company: OURS, shop, wish: Wish::Keep }
    });
    stage.site.store().run_all(commands.collect()).unwrap();
}

/// Gives books another rate for some days.
fn rate(stage: &Stage, member: u32, from: &str, to: Option<&str>) {
    let command = SaveOffer {
        id: stage.books,
        company: OURS,
        shop: stage.shop("books"),
        terms: Stage::terms("main", Reward::Rate { network: 1_000, member }),
        starts_at: at(from),
        ends_at: to.map(at),
    };
    stage.site.save_offer(command).unwrap().unwrap();
}

#[test]
fn a_raise_is_told_once_to_who_keeps_the_shop() {
    play(|stage| {
        keep(stage, [2, 3, 4].into_iter());
        let tools = tools(stage);
        let written = |letters| Written { letters, finished: true };
        assert_eq!(write_rate_ups(&tools, 10).unwrap(), written(0), "the first is no raise");
        rate(stage, 500, "2026-11-20 00:00", Some("2026-11-23 00:00"));
        stage.clock.set(at("2026-11-19 23:59"));
        assert_eq!(write_rate_ups(&tools, 10).unwrap(), written(0), "it has not begun");
        stage.clock.set(at("2026-11-20 00:00"));
        assert_eq!(write_rate_ups(&tools, 10).unwrap(), written(2), "one wants no letters");
        assert_eq!(write_rate_ups(&tools, 10).unwrap(), written(0), "once");
        let letters = letters(stage);
        let (member, subject, body) = &letters[0];
        assert_eq!((*member, subject.as_str()), (2, "ほんだな書店のポイントが増量中です"));
        for text in ["1.5%", "5%", "11/22まで", "https://points.example.jp/shops/books"] {
            assert!(body.contains(text), "{text} in {body}");
        }
        assert_eq!(letters[1].1, "More points at ほんだな書店");
        rate(stage, 100, "2026-11-21 00:00", None);
        stage.clock.set(at("2026-11-21 00:00"));
        assert_eq!(write_rate_ups(&tools, 10).unwrap(), written(0), "less is no raise");
        rate(stage, 600, "2026-11-22 00:00", None);
        stage.clock.set(at("2026-11-25 00:00"));
        assert_eq!(write_rate_ups(&tools, 10).unwrap(), written(0), "it is no news any more");
    });
}

#[test]
fn many_are_written_to_in_slices_and_each_once() {
    play(|stage| {
        keep(stage, 1_000..1_700);
        let tools = tools(stage);
        stage.clock.set(at("2026-11-20 00:00"));
        rate(stage, 500, "2026-11-20 00:00", None);
        let first = write_rate_ups(&tools, 1).unwrap();
        assert_eq!((first.letters, first.finished), (500, false));
        let second = write_rate_ups(&tools, 1).unwrap();
        assert_eq!((second.letters, second.finished), (200, true));
        let mut members: Vec<u128> =
            letters(stage).into_iter().map(|(member, ..)| member).collect();
        members.dedup();
        assert_eq!(members, (1_000..1_700).collect::<Vec<_>>());
    });
}
