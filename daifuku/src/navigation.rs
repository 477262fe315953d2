//! What stands above the pages: one navigation for members, one for the staff.

use access::{NeedSet, Realm};
use web::{NavItem, View};

use crate::parts::STAFF_PAGES;

/// The key of a text, and where it leads.
const MEMBER_LINKS: [(&str, &str); 8] = [
    ("member-nav-home", "/"),
    ("member-nav-shops", "/shops"),
    ("member-nav-favourites", "/favourites"),
    ("member-nav-passbook", "/passbook"),
    ("member-nav-exchange", "/exchange"),
    ("member-nav-clicks", "/clicks"),
    ("member-nav-campaigns", "/campaigns"),
    ("settings-title", "/settings"),
];

/// Leads a member everywhere, and a visitor to the form to sign in.
pub(crate) fn of_member(view: &View) -> Vec<NavItem> {
    let item = |(text, href)| NavItem::new(view.words().get(text), href, view.path());
    let door = if view.has_cookie(Realm::Member.cookie()) {
        ("sign-out-title", "/sign-out")
    } else {
        ("sign-in-title", "/sign-in")
    };
    MEMBER_LINKS.into_iter().map(item).chain([item(door).apart()]).collect()
}

/// Leads somebody of the staff to what they may open.
pub(crate) fn of_staff(view: &View, needs: NeedSet) -> Vec<NavItem> {
    let item = |text, href| NavItem::new(view.words().get(text), href, view.path());
    // All pages of the console are below its home, which is not where the person is for that.
    let home = NavItem { current: view.path() == "/staff", ..item("staff-title", "/staff") };
    let pages = STAFF_PAGES.iter().filter(|page| needs.contains(page.need));
    let mut pages: Vec<NavItem> = pages.map(|page| item(page.text, page.href)).collect();
    // Where one page is below another, only the nearest is where the person is.
    let here = pages.iter().filter(|page| page.current).map(|page| page.href.len()).max();
    for page in &mut pages {
        page.current = page.current && Some(page.href.len()) == here;
    }
    let out = item("sign-out-title", "/staff/sign-out").apart();
    [home].into_iter().chain(pages).chain([out]).collect()
}
