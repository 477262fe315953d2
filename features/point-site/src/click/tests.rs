use crate::Trust;
use crate::click::store::list_clicks;
use crate::click::{Click, ClickMark, feed_spool, parse_reference, reference};
use crate::tests::{HANA, OURS, Stage, THEIRS, at, play, wait};
use access::testing::{api_key, member, staff};
use access::{Need, Role};
use vocabulary::Id;

fn clicks(stage: &Stage) -> Vec<Click> {
    let list = |reader: &mut store::Reader<'_>| list_clicks(reader, HANA, None, 100);
    stage.site.store().database().read(list).unwrap()
}

#[test]
fn a_click_leads_to_the_shop_with_a_reference_that_says_nothing_of_the_member() {
    play(|stage| {
        let client = stage.client(Some(member(7, OURS, HANA)));
        let answer = wait(client.get(&format!("/go/{}", stage.books)));
        assert_eq!(answer.status.as_u16(), 302);
        let address = answer.header("location");
        let start = "https://click.accesstrade.example/go?rk=0100&pbid=";
        let sent = address.strip_prefix(start).unwrap();
        assert_eq!(sent.len(), 26, "{sent}");
        assert!(!address.contains(&HANA.to_string()), "the member's id stays here");
        let kept = clicks(stage);
        assert_eq!(kept.len(), 1, "it is in the database before the answer");
        assert_eq!((reference(kept[0].id).as_str(), kept[0].offer_version), (sent, 1));
        assert_eq!(answer.header("cache-control"), "no-store");
    });
}

#[test]
fn a_click_is_marked_where_no_person_clicked_anew() {
    play(|stage| {
        let path = format!("/go/{}", stage.books);
        let browser = ("user-agent", "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X)");
        let ask = |headers: &[(&str, &str)]| {
            let client = stage.client(Some(member(7, OURS, HANA)));
            let client =
                headers.iter().fold(client, |client, (name, value)| client.header(name, value));
            wait(client.get(&path)).status.as_u16()
        };
        assert_eq!(ask(&[browser, ("sec-purpose", "prefetch;prerender")]), 204);
        assert!(clicks(stage).is_empty(), "looking ahead is no click");
        let mut marks = Vec::new();
        for (wait_seconds, headers) in [
            (0, vec![browser]),
            (59, vec![browser]),
            (60, vec![browser]),
            (1, vec![("user-agent", "Googlebot/2.1 (+http://www.google.com/bot.html)")]),
            (120, vec![]),
        ] {
            stage.clock.advance_seconds(wait_seconds);
            assert_eq!(ask(&headers), 302, "everybody is led to the shop");
            marks.push(clicks(stage)[0].mark);
        }
        let (bot, repeat) = (Some(ClickMark::Bot), Some(ClickMark::Repeat));
        assert_eq!(marks, [None, repeat, None, bot, bot]);
        stage.clock.advance_seconds(120);
        (0..31).for_each(|_| assert_eq!(ask(&[browser]), 302));
        let burst = |click: &&Click| click.mark == Some(ClickMark::Burst);
        assert_eq!(clicks(stage).iter().filter(burst).count(), 1, "the 31st of a minute");
    });
}

#[test]
fn who_may_not_click_leaves_no_click() {
    play(|stage| {
        let path = format!("/go/{}", stage.books);
        let table = [
            (None, 401),
            (Some(staff(1, OURS, Role::Support)), 403),
            (Some(api_key(2, OURS, &[Need::OfferRead])), 403),
            (Some(member(3, THEIRS, HANA)), 404),
        ];
        for (who, status) in table {
            let answer = wait(stage.client(who).get(&path));
            assert_eq!(answer.status.as_u16(), status, "{who:?}");
        }
        assert!(clicks(stage).is_empty(), "nothing is kept");
    });
}

