//! What people and services prove themselves with.

mod api_key;
mod key_ring;
mod password;
mod totp;

pub use api_key::{
    ApiKey, ApiKeySecret, ApiKeyText, ChangeApiKey, ChangeApiKeyFacts, ChangeApiKeyRefusal,
    KeyChange, KeyChanged, PublicId, list_api_keys,
};
pub(crate) use key_ring::KeyUse;
pub use key_ring::{KeyRefusal, KeyRing};
pub use password::{Password, PasswordHash, PasswordParameters, PasswordRefusal};
pub use totp::{RecoveryCode, TotpKey, TotpSalt, TotpSecret, TypedCode};
