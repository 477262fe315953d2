//! Signing in and out, for members and for staff.
//!
//! | step | door | what |
//! |---|---|---|
//! | 1 | `POST …/sign-in` | the password; opens a session, in full or for the second step |
//! | 2a | `POST …/sign-in/code` | the code of the authenticator, or a recovery code |
//! | 2b | `POST …/sign-in/enrolment` | sets an authenticator up, where there is none yet |
//! | | `POST …/sign-out` | ends the session |

mod flow;
mod marks;
mod page;
mod return_path;

pub(crate) use self::{
    flow::Visitor,
    marks::{BrowserMarks, leave_mark, marks_key},
    page::{
        build_cookie, complain, routes, see_other, session_cookie, status_of, with_retry_after,
    },
    return_path::{ReturnPath, sign_in_address},
};
