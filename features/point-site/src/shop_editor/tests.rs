use crate::tests::{OURS, play, wait};
use access::Role;
use access::audit_trail::{Search, list};
use access::testing::staff;

#[test]
fn a_shop_is_added_once_and_changed() {
    play(|stage| {
        let client = stage.client(Some(staff(8, OURS, Role::Sales))).browser();
        let fields = |slug, name, listed| {
            [
                ("slug", slug),
                ("name", name),
                ("reading", "はな"),
                ("category", "food"),
                ("listed", listed),
            ]
        };
        let add = |slug, name| wait(client.post_form("/staff/shops", &fields(slug, name, "yes")));
        assert_eq!(add("hana", "花の店").header("location"), "/staff/shops/hana?saved=1");
        assert_eq!(add("hana", "花の店").status.as_u16(), 303, "a repeat");
        let taken = add("hana", "別の店");
        assert_eq!(taken.status.as_u16(), 422);
        assert!(taken.text.contains("別のショップが使っています"), "{}", taken.text);
        assert_eq!(add("花", "花の店").status.as_u16(), 422);
        assert_eq!(add("flower", " ").status.as_u16(), 422);
        let change = |slug, name, listed| {
            let path = format!("/staff/shops/{slug}");
            wait(client.post_form(&path, &fields("other", name, listed)))
        };
        assert_eq!(change("hana", "花の店 本店", "no").status.as_u16(), 303);
        assert_eq!(change("nothing", "花の店", "no").status.as_u16(), 404);
        let page = wait(client.get("/staff/shops?state=hidden")).text;
        assert!(page.contains("花の店 本店") && !page.contains("つばめカード"), "{page}");
        let page = wait(client.get("/staff/shops?q=tsubame")).text;
        assert!(!page.contains("花の店") && page.contains("つばめカード"), "{page}");
        assert!(wait(client.get("/staff/shops?q=zzz")).text.contains("ショップがありません"));
        let read = |reader: &mut store::Reader<'_>| list(reader, &Search::Company(OURS), None, 10);
        let trail = stage.site.store().database().read(read).unwrap();
        assert_eq!(trail.len(), 2, "one entry for each change: {trail:?}");
    });
}
