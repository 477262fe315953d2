use crate::cap::{Caps, Tally};
use crate::conversion::{Authority, ConversionKey, Source, Status, Told};
use crate::tests::{Stage, play, token};
use vocabulary::{Amount, Id, Reference, kind};

/// A row of a report that says what happened after a click.
pub(crate) fn told(stage: &Stage, external: &str, click: Id<kind::Click>) -> Told {
    Told {
        key: ConversionKey {
            network: token("accesstrade"),
            account: token("main"),
            external: Reference::parse(external).unwrap(),
        },
        entry: None,
        click: Some(click),
        order: None,
        item: None,
        occurred_at: stage.site.now(),
        sale: 10_000,
        commission: 300,
        currency: None,
        status: Some(Status::Occurred),
        reason: None,
        test: false,
        authority: Authority::Decides,
        source: Source::Report(Id::from_bits(2)),
    }
}

#[test]
fn a_cap_is_reached_by_count_or_by_what_the_network_pays() {
    let (count, sum) = (Some(3), Some(Amount::from(1_000)));
    let none = Caps::default();
    let by_count = Caps { conversions_max: count, ..none };
    let by_sum = Caps { commission_max: sum, ..none };
    let both = Caps { conversions_max: count, commission_max: sum };
    let table = [
        (none, u32::MAX, 1_000_000, false),
        (by_count, 2, 1_000_000, false),
        (by_count, 3, 0, true),
        (by_count, 4, 0, true),
        (by_sum, 1_000, 999, false),
        (by_sum, 0, 1_000, true),
        (both, 2, 999, false),
        (both, 3, 0, true),
        (both, 0, 1_001, true),
    ];
    for (caps, conversions, commission, expected) in table {
        let tally = Tally { conversions, commission: Amount::from(commission) };
        assert_eq!(caps.reached(tally), expected, "{caps:?} {tally:?}");
    }
}

#[test]
fn a_tally_follows_its_conversions_up_and_down() {
    play(|stage| {
        let uncapped = stage.click(1, stage.books);
        stage.change(stage.books, |terms| terms.caps.conversions_max = Some(2));
        let click = stage.click(2, stage.books);
        let tally = || {
            stage.site.refresh().unwrap();
            let shelf = stage.site.catalogue().shelf();
            let offer = &shelf.offers[&stage.books];
            let version = offer.version(2).unwrap();
            let tally = shelf.tally(offer.id, 2);
            (tally.conversions, tally.commission.minor_units(), shelf.is_full(offer, version))
        };
        let say = |external, click, status| {
            stage.say(vec![Told { status: Some(status), ..told(stage, external, click) }])
        };
        say("0", uncapped, Status::Occurred);
        assert_eq!(tally(), (0, 0, false), "a click before the cap");
        say("1", click, Status::Occurred);
        say("1", click, Status::Occurred);
        assert_eq!(tally(), (1, 300, false), "a repeat counts once");
        say("1", click, Status::Approved);
        assert_eq!(tally(), (1, 300, false), "a decision does not count again");
        let both = ["2", "3"].map(|external| told(stage, external, click));
        stage.say(both.to_vec());
        assert_eq!(tally(), (3, 900, true), "what was out is honoured beyond the cap");
        say("2", click, Status::Rejected);
        say("1", click, Status::Rejected);
        assert_eq!(tally(), (1, 300, false), "rejected or taken back, it makes room");
    });
}
