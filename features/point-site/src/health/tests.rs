use crate::health::{Pulse, Standing, standing};
use crate::message::process_messages;
use crate::tests::{HANA, OURS, SECRET, THEIRS, at, play, wait};
use access::Role;
use access::testing::{member, staff};

#[test]
fn a_shop_is_silent_after_three_of_its_usual_gaps() {
    let now = at("2026-11-28 12:00");
    let told = |text| Some(at(text));
    let table = [
        // Clicks of a day and a week, conversions of a month, the last one; and what that is.
        ((0, 0), 0, None, Standing::Idle),
        ((3, 19), 0, None, Standing::Idle),
        ((3, 20), 0, None, Standing::Silent { hours: None }),
        ((9, 90), 672, told("2026-11-28 00:00"), Standing::Alive),
        ((9, 90), 672, told("2026-11-27 22:59"), Standing::Silent { hours: Some(13) }),
        ((9, 90), 28, told("2026-11-25 12:00"), Standing::Alive),
        ((9, 90), 28, told("2026-11-25 11:00"), Standing::Silent { hours: Some(73) }),
        ((0, 90), 28, told("2026-11-25 11:00"), Standing::Alive),
        ((1, 90), 1, told("2026-11-21 12:00"), Standing::Alive),
        ((1, 90), 1, told("2026-11-21 11:00"), Standing::Silent { hours: Some(169) }),
        ((0, 0), 1, told("2026-11-10 11:00"), Standing::Idle),
    ];
    for ((clicks_day, clicks_week), conversions_month, told_at, expected) in table {
        let pulse =
            Pulse { clicks_day, clicks_week, conversions_month, told_at, ..Pulse::default() };
        assert_eq!(standing(&pulse, now), expected, "{pulse:?}");
    }
}

#[test]
fn staff_see_what_cannot_be_read_and_have_it_read_again() {
    play(|stage| {
        let anybody = stage.client(None);
        wait(anybody.get(&format!("/in/v1/accesstrade/{SECRET}main/cv?conversion_id=1")));
        stage.clock.advance_seconds(600);
        assert_eq!(process_messages(&stage.site).unwrap(), 1);
        let support = stage.client(Some(staff(5, OURS, Role::Support))).browser();
        let page = wait(support.get("/staff/networks")).text;
        assert!(
            page.contains("読み取れない通知") && page.contains("日時として読めません"),
            "{page}"
        );
        let (_, rest) = page.split_once("/staff/networks/messages/").unwrap();
        let (id, _) = rest.split_once('"').unwrap();
        let address = format!("/staff/networks/messages/{id}");
        let page = wait(support.get(&address)).text;
        assert!(page.contains("conversion_id=1") && page.contains("もう一度読み取る"), "{page}");
        for _repeat in 0..2 {
            let answer = wait(support.post_form(&format!("{address}/again"), &[]));
            assert_eq!(answer.status.as_u16(), 303, "{}", answer.text);
        }
        assert!(!wait(support.get(&address)).text.contains("もう一度読み取る"), "it waits");
        assert_eq!(process_messages(&stage.site).unwrap(), 1, "it is read once more");
        for (who, status) in [
            (None, 401),
            (Some(member(1, OURS, HANA)), 403),
            (Some(staff(3, THEIRS, Role::Support)), 404),
        ] {
            let client = stage.client(who);
            for path in ["/staff/networks", &address] {
                assert_eq!(wait(client.get(path)).status.as_u16(), status, "{path} {who:?}");
            }
        }
    });
}
