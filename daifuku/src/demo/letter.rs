//! Reads a letter as it travels: headers with encoded words (RFC 2047), a text as base64 or
//! quoted-printable (RFC 2045).

use base64::{Engine as _, engine::general_purpose::STANDARD};

/// A letter that arrived.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReadLetter {
    /// To whom, as the dialogue said.
    pub to: String,
    /// The subject.
    pub subject: String,
    /// The text.
    pub body: String,
    /// All headers as they travelled, unfolded.
    pub headers: Vec<(String, String)>,
}

impl ReadLetter {
    /// Gives a header, empty when there is none.
    pub fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// Reads a letter; what cannot be read stays as it travelled.
pub(super) fn read_letter(to: String, travelled: &[u8]) -> ReadLetter {
    let text = String::from_utf8_lossy(travelled);
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let mut headers: Vec<(String, String)> = Vec::new();
    for line in head.split("\r\n") {
        match (line.split_once(':'), headers.last_mut()) {
            (_, Some((_, value))) if line.starts_with([' ', '\t']) => {
                value.push(' ');
                value.push_str(line.trim());
            }
            (Some((name, value)), _) => headers.push((name.to_owned(), value.trim().to_owned())),
            (None, _) => {}
        }
    }
    let mut letter = ReadLetter { to, headers, ..ReadLetter::default() };
    letter.subject = words(letter.header("subject"));
    let bytes = match letter.header("content-transfer-encoding").to_ascii_lowercase().as_str() {
        "base64" => {
            let packed: String = body.split_whitespace().collect();
            STANDARD.decode(packed).unwrap_or_else(|_| body.as_bytes().to_vec())
        }
        "quoted-printable" => quoted(&body.replace("=\r\n", "")),
        _ => body.as_bytes().to_vec(),
    };
    let body = String::from_utf8_lossy(&bytes).replace("\r\n", "\n");
    body.trim_end().clone_into(&mut letter.body);
    letter
}

/// Reads encoded words; blanks between two of them are none.
fn words(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut after_word = false;
    for part in text.split(' ') {
        let word = encoded_word(part);
        if !(bytes.is_empty() || after_word && word.is_some()) {
            bytes.push(b' ');
        }
        after_word = word.is_some();
        bytes.extend(word.unwrap_or_else(|| part.as_bytes().to_vec()));
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn encoded_word(part: &str) -> Option<Vec<u8>> {
    let inner = part.strip_prefix("=?")?.strip_suffix("?=")?;
    let mut pieces = inner.splitn(3, '?');
    let (charset, form, text) = (pieces.next()?, pieces.next()?, pieces.next()?);
    if !charset.eq_ignore_ascii_case("utf-8") {
        return None;
    }
    match form {
        "b" | "B" => STANDARD.decode(text).ok(),
        "q" | "Q" => Some(quoted(&text.replace('_', " "))),
        _ => None,
    }
}

/// Reads `=E3` as a byte.
fn quoted(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let hex = after.first_chunk::<2>().filter(|_| first == b'=').and_then(|pair| {
            let digit = |byte: u8| char::from(byte).to_digit(16);
            let [high, low] = *pair;
            u8::try_from((digit(high)? << 4) | digit(low)?).ok()
        });
        bytes.push(hex.unwrap_or(first));
        rest = if hex.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    bytes
}

#[cfg(test)]
mod tests {
    use super::read_letter;

    #[test]
    fn what_travels_is_read() {
        let travelled = b"Subject: =?utf-8?b?56K66KqN?= =?utf-8?b?44Kz44O844OJ?= 123\r\n 456\r\n\
                     Content-Transfer-Encoding: quoted-printable\r\n\r\n=E7=A2=BA=\r\n=E8=AA=8D =3D\r\n";
        let letter = read_letter("a@example.jp".to_owned(), travelled);
        assert_eq!(letter.subject, "確認コード 123 456");
        assert_eq!(letter.body, "確認 =");
    }
}
