use serde_json::Value;

use crate::conversion::{Authority, ConversionKey, Source, Status, Told};
use crate::favourite::{SetFavourite, Wish};
use crate::personal_data::{Chapter, read_part};
use crate::tests::{HANA, OURS, Stage, play, token};
use vocabulary::{Amount, Id, Reference, kind};

/// Reads a whole chapter and says in how many parts it came.
fn read(stage: &Stage, member: Id<kind::Member>, chapter: Chapter) -> (usize, Vec<Value>) {
    let (mut parts, mut entries, mut after) = (0, Vec::new(), None);
    loop {
        let database = stage.site.store().database();
        let part = database.read(|reader| read_part(reader, member, chapter, after)).unwrap();
        parts += 1;
        entries.extend(part.entries.iter().map(|text| serde_json::from_str(text).unwrap()));
        after = part.next;
        if after.is_none() {
            return (parts, entries);
        }
    }
}

fn purchase(stage: &Stage, click: Id<kind::Click>) -> Told {
    Told {
        key: ConversionKey {
            network: token("accesstrade"),
            account: token("main"),
            external: Reference::parse("100").unwrap(),
        },
        entry: None,
        click: Some(click),
        order: Reference::parse("R-1").ok(),
        item: None,
        occurred_at: stage.site.now(),
        sale: "3980".parse().unwrap(),
        commission: "119".parse().unwrap(),
        currency: None,
        status: Status::parse("occurred"),
        reason: None,
        test: false,
        authority: Authority::Tells,
        source: Source::Postback(Id::from_bits(1)),
    }
}

#[test]
fn every_entry_is_told_once_however_many_parts_it_takes() {
    play(|stage| {
        let clicks: Vec<_> = (1..=501).map(|number| stage.click(number, stage.books)).collect();
        stage.say(vec![purchase(stage, clicks[0])]);
        let keep = SetFavourite {
            member: HANA,
            company: OURS,
            shop: stage.shop("card"),
            wish: Wish::Keep,
        };
        stage.site.store().run(keep).unwrap().unwrap();

        let (parts, told) = read(stage, HANA, Chapter::Clicks);
        assert_eq!((parts, told.len()), (2, 501));
        let ids: Vec<&str> = told.iter().map(|click| click["id"].as_str().unwrap()).collect();
        let newest_first = clicks.iter().rev().map(ToString::to_string);
        assert!(
            ids.iter().copied().eq(newest_first.collect::<Vec<_>>().iter().map(String::as_str))
        );
        let bought = &told[500]["purchases"][0];
        assert_eq!((&bought["order"], &bought["state"]), (&"R-1".into(), &"tracked".into()));
        let points = serde_json::to_value(Amount::from(59_u32)).unwrap();
        assert_eq!(bought["points"], points);
        assert_eq!(told[0]["purchases"], Value::Array(Vec::new()));

        let (_parts, kept) = read(stage, HANA, Chapter::Favourites);
        assert_eq!(kept.len(), 1);
        assert!(kept[0]["shop"].is_string());
        for chapter in Chapter::ALL {
            let nobody = read(stage, Id::from_bits(5), chapter);
            assert_eq!(nobody, (1, Vec::new()), "{}", chapter.code());
        }
    });
}
