use crate::click::{Click, ClickMark, RecordClick};
use crate::popularity::count_clicks;
use crate::tests::{HANA, OURS, Stage, at, play, wait};
use vocabulary::{Id, kind};

/// Records clicks with ids of their time, as the door makes them.
fn click(stage: &Stage, offer: Id<kind::Offer>, slug: &str, moment: &str, count: u128) {
    let clicked_at = at(moment);
    let milliseconds = u128::try_from(clicked_at.as_milliseconds()).unwrap();
    let commands = (1..=count).map(|number| {
        RecordClick(Click {
            id: Id::from_bits(milliseconds << 80 | number),
            company: OURS,
            member: HANA,
            shop: stage.shop(slug),
            offer,
            offer_version: 1,
            clicked_at,
            mark: (number > 3).then_some(ClickMark::Bot),
        })
    });
    stage.site.store().run_all(commands.collect()).unwrap();
}

#[test]
fn what_was_followed_in_thirty_days_is_popular() {
    play(|stage| {
        let count = |stage: &Stage, day: &str| {
            stage.clock.set(at(&format!("2026-{day} 12:00")));
            count_clicks(&stage.site).unwrap();
            stage.site.refresh().unwrap();
            let shelf = stage.site.catalogue().shelf();
            (shelf.clicks_of(stage.books), shelf.clicks_of(stage.card))
        };
        click(stage, stage.card, "card", "2026-10-10 00:00", 4);
        click(stage, stage.books, "books", "2026-10-10 23:59", 2);
        assert_eq!(count(stage, "10-10"), (2, 3), "the fourth was a program's");
        assert_eq!(count(stage, "10-10"), (2, 3), "counted again, it is no more");
        click(stage, stage.books, "books", "2026-10-11 00:00", 2);
        assert_eq!(count(stage, "10-11"), (4, 3));
        let page = wait(stage.client(None).browser().get("/shops?sort=popular")).text;
        assert!(page.find("ほんだな書店") < page.find("つばめカード"), "{page}");
        let page = wait(stage.client(None).browser().get("/shops?sort=reward")).text;
        assert!(page.find("ほんだな書店") > page.find("つばめカード"), "{page}");
        assert_eq!(count(stage, "11-08"), (4, 3), "the thirtieth day");
        assert_eq!(count(stage, "11-09"), (2, 0), "one day later");
        assert_eq!(count(stage, "11-10"), (0, 0));
    });
}
