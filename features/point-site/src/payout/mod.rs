//! Exchanges that a bank is told to pay, by one file (総合振込). One person puts together what is
//! due, another approves it: then the file is made, once and for ever, and its exchanges are sent.
//! What the bank says comes back as a file too, at once or months later (組戻し).

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;

pub use command::{
    ApplyResults, ApprovePayout, DiscardPayout, MakePayout, NoteDownload, OpenResult, PayoutRefusal,
};
pub use job::{CheckError, UploadedResult, apply_result, check_result, file_of};
pub(crate) use page::{permit, routes};
pub use state::{
    LINES_MAX, Match, PayoutRun, PayoutState, ResultCheck, ResultState, ResultUpload, RunLine,
    compare_results, file_name,
};
