//! Membership: signing up, a lost password, what a member sets, passkeys, what is
//! kept about oneself, leaving.
//!
//! | step of signing up | door | what |
//! |---|---|---|
//! | 1 | `POST /sign-up` | an address; a letter goes, whether it is known or not |
//! | 2a | `POST /sign-up/code` | the code of the letter, in the browser that asked |
//! | 2b | `POST /sign-up/link` | the letter's link, in any browser |
//! | 3 | `POST /sign-up/password` | a password; the membership opens, signed in |
//!
//! A lost password goes the same way below `/password`, another address below `/settings/mail`.
//! What is decided is in `access::mail_proof`; here are the pages of it.
//!
//! Everything works without JavaScript but passkeys, which browsers offer to scripts alone.

mod desk;
mod export;
mod job;
mod leave;
mod letters;
mod passkeys;
mod proof;
mod settings;
mod unsubscribe;

use crate::house::House;
use web::Routes;

pub use self::job::{Post, end_due};
pub(crate) use self::job::{deliver_mail, end_memberships, finish_joinings, read_password};
pub use crate::reactions::finish_joining;

/// The script that asks the browser for passkeys.
pub(crate) const SCRIPT: (&str, &str, &[u8]) =
    ("passkey.js", "text/javascript; charset=utf-8", include_bytes!("../../static/passkey.js"));

/// The doors of membership.
pub(crate) fn routes(house: &House) -> Routes {
    let desk = desk::Desk::of(house);
    proof::routes(&desk)
        .and(settings::routes().with_state(&desk))
        .and(export::routes().with_state(&desk))
        .and(leave::routes().with_state(&desk))
        .and(passkeys::routes().with_state(&desk))
        .and(unsubscribe::routes().with_state(&desk))
}
