//! Every way in which this crate says no, as plain data for the problem list.

/// One kind of refusal. `daifuku` registers each as a problem of the door.
#[derive(Debug, PartialEq, Eq)]
pub struct RefusalKind {
    /// Stable code in snake case.
    pub code: &'static str,
    /// The HTTP status.
    pub status: u16,
    /// A short name, fixed per code.
    pub title: &'static str,
    /// What happened and what the caller can do.
    pub meaning: &'static str,
}

macro_rules! refusals {
    ($($name:ident $code:literal $status:literal $title:literal, $meaning:literal;)*) => {
        $(
            #[doc = $title]
            pub static $name: RefusalKind = RefusalKind {
                code: $code,
                status: $status,
                title: $title,
                meaning: $meaning,
            };
        )*
        /// All kinds of this crate, but for `forbidden` and `not_found`, which are the door's own.
        pub static REFUSALS: &[&RefusalKind] = &[$(&$name),*];
    };
}

refusals! {
    KEY_MALFORMED "key_malformed" 401 "This is no API key",
        "An API key is `dfk_`, 8 characters, `_` and 43 characters. Check that it was copied whole.";
    KEY_UNKNOWN "key_unknown" 401 "No such API key",
        "There is no key with this id and secret. Check that it belongs to this installation.";
    KEY_REVOKED "key_revoked" 401 "This API key was revoked",
        "The key was taken back for good. Ask an administrator of your company for another.";
    KEY_EXPIRED "key_expired" 401 "This API key has expired",
        "The key, or this secret of it after a rotation, is past its end. Use the new one.";
    SESSION_ENDED "session_ended" 401 "You are signed out",
        "There is no session, or it ended. Sign in again.";
    SECOND_FACTOR_PENDING "second_factor_pending" 401 "The second step is missing",
        "The password was right, and the second step of signing in is still to be done.";
    SIGN_IN_THROTTLED "sign_in_throttled" 429 "Too many attempts",
        "Too many attempts to sign in came from this address or for this mail. Wait and try again.";
    SIGN_IN_LOCKED "sign_in_locked" 429 "Locked for a while",
        "Signing in failed too often. It is locked until the time given, and longer with each failure.";
    SIGN_IN_WRONG "sign_in_wrong" 401 "Not signed in",
        "The mail address, the password or the code is not right. Check them and try again.";
    SIGN_IN_STALE "sign_in_stale" 409 "The login has just changed",
        "The login was changed while you signed in. Sign in once more.";
    SECOND_FACTOR_SET "second_factor_set" 409 "There is a second step already",
        "An authenticator is set up already. It has to be reset by an administrator first.";
    PASSWORD_SHORT "password_short" 422 "The password is too short",
        "A password has at least 10 characters for members and 14 for staff. A sentence is a good one.";
    PASSWORD_LONG "password_long" 422 "The password is too long",
        "A password has at most 200 bytes.";
    PASSWORD_PLAIN "password_plain" 422 "The password is too plain",
        "The password repeats a few characters or contains the mail address. Take another.";
    PROOF_THROTTLED "proof_throttled" 429 "Several letters were sent",
        "This address was sent several letters within the hour. Look for them, or wait and ask again.";
    PROOF_ENDED "proof_ended" 410 "The code or link is over",
        "It was used, is older than 30 minutes, or was tried too often. Ask for another letter.";
    CODE_WRONG "code_wrong" 422 "Another code",
        "The code is not the one of the letter. Type the six digits of the newest letter.";
    PASSKEY_WRONG "passkey_wrong" 401 "The passkey was not accepted",
        "What the device sent does not fit, or came too late. Try once more, or use the password.";
    PASSKEY_TAKEN "passkey_taken" 409 "This passkey is known",
        "The device has a passkey for this site already.";
    PASSKEYS_MANY "passkeys_many" 409 "Too many passkeys",
        "There are twenty passkeys. Remove one that is no longer used.";
    MAIL_TAKEN "mail_taken" 409 "This mail address has a login",
        "There is a login with this mail address already. Sign in with it.";
    PERSON_TAKEN "person_taken" 409 "This person has a login",
        "The person has a login with another mail address already. One is enough.";
    LOGIN_UNKNOWN "login_unknown" 404 "No such login",
        "There is no login of this person.";
    ROLE_MISFIT "role_misfit" 422 "The role does not fit",
        "Members have the role `member`, and staff have any other.";
    KEY_ID_TAKEN "key_id_taken" 409 "This key id is in use",
        "The id of the key or of its secret is taken. Repeat with new ones.";
    KEY_NEEDS_UNFIT "key_needs_unfit" 422 "A key cannot have these needs",
        "A key has at least one need, and none that asks for a person.";
    API_KEY_NOT_FOUND "api_key_not_found" 404 "No such API key in this company",
        "There is no key with this id in this company.";
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_kind_is_complete_and_has_its_own_code() {
        let codes: BTreeSet<&str> = REFUSALS.iter().map(|kind| kind.code).collect();
        assert_eq!(codes.len(), REFUSALS.len(), "two kinds have one code");
        for kind in REFUSALS {
            let snake = |byte: u8| byte.is_ascii_lowercase() || byte == b'_';
            assert!(kind.code.bytes().all(snake), "{}", kind.code);
            assert!((400..500).contains(&kind.status), "{}", kind.code);
            assert!(!kind.title.ends_with('.') && kind.meaning.ends_with('.'), "{}", kind.code);
        }
    }
}
