use crate::favourite::store::{list_favourites, list_keepers};
use crate::favourite::{FAVOURITES_MAX, FavouriteRefusal, SetFavourite, Wish};
use crate::tests::{HANA, OURS, Stage, THEIRS, play, wait};
use access::Role;
use access::testing::{member, staff};
use vocabulary::{Id, kind};

fn wish(number: u128, wish: Wish) -> SetFavourite {
    SetFavourite { member: HANA, company: OURS, shop: Id::from_bits(number), wish }
}

fn kept(stage: &Stage) -> Vec<Id<kind::Shop>> {
    let list = |reader: &mut store::Reader<'_>| list_favourites(reader, HANA, 200);
    stage.site.store().database().read(list).unwrap()
}

#[test]
fn a_list_has_room_for_so_many_and_a_repeat_changes_nothing() {
    play(|stage| {
        let max = u128::try_from(FAVOURITES_MAX).unwrap();
        let run = |commands: Vec<SetFavourite>| stage.site.store().run_all(commands).unwrap();
        let all = (1..=max).map(|number| wish(number, Wish::Keep)).collect();
        assert!(run(all).iter().all(Result::is_ok));
        let slice = vec![
            wish(1, Wish::Keep),
            wish(max + 1, Wish::Keep),
            wish(1, Wish::Drop),
            wish(1, Wish::Drop),
            wish(max + 1, Wish::Keep),
        ];
        let full = Err(FavouriteRefusal::Full);
        assert_eq!(run(slice), [Ok(()), full, Ok(()), Ok(()), Ok(())]);
        let kept = kept(stage);
        assert_eq!(kept.len(), FAVOURITES_MAX);
        assert!(!kept.contains(&Id::from_bits(1)), "it was let go");
        assert_eq!(run(vec![wish(1, Wish::Keep)]), [full]);
        assert_eq!(FavouriteRefusal::Full.code(), "favourites_full");
    });
}

#[test]
fn a_member_keeps_a_shop_and_lets_it_go() {
    play(|stage| {
        let client = stage.client(Some(member(7, OURS, HANA))).browser();
        assert!(wait(client.get("/favourites")).text.contains("お気に入りはまだありません"));
        let page = wait(client.get("/shops/books")).text;
        assert!(page.contains("お気に入りに追加"), "{page}");
        let set = |want: &str, back: &str| {
            wait(client.post_form("/favourites/books", &[("want", want), ("back", back)]))
        };
        let answer = set("keep", "");
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/shops/books"));
        assert_eq!(set("keep", "").status.as_u16(), 303, "a repeat");
        assert!(wait(client.get("/shops/books")).text.contains("お気に入りから外す"));
        let page = wait(client.get("/favourites")).text;
        assert!(page.contains("ほんだな書店") && page.contains("1.5%"), "{page}");
        let answer = set("drop", "list");
        assert_eq!((answer.status.as_u16(), answer.header("location")), (303, "/favourites"));
        assert!(kept(stage).is_empty());
        assert_eq!(set("love", "").status.as_u16(), 422);
        let unknown = wait(client.post_form("/favourites/nothing", &[("want", "keep")]));
        assert_eq!(unknown.status.as_u16(), 404);
        let visitor = stage.client(None).browser();
        assert!(!wait(visitor.get("/shops/books")).text.contains("お気に入り"), "no one's list");
    });
}

#[test]
fn others_have_no_list_here() {
    play(|stage| {
        let table = [
            (None, 401),
            (Some(staff(1, OURS, Role::Sales)), 403),
            (Some(member(3, THEIRS, HANA)), 404),
        ];
        for (who, status) in table {
            let client = stage.client(who);
            assert_eq!(wait(client.get("/favourites")).status.as_u16(), status, "{who:?}");
            let answer = wait(client.post_form("/favourites/books", &[("want", "keep")]));
            assert_eq!(answer.status.as_u16(), status, "{who:?}");
        }
        assert!(kept(stage).is_empty());
    });
}

#[test]
fn who_keeps_a_shop_is_listed_in_order_and_in_slices() {
    play(|stage| {
        let shop = Id::from_bits(5);
        let commands: Vec<SetFavourite> = [30_u128, 10, 20, 40]
            .map(|number| SetFavourite {
                member: Id::from_bits(number),
                shop,
                ..wish(0, Wish::Keep)
            })
            .to_vec();
        let gone = SetFavourite { wish: Wish::Drop, ..commands[2] };
        stage.site.store().run_all([commands, vec![gone]].concat()).unwrap();
        let list = |after: Option<u128>| {
            let after = after.map(Id::from_bits);
            let read = |reader: &mut store::Reader<'_>| list_keepers(reader, shop, after, 2);
            let found = stage.site.store().database().read(read).unwrap();
            found.into_iter().map(Id::bits).collect::<Vec<u128>>()
        };
        assert_eq!((list(None), list(Some(30)), list(Some(40))), (vec![10, 30], vec![40], vec![]));
    });
}
