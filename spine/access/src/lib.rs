//! Who acts, what they may do, and the audit trail of it.
//!
//! | question | answered by |
//! |---|---|
//! | who is it? | [`KeyRing::find`], [`Sessions::find`]: an [`Authenticated`] |
//! | may they do this? | [`authorize`]: an [`Authorized`] command, or [`Denied`] |
//! | who may what at all? | the table in `policy.rs`, as `docs/generated/policy.txt` |
//! | who did it? | the journal, by an [`Actor`]'s number; the [`audit_trail`] |
//!
//! An **actor** is whoever acts, with a dense number for ever. A **need** is what a door asks for;
//! a **role** meets needs. A **login** is a person's mail address, password and second step; a
//! **realm** keeps members and staff apart. A **verdict** is what was checked at the edge, because
//! it takes long, and is compared with the rows by the writer.
//!
//! Start with `authorized.rs`, then `policy.rs`; signing in is told in `sign_in.rs`.
//!
//! Deliberately absent: HTTP (values go in and out; `daifuku` reads headers and sets cookies),
//! threads, a clock and chance of its own, tokens that cannot be taken back, a language for
//! policies, the names and addresses of members beside the mail they sign in with.

mod actor;
pub mod audit_trail;
mod authorized;
mod credential;
mod login;
mod mail_proof;
mod passkey;
mod policy;
pub mod refusal;
mod secret;
mod session;
mod sign_in;
mod store;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
#[cfg(test)]
mod tests;
mod throttle;
mod upkeep;

pub use crate::{
    actor::{Actor, ActorKind, RegisterActor, RegisterActorFacts, Subject, find_actors},
    authorized::{Authenticated, Authorized, Denied, Resource, authorize},
    credential::{
        ApiKey, ApiKeySecret, ApiKeyText, ChangeApiKey, ChangeApiKeyFacts, ChangeApiKeyRefusal,
        KeyChange, KeyChanged, KeyRefusal, KeyRing, Password, PasswordHash, PasswordParameters,
        PasswordRefusal, PublicId, RecoveryCode, TotpKey, TotpSalt, TotpSecret, TypedCode,
        list_api_keys,
    },
    login::{
        AddLogin, ChangeLogin, Login, LoginAdded, LoginChange, LoginFacts, LoginKey, LoginRefusal,
        LoginStanding, Realm, find_login, find_login_of, find_logins_of,
    },
    mail_proof::{
        AskProof, Carried, ChangeMail, EraseLogin, MailCode, MailProof, MemberOpened, OpenMember,
        PROOF_SECONDS, ProofBy, ProofOutcome, ProofPurpose, ProofRefusal, ProofSecrets, ProveMail,
        ResetPassword, find_proof, find_proof_of_link, list_carried,
    },
    passkey::{
        AddPasskey, NewPasskey, OfferChallenge, Passkey, PasskeyFacts, PasskeyRefusal,
        PasskeySignedIn, RelyingParty, RemovePasskey, SignInByPasskey, find_passkey, list_passkeys,
    },
    policy::{Need, NeedSet, Role, table as policy_table},
    refusal::{REFUSALS, RefusalKind},
    secret::{Secret, SecretHash},
    session::{
        BrowserSession, NewSession, SessionLimits, SessionRefusal, Sessions, SignedIn, Stage,
        list_sessions,
    },
    sign_in::{
        ChangePassword, CodeVerdict, ConfirmCode, ConfirmPassword, EnrolSecondFactor,
        OpenedSession, PasswordVerdict, SignIn, SignInOutcome, SignInRefusal, SignOut,
        SignOutScope, check_code, check_enrolment, check_password,
    },
    store::{MIGRATIONS, STATEMENTS},
    throttle::{SignInThrottle, ThrottleLimit},
    upkeep::{ForgetEnded, ForgetEndedFacts, Forgotten, NoteUse, NoteUseFacts},
};