#[test]
fn an_offer_that_is_not_there_or_over_leads_nowhere() {
    play(|stage| {
        let client = stage.client(Some(member(7, OURS, HANA)));
        let unknown = "/go/off_01JD3T6Z8M3V5K1W9QXY2ABCDE";
        stage.clock.set(at("2026-09-30 23:59"));
        let over = format!("/go/{}", stage.books);
        for (path, status) in [(unknown, 404), ("/go/books", 404), (&*over, 410)] {
            let answer = wait(client.get(path));
            assert_eq!(answer.status.as_u16(), status, "{path}");
        }
        assert!(clicks(stage).is_empty(), "nothing is kept");
    });
}

#[test]
fn a_click_is_kept_while_the_database_is_away_and_brought_when_it_is_back() {
    let test = store::testing::TestDatabase::sqlite();
    let stage = Stage::open(&test, Trust::Reports);
    let client = stage.client(Some(member(7, OURS, HANA)));
    stage.site.store().close();
    for _ in 0..3 {
        let answer = wait(client.get(&format!("/go/{}", stage.books)));
        assert_eq!(answer.status.as_u16(), 302, "{}", answer.text);
    }
    assert!(clicks(&stage).is_empty(), "the database did not take them");
    let config = stage.site.config().clone();
    let clock = stage.clock.clone();
    // The site of before still has its spool open; its lines are on the disk all the same.
    let store = store::Store::open(
        test.database(),
        store::StoreOptions::default(),
        clock.clone(),
        vocabulary::SeededIds::new(3),
        |_| (),
    )
    .unwrap();
    let ids = vocabulary::SharedIds::new(vocabulary::SeededIds::new(4));
    let site = crate::Site::open(config, store, clock, ids).unwrap();
    assert_eq!(feed_spool(&site).unwrap(), 3);
    assert_eq!(feed_spool(&site).unwrap(), 0, "the spool is empty");
    assert_eq!(clicks(&stage).len(), 3);
}

#[test]
fn a_line_of_the_spool_comes_back_and_a_cut_one_does_not() {
    let click = Click {
        id: Id::from_bits(1),
        company: OURS,
        member: HANA,
        shop: Id::from_bits(2),
        offer: Id::from_bits(3),
        offer_version: 4,
        clicked_at: at("2026-11-01 12:00"),
        mark: None,
    };
    let line = click.to_line();
    assert_eq!(Click::from_line(&line), Some(click));
    let cut = line.rsplit_once(' ').unwrap().0;
    for broken in [cut, "", &format!("{line} 1")] {
        assert_eq!(Click::from_line(broken), None, "{broken}");
    }
    assert_eq!(parse_reference(&reference(click.id)), Some(click.id));
    assert_eq!(parse_reference("somebody"), None);
}

#[test]
fn a_member_sees_their_own_clicks_and_what_became_of_them() {
    play(|stage| {
        let client = stage.client(Some(member(7, OURS, HANA))).browser();
        let empty = wait(client.get("/clicks"));
        assert!(empty.text.contains("まだ記録はありません"), "{}", empty.text);
        stage.click(1, stage.books);
        let page = wait(client.get("/clicks"));
        for text in ["ほんだな書店", "記載待ち", "2026-11-01 12:00"] {
            assert!(page.text.contains(text), "{text} in {}", page.text);
        }
        stage.clock.advance_seconds(8 * 86_400);
        assert!(wait(client.get("/clicks")).text.contains("記載なし"), "it is late");
        let other = member(8, OURS, Id::from_bits(99));
        let page = wait(stage.client(Some(other)).browser().get("/clicks"));
        assert!(page.text.contains("まだ記録はありません"), "another's clicks are not shown");
        for (who, status) in [
            (None, 401),
            (Some(staff(1, OURS, Role::Support)), 403),
            (Some(member(3, THEIRS, HANA)), 404),
        ] {
            let answer = wait(stage.client(who).get("/clicks"));
            assert_eq!(answer.status.as_u16(), status, "{who:?}");
        }
    });
}
