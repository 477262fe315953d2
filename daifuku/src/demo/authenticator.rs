//! A phone with an authenticator app (RFC 6238), as the people of the demo have one.

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha1::Sha1;

use vocabulary::Timestamp;

/// Computes the six digits that an app shows at a moment, for a secret in base 32; `None` when the
/// secret is none.
pub fn code(secret: &str, now: Timestamp) -> Option<String> {
    let step = u64::try_from(now.as_seconds().div_euclid(30)).ok()?;
    let mut mac = Hmac::<Sha1>::new_from_slice(&from_base32(secret)?).ok()?;
    mac.update(&step.to_be_bytes());
    let bytes: [u8; 20] = mac.finalize().into_bytes().into();
    let start = bytes.last().map_or(0, |last| usize::from(last & 15));
    let word =
        bytes.iter().skip(start).take(4).fold(0, |word, byte| (word << 8) | u32::from(*byte));
    Some(format!("{:06}", (word & 0x7fff_ffff) % 1_000_000))
}

/// Reads base 32 whose length is a multiple of eight.
fn from_base32(text: &str) -> Option<Vec<u8>> {
    let digits: Option<Vec<u64>> = text
        .bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' => Some(u64::from(byte.wrapping_sub(b'A'))),
            b'2'..=b'7' => Some(u64::from(byte.wrapping_sub(b'2').wrapping_add(26))),
            _ => None,
        })
        .collect();
    let mut bytes = Vec::new();
    for eight in digits?.chunks(8) {
        let bits = eight.iter().fold(0, |bits, digit| (bits << 5) | digit);
        bytes.extend(bits.to_be_bytes().into_iter().skip(3));
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_of_rfc_6238() {
        // Appendix B has eight digits; an app shows the last six.
        for (seconds, expected) in [(59, "287082"), (1_111_111_109, "081804")] {
            let now = Timestamp::from_microseconds(seconds * 1_000_000);
            let found = code("GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ", now);
            assert_eq!(found.as_deref(), Some(expected), "at {seconds}");
        }
        assert_eq!(code("no base 32!", Timestamp::default()), None);
    }
}
