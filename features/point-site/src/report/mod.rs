//! A network's monthly file of decisions. It is read and tried out first; then a person has it
//! applied, and a job does that in slices, each in one transaction with how far it came. The same
//! file is the same report, and applying it again changes nothing.

mod api;
mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub(crate) use api::file_routes;
pub use command::{
    ApplyFacts, ApplyRows, OpenReport, ReportFacts, ReportRefusal, StartReport, StoreReportPart,
};
pub use job::{ReceiveError, Received, UploadedReport, apply_reports, list_rows, receive_report};
pub(crate) use job::{rows_of, sheet_of};
pub(crate) use page::routes;
pub use state::{Count, Report, ReportState, RowOutcome, RowResult, Tally};
pub(crate) use store::find_row;
