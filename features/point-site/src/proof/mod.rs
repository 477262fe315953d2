//! One more proof of who a member is before an exchange (追加認証): a code of six digits, sent by
//! mail, good for ten minutes and five tries. Only a keyed hash of it is kept.

mod command;
mod page;

pub use command::{SendCode, TryCode, code_hash};
pub(crate) use page::{begin, draw_code, half_width, routes};
