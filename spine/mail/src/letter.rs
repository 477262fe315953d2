use vocabulary::{CompanyNumber, Email, Id, Label, TextError, kind};

/// A letter to one person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// Which letter: chosen by who writes it, best so that it follows from what it is about. The
    /// same id is the same letter, which goes once.
    pub id: Id<kind::Letter>,
    /// The company in whose name it goes.
    pub company: CompanyNumber,
    /// Whether the person can do without.
    pub category: Category,
    /// To whom.
    pub to: Recipient,
    /// The subject.
    pub subject: Label,
    /// What it says.
    pub body: Body,
}

/// Makes a subject of a text that has names in it, which may be long: what is over 120 characters
/// ends with `…`.
///
/// # Errors
///
/// A [`TextError`] for an empty text and for control characters.
pub fn subject(text: &str) -> Result<Label, TextError> {
    match Label::parse(text) {
        Err(TextError::TooLong { max }) => {
            let start: String = text.trim().chars().take(max.saturating_sub(1)).collect();
            Label::parse(&format!("{start}…"))
        }
        label => label,
    }
}

/// Whether the person can do without a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Category {
    /// It belongs to what the person does: a code, a receipt, a warning about their account.
    Service,
    /// It is useful to most; a person may have said that they want none.
    Notice,
}

impl Category {
    /// Gives the stable word, as stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Service => "service",
            Self::Notice => "notice",
        }
    }

    /// Finds a category by its word.
    pub fn parse(code: &str) -> Option<Self> {
        [Self::Service, Self::Notice].into_iter().find(|category| category.code() == code)
    }
}

/// To whom a letter goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipient {
    /// A member, at the address that they have when it goes.
    Member(Id<kind::Member>),
    /// An address, whoever's it is: one that is to be verified, or was in use until now.
    Address(Email),
}

/// What a letter says: plain text in lines, at most 8,000 characters; it may hold a code, so that
/// `Debug` never shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Body(String);

impl core::fmt::Debug for Body {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_tuple("Body").field(&self.0.len()).finish()
    }
}

impl Body {
    /// The most characters.
    pub const MAX: usize = 8_000;

    /// Takes a text; line ends become `\n`, blanks around it go.
    ///
    /// # Errors
    ///
    /// [`TextError`] when nothing is left, when it is too long, or when it has control characters
    /// beside line ends.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim().replace("\r\n", "\n");
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.chars().count() > Self::MAX {
            return Err(TextError::TooLong { max: Self::MAX });
        }
        if text.chars().any(|character| character.is_control() && character != '\n') {
            return Err(TextError::Character);
        }
        Ok(Self(text))
    }

    /// Gives the text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_subject_is_shortened_and_no_letter_lost() {
        assert_eq!(subject("交換が完了しました").unwrap().as_str(), "交換が完了しました");
        let long = subject(&format!(" {}への交換が完了しました", "長".repeat(120))).unwrap();
        assert_eq!(long.as_str(), format!("{}…", "長".repeat(119)));
        assert_eq!(subject(" "), Err(TextError::Empty));
        assert_eq!(subject("a\nb"), Err(TextError::Character));
    }
}
