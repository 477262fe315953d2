//! Gift codes: out of a pool that was bought, or from a partner that makes one when asked. One
//! exchange gets one code, however often it asks.

mod command;
mod job;
mod page;
mod state;
pub(crate) mod store;
#[cfg(test)]
mod tests;

pub use command::{GiveCodes, ImportCodes, RevealCode};
pub(crate) use job::file_name;
pub use job::{
    CodeList, CodeListError, DryRun, ImportReceipt, UploadedCodes, import_codes, read_codes,
};
pub(crate) use page::routes;
pub use state::{
    Agreement, GiftAnswer, GiftCode, GiftCodeError, GiftRefusal, GiftRequest, Issue, LastFour,
    PoolCode, PoolEvent, PoolState, RequestId, StockedCode, compare, plan_code, take,
};
