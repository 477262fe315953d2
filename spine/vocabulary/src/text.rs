use core::fmt;

use serde::{Deserialize, Serialize};

/// A text that does not keep to its bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// Nothing but white space.
    #[error("this must not be empty")]
    Empty,
    /// More characters than the bound.
    #[error("this must have at most {max} characters")]
    TooLong {
        /// The most characters allowed.
        max: usize,
    },
    /// A control character, or one outside the set allowed here.
    #[error("this contains a character that is not allowed here")]
    Character,
    /// No mail address: one `@` between a name and a host.
    #[error("this is not a mail address")]
    NotMail,
}

macro_rules! text {
    ($(#[$doc:meta])* $name:ident, $max:literal, $allowed:expr) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            /// The most characters.
            pub const MAX: usize = $max;

            /// Reads a text, trimmed of white space at both ends.
            ///
            /// # Errors
            ///
            /// [`TextError`] when it is empty, too long or has a character that is not allowed.
            pub fn parse(text: &str) -> Result<Self, TextError> {
                let text = text.trim();
                if text.is_empty() {
                    return Err(TextError::Empty);
                }
                if text.chars().count() > Self::MAX {
                    return Err(TextError::TooLong { max: Self::MAX });
                }
                let allowed: fn(char) -> bool = $allowed;
                if !text.chars().all(allowed) {
                    return Err(TextError::Character);
                }
                Ok(Self(text.to_owned()))
            }

            /// Gives the text.
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl TryFrom<String> for $name {
            type Error = TextError;
            fn try_from(text: String) -> Result<Self, TextError> {
                Self::parse(&text)
            }
        }

        impl From<$name> for String {
            fn from(text: $name) -> String {
                text.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

text! {
    /// A name or line people read: 1 to 120 characters, no control characters.
    Label, 120, |character| !character.is_control()
}

text! {
    /// A reference of another system (order number, conversion id): 1 to 120 visible ASCII
    /// characters.
    Reference, 120, |character| character.is_ascii_graphic() || character == ' '
}

text! {
    /// A short name for machines (codes, slugs): 1 to 64 of `a-z`, `0-9`, `-`, `_`, `.`.
    Token, 64, |character| {
        character.is_ascii_lowercase() || character.is_ascii_digit() || "-_.".contains(character)
    }
}

/// A mail address, kept in lower case; at most 254 characters (RFC 5321).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Email(String);

impl Email {
    /// The most characters.
    pub const MAX: usize = 254;

    /// Reads an address: one `@`, a name before it, a host with a dot after it, no white space.
    ///
    /// Whether mail arrives there only a message can tell.
    ///
    /// # Errors
    ///
    /// [`TextError`] when it is empty, too long or no address.
    pub fn parse(text: &str) -> Result<Self, TextError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(TextError::Empty);
        }
        if text.len() > Self::MAX {
            return Err(TextError::TooLong { max: Self::MAX });
        }
        let (name, host) = text.rsplit_once('@').ok_or(TextError::NotMail)?;
        let shape = !name.is_empty()
            && name.len() <= 64
            && !name.contains('@')
            && host.contains('.')
            && host.split('.').all(|part| !part.is_empty())
            && text.chars().all(|c| c.is_ascii_graphic());
        if !shape {
            return Err(TextError::NotMail);
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Gives the address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Email {
    type Error = TextError;
    fn try_from(text: String) -> Result<Self, TextError> {
        Self::parse(&text)
    }
}

impl From<Email> for String {
    fn from(email: Email) -> String {
        email.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_keep_their_bounds() {
        assert_eq!(Label::parse("  福 袋 ").unwrap().as_str(), "福 袋");
        assert_eq!(Label::parse(" \t"), Err(TextError::Empty));
        assert_eq!(Label::parse("a\u{7}b"), Err(TextError::Character));
        assert_eq!(Label::parse(&"あ".repeat(121)), Err(TextError::TooLong { max: 120 }));
        assert_eq!(Reference::parse("R-553021").unwrap().as_str(), "R-553021");
        assert_eq!(Reference::parse("注文"), Err(TextError::Character));
        assert_eq!(Token::parse("Upper"), Err(TextError::Character));
    }

    #[test]
    fn a_mail_address_has_one_at_and_a_host() {
        assert_eq!(Email::parse("Hana@Example.JP").unwrap().as_str(), "hana@example.jp");
        for bad in
            ["hana", "@example.jp", "hana@", "hana@jp", "a b@example.jp", "a@b@c.jp", "a@b..jp"]
        {
            assert_eq!(Email::parse(bad), Err(TextError::NotMail), "{bad}");
        }
    }
}
