//! What the letters of membership say.

use super::desk::Desk;
use access::{ProofPurpose, ProofSecrets};
use mail::{Body, Category, Letter, Recipient};
use vocabulary::{Id, Label, kind};
use web::{Problem, Words, problems};

/// What a letter is about; its texts are `letter-…-subject` and `letter-…-body`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    SignUp,
    SignUpKnown,
    Reset,
    ResetUnknown,
    ChangeMail,
    ChangeMailKnown,
    Welcome,
    PasswordChanged,
    MailChanged,
    PasskeyAdded,
    Leaving,
}

impl About {
    const fn key(self) -> &'static str {
        match self {
            Self::SignUp => "sign-up",
            Self::SignUpKnown => "sign-up-known",
            Self::Reset => "reset",
            Self::ResetUnknown => "reset-unknown",
            Self::ChangeMail => "change-mail",
            Self::ChangeMailKnown => "change-mail-known",
            Self::Welcome => "welcome",
            Self::PasswordChanged => "password-changed",
            Self::MailChanged => "mail-changed",
            Self::PasskeyAdded => "passkey-added",
            Self::Leaving => "leaving",
        }
    }

    /// The letter with the code, and the one that goes instead.
    pub(super) const fn of(purpose: ProofPurpose) -> (Self, Self) {
        match purpose {
            ProofPurpose::SignUp => (Self::SignUp, Self::SignUpKnown),
            ProofPurpose::Reset => (Self::Reset, Self::ResetUnknown),
            ProofPurpose::ChangeMail => (Self::ChangeMail, Self::ChangeMailKnown),
        }
    }
}

/// Writes letters in one language.
pub(super) struct Writing<'a> {
    pub(super) desk: &'a Desk,
    pub(super) words: Words<'a>,
}

impl Writing<'_> {
    /// Writes a letter; `extra` are placeholders beside the site's address and name.
    pub(super) fn write(
        &self,
        id: Id<kind::Letter>,
        about: About,
        to: Recipient,
        extra: &[(&str, &str)],
    ) -> Result<Letter, Problem> {
        let config = &self.desk.house.config;
        let address = self.desk.address();
        let mut args = vec![("address", address.as_str()), ("site", config.operator_name.as_str())];
        args.extend_from_slice(extra);
        let args: Vec<(&str, web::TextValue<'_>)> =
            args.into_iter().map(|(name, value)| (name, value.into())).collect();
        let text = |part: &str| self.words.with(&format!("letter-{}-{part}", about.key()), &args);
        // Texts of ours with addresses and digits in them: too long or with control characters only
        // when the texts are wrong, which a test sees.
        let broken = |_| Problem::new(&problems::INTERNAL_FAULT);
        Ok(Letter {
            id,
            company: config.site_company,
            category: Category::Service,
            to,
            subject: Label::parse(&text("subject")).map_err(broken)?,
            body: Body::parse(&text("body")).map_err(broken)?,
        })
    }

    /// Writes the two letters of a proof, of which one goes.
    pub(super) fn of_proof(
        &self,
        purpose: ProofPurpose,
        to: &vocabulary::Email,
        secrets: &ProofSecrets,
    ) -> Result<(Letter, Letter), Problem> {
        let id = self.desk.next_id();
        let link = format!(
            "{}{}?k={}",
            self.desk.address(),
            super::proof::link_path(purpose),
            secrets.link.expose()
        );
        let extra = [("link", link.as_str()), ("code", secrets.code.expose())];
        let (about, instead) = About::of(purpose);
        let to = Recipient::Address(to.clone());
        Ok((self.write(id, about, to.clone(), &extra)?, self.write(id, instead, to, &[])?))
    }
}
