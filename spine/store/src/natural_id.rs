use sha2::{Digest as _, Sha256};

use vocabulary::Id;

/// Makes the id that follows from a natural key: the same parts, the same id, for ever. So a
/// command that is decided again after a crash, or a message that comes again, meets what it did
/// before.
///
/// `domain` names what the parts are (`site.conversion.grant`); two domains never meet.
pub fn natural_id<K>(domain: &str, parts: &[&[u8]]) -> Id<K> {
    let mut hash = Sha256::new();
    for part in core::iter::once(domain.as_bytes()).chain(parts.iter().copied()) {
        hash.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        hash.update(part);
    }
    let digest: [u8; 32] = hash.finalize().into();
    let mut bytes = [0; 16];
    for (place, byte) in bytes.iter_mut().zip(digest) {
        *place = byte;
    }
    Id::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use vocabulary::kind;

    use super::*;

    #[test]
    fn parts_do_not_run_together() {
        let one: Id<kind::Batch> = natural_id("x", &[b"ab", b"c"]);
        assert_ne!(one, natural_id("x", &[b"a", b"bc"]));
        assert_ne!(one, natural_id("y", &[b"ab", b"c"]));
        assert_eq!(one, natural_id("x", &[b"ab", b"c"]));
    }
}
