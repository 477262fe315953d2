//! As much of CBOR (RFC 8949) as authenticators speak: numbers, bytes, texts, lists and maps of
//! known length, and no tags, floats or streams.

/// How deep values may be nested; a certificate chain beside a signature has three.
const DEPTH_MAX: u32 = 8;

/// One value; bytes and texts are lent from what is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value<'a> {
    Number(i64),
    Bytes(&'a [u8]),
    Text(&'a str),
    List(Vec<Value<'a>>),
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// `true`, `false`, `null`: nothing that we look at.
    Simple,
}

impl<'a> Value<'a> {
    /// Reads one value and gives what follows it; `None` when it is none.
    pub(super) fn read(bytes: &'a [u8]) -> Option<(Self, &'a [u8])> {
        Self::read_at(bytes, 0)
    }

    fn read_at(bytes: &'a [u8], depth: u32) -> Option<(Self, &'a [u8])> {
        if depth > DEPTH_MAX {
            return None;
        }
        let (&first, rest) = bytes.split_first()?;
        let (argument, mut rest) = argument(first & 0x1F, rest)?;
        let value = match first >> 5 {
            0 => Self::Number(i64::try_from(argument).ok()?),
            1 => Self::Number((-1_i64).checked_sub(i64::try_from(argument).ok()?)?),
            2 => {
                let (taken, after) = rest.split_at_checked(usize::try_from(argument).ok()?)?;
                rest = after;
                Self::Bytes(taken)
            }
            3 => {
                let (taken, after) = rest.split_at_checked(usize::try_from(argument).ok()?)?;
                rest = after;
                Self::Text(core::str::from_utf8(taken).ok()?)
            }
            4 => {
                let mut list = Vec::new();
                for _ in 0..argument {
                    let (value, after) = Self::read_at(rest, depth.saturating_add(1))?;
                    rest = after;
                    list.push(value);
                }
                Self::List(list)
            }
            5 => {
                let mut map = Vec::new();
                for _ in 0..argument {
                    let (key, after) = Self::read_at(rest, depth.saturating_add(1))?;
                    let (value, after) = Self::read_at(after, depth.saturating_add(1))?;
                    rest = after;
                    map.push((key, value));
                }
                Self::Map(map)
            }
            7 if (20..=22).contains(&argument) => Self::Simple,
            _ => return None,
        };
        Some((value, rest))
    }

    /// Finds what a map has under a key.
    pub(super) fn get(&self, key: &Self) -> Option<&Self> {
        match self {
            Self::Map(map) => map.iter().find(|(found, _)| found == key).map(|(_, value)| value),
            Self::Number(_) | Self::Bytes(_) | Self::Text(_) | Self::List(_) | Self::Simple => None,
        }
    }

    pub(super) const fn bytes(&self) -> Option<&'a [u8]> {
        match self {
            Self::Bytes(bytes) => Some(bytes),
            Self::Number(_) | Self::Text(_) | Self::List(_) | Self::Map(_) | Self::Simple => None,
        }
    }

    pub(super) const fn number(&self) -> Option<i64> {
        match self {
            Self::Number(number) => Some(*number),
            Self::Bytes(_) | Self::Text(_) | Self::List(_) | Self::Map(_) | Self::Simple => None,
        }
    }
}

/// Reads the number that follows a value's first byte, or is in it.
fn argument(short: u8, rest: &[u8]) -> Option<(u64, &[u8])> {
    let length = match short {
        0..=23 => return Some((u64::from(short), rest)),
        24 => 1,
        25 => 2,
        26 => 4,
        27 => 8,
        _ => return None,
    };
    let (bytes, rest) = rest.split_at_checked(length)?;
    Some((bytes.iter().fold(0, |number, byte| (number << 8) | u64::from(*byte)), rest))
}

#[cfg(test)]
mod tests {
    use super::Value;

    #[test]
    fn the_examples_of_the_standard_are_read() {
        // RFC 8949, appendix A.
        let table: [(&[u8], Value<'_>); 9] = [
            (&[0x00], Value::Number(0)),
            (&[0x17], Value::Number(23)),
            (&[0x18, 0x64], Value::Number(100)),
            (&[0x1a, 0x00, 0x0f, 0x42, 0x40], Value::Number(1_000_000)),
            (&[0x39, 0x03, 0xe7], Value::Number(-1000)),
            (&[0x44, 1, 2, 3, 4], Value::Bytes(&[1, 2, 3, 4])),
            (&[0x64, 0x49, 0x45, 0x54, 0x46], Value::Text("IETF")),
            (&[0x82, 0x01, 0xf5], Value::List(vec![Value::Number(1), Value::Simple])),
            (
                &[0xa2, 0x01, 0x02, 0x03, 0x04],
                Value::Map(vec![
                    (Value::Number(1), Value::Number(2)),
                    (Value::Number(3), Value::Number(4)),
                ]),
            ),
        ];
        for (bytes, expected) in table {
            assert_eq!(Value::read(bytes), Some((expected, &[][..])), "{bytes:02x?}");
        }
    }

    #[test]
    fn what_is_cut_or_too_deep_or_unknown_is_none() {
        let deep = [0x81; 100];
        let cut: [&[u8]; 6] = [&[], &[0x18], &[0x44, 1, 2], &[0xa1, 0x01], &[0x5f], &[0xc0, 0x00]];
        for bytes in cut.into_iter().chain([&deep[..]]) {
            assert_eq!(Value::read(bytes), None, "{bytes:02x?}");
        }
        // A list that says it has 2⁶⁴ - 1 values takes no memory for them.
        assert_eq!(Value::read(&[0x9b, 255, 255, 255, 255, 255, 255, 255, 255, 1]), None);
    }
}
