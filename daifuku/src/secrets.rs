//! The installation's secret key, in a file of its own, and the keys that follow from it.

use core::fmt::{self, Write as _};
use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _},
    path::Path,
};

use anyhow::{Context as _, ensure};
use sha2::{Digest as _, Sha256};

use vocabulary::IdSource;

/// The root of all keys of the installation; all nodes have the same file. Never shown by `Debug`.
///
/// Whoever loses it has everybody sign in again and set up their authenticators again.
#[derive(Clone)]
pub struct Secrets([u8; 32]);

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(…)")
    }
}

impl Secrets {
    /// Takes 32 bytes nobody can guess.
    pub const fn new(root: [u8; 32]) -> Self {
        Self(root)
    }

    /// Reads the file, or makes it with a new key, readable by its owner alone.
    ///
    /// # Errors
    ///
    /// When it cannot be read or made, others may read it, or it is not 64 hexadecimal digits.
    pub fn open(path: &Path, chance: &mut dyn IdSource) -> anyhow::Result<Self> {
        match Self::read(path) {
            Err(error) if is_missing(&error) => Self::make(path, chance),
            read => read,
        }
        .with_context(|| format!("open secrets file {}", path.display()))
    }

    /// Reads the file.
    ///
    /// # Errors
    ///
    /// As [`Secrets::open`], and when it is not there.
    pub fn read(path: &Path) -> anyhow::Result<Self> {
        let mut file = File::open(path)?;
        let mode = file.metadata()?.permissions().mode();
        ensure!(mode.trailing_zeros() >= 6, "others may read it; run chmod 600 {}", path.display());
        let mut text = String::new();
        file.read_to_string(&mut text)?;
        parse(text.trim()).context("it is not 64 hexadecimal digits")
    }

    fn make(path: &Path, chance: &mut dyn IdSource) -> anyhow::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut hash = Sha256::new();
        for _ in 0..4 {
            hash.update(chance.chance().to_be_bytes());
        }
        let root: [u8; 32] = hash.finalize().into();
        let mut text = String::with_capacity(65);
        for byte in root {
            write!(text, "{byte:02x}")?;
        }
        text.push('\n');
        // `create_new`: of two processes that start at once, one makes it and the other fails.
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        Ok(Self(root))
    }

    /// Gives the key for one purpose; the same purpose always has the same key.
    pub fn key(&self, purpose: &str) -> [u8; 32] {
        let mut hash = Sha256::new();
        hash.update(b"daifuku key\0");
        hash.update(self.0);
        hash.update(purpose);
        hash.finalize().into()
    }
}

fn is_missing(error: &anyhow::Error) -> bool {
    let error = error.downcast_ref::<io::Error>();
    error.is_some_and(|error| error.kind() == io::ErrorKind::NotFound)
}

fn parse(text: &str) -> Option<Secrets> {
    let digits: Option<Vec<u8>> = text
        .chars()
        .map(|digit| digit.to_digit(16).and_then(|digit| u8::try_from(digit).ok()))
        .collect();
    let digits = digits.filter(|digits| digits.len() == 64)?;
    let mut root = [0; 32];
    for (byte, pair) in root.iter_mut().zip(digits.chunks(2)) {
        *byte = pair.iter().fold(0, |byte, digit| (byte << 4) | digit);
    }
    Some(Secrets(root))
}

#[cfg(test)]
mod tests {
    use vocabulary::SeededIds;

    use super::*;

    #[test]
    fn the_file_is_made_once_and_for_its_owner_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("below/secrets");
        let made = Secrets::open(&path, &mut SeededIds::new(1)).unwrap();
        let read = Secrets::open(&path, &mut SeededIds::new(2)).unwrap();
        assert_eq!(made.0, read.0);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(made.key("form"), read.key("form"));
        assert_ne!(made.key("form"), made.key("totp"));
        assert_ne!(made.key("form"), made.0);
        assert_eq!(format!("{made:?}"), "Secrets(…)");
    }

    #[test]
    fn a_file_that_others_may_read_or_that_is_cut_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secrets");
        Secrets::open(&path, &mut SeededIds::new(1)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = Secrets::open(&path, &mut SeededIds::new(1)).unwrap_err();
        assert!(format!("{error:#}").contains("chmod 600"), "{error:#}");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        fs::write(&path, "0123\n").unwrap();
        let error = Secrets::open(&path, &mut SeededIds::new(1)).unwrap_err();
        assert!(format!("{error:#}").ends_with("64 hexadecimal digits"), "{error:#}");
    }
}
