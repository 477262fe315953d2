//! Gift codes: out of a pool that was bought, or from a partner that makes one when asked. One
//! exchange gets one code, however often it asks.

mod state;
#[cfg(test)]
mod tests;

pub use state::{
    Agreement, GiftAnswer, GiftCode, GiftCodeError, GiftRefusal, GiftRequest, LastFour, PoolCode,
    PoolEvent, PoolState, RequestId, compare, plan_code, take,
};
