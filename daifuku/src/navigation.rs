//! What stands above the pages: one navigation for members, one for the staff.

use access::NeedSet;
use web::{NavItem, View};

use crate::parts::STAFF_PAGES;

/// The key of a text, and where it leads.
const MEMBER_LINKS: [(&str, &str); 5] = [
    ("member-nav-home", "/"),
    ("member-nav-shops", "/shops"),
    ("member-nav-passbook", "/passbook"),
    ("member-nav-clicks", "/clicks"),
    ("sign-out-title", "/sign-out"),
];

/// Leads a member everywhere.
pub(crate) fn of_member(view: &View) -> Vec<NavItem> {
    let item = |(text, href)| NavItem::new(view.words().get(text), href, view.path());
    MEMBER_LINKS.into_iter().map(item).collect()
}

/// Leads somebody of the staff to what they may open.
pub(crate) fn of_staff(view: &View, needs: NeedSet) -> Vec<NavItem> {
    let words = view.words();
    // All pages of the console are below its home, which is not where the person is for that.
    let home = NavItem {
        label: words.get("staff-title").into_owned(),
        href: "/staff".to_owned(),
        current: view.path() == "/staff",
    };
    let pages = STAFF_PAGES.iter().filter(|page| needs.contains(page.need));
    let pages = pages.map(|page| NavItem::new(words.get(page.text), page.href, view.path()));
    core::iter::once(home).chain(pages).collect()
}
