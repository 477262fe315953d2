//! A folder of lines that must not be lost: appended, synced in groups, taken away when they are
//! safe elsewhere. One thread owns the open file; whoever waits shares its syncs.

use core::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;

/// The file that is appended to.
const CURRENT: &str = "current.spool";
/// The ending of files that are complete.
const FULL: &str = "full";

/// Called once, when the line is on the disk or is not.
type Reply = Box<dyn FnOnce(io::Result<()>) + Send>;

/// Why a spool does not work.
#[derive(Debug, thiserror::Error)]
pub enum SpoolError {
    /// The folder or a file in it failed.
    #[error("use the folder of the spool")]
    Folder(#[from] io::Error),
}

/// A spool in a folder of its own.
pub(crate) struct Spool {
    folder: PathBuf,
    asks: Option<Sender<Ask>>,
    thread: Option<JoinHandle<()>>,
}

enum Ask {
    Append(String, Reply),
    Rotate(Reply),
}

impl fmt::Debug for Spool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spool").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Drop for Spool {
    fn drop(&mut self) {
        drop(self.asks.take());
        if let Some(thread) = self.thread.take() {
            // A panic there was reported by the panic hook.
            drop(thread.join());
        }
    }
}

impl Spool {
    /// Opens the folder, making it when it is not there.
    pub(crate) fn open(folder: &Path) -> Result<Self, SpoolError> {
        fs::create_dir_all(folder)?;
        let (asks, receiver) = channel();
        let mut desk = Desk { folder: folder.to_owned(), file: None };
        // A line that was being written in a crash must not run into the next one.
        desk.rotate()?;
        let thread = std::thread::Builder::new().name("spool".to_owned());
        let thread = thread.spawn(move || desk.work(&receiver))?;
        Ok(Self { folder: folder.to_owned(), asks: Some(asks), thread: Some(thread) })
    }

    /// Appends a line; the reply comes when it is on the disk.
    pub(crate) fn append(&self, line: String, reply: Reply) {
        self.ask(Ask::Append(line, reply));
    }

    /// Gives the complete files, the oldest first; what is written from now on goes into another.
    pub(crate) fn complete(&self) -> Result<Vec<PathBuf>, SpoolError> {
        let (sender, receiver) = channel();
        self.ask(Ask::Rotate(Box::new(move |done| drop(sender.send(done)))));
        receiver.recv().unwrap_or_else(|_gone| Err(stopped()))?;
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|ending| ending == FULL) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    fn ask(&self, ask: Ask) {
        let sent = self.asks.as_ref().map(|asks| asks.send(ask));
        if let Some(Err(turned_away)) = sent {
            match turned_away.0 {
                Ask::Append(_, reply) | Ask::Rotate(reply) => reply(Err(stopped())),
            }
        }
    }
}

fn stopped() -> io::Error {
    io::Error::other("the spool has stopped")
}

/// Reads the lines of a complete file; one that was cut off was never answered and is left out.
pub(crate) fn read_lines(path: &Path) -> Result<Vec<String>, SpoolError> {
    let bytes = fs::read(path)?;
    let text = String::from_utf8_lossy(&bytes);
    let whole = text.rsplit_once('\n').map_or("", |(whole, _cut_off)| whole);
    Ok(whole.lines().map(str::to_owned).collect())
}

/// Takes a file away whose lines are safe elsewhere.
pub(crate) fn remove(path: &Path) -> Result<(), SpoolError> {
    fs::remove_file(path)?;
    Ok(())
}

struct Desk {
    folder: PathBuf,
    file: Option<File>,
}

impl Desk {
    fn work(mut self, asks: &Receiver<Ask>) {
        while let Ok(first) = asks.recv() {
            let mut lines = String::new();
            let mut waiting = Vec::new();
            let mut rotations = Vec::new();
            // All that has come meanwhile shares one sync.
            for ask in core::iter::once(first).chain(asks.try_iter().take(10_000)) {
                match ask {
                    Ask::Append(line, reply) => {
                        lines.push_str(&line);
                        lines.push('\n');
                        waiting.push(reply);
                    }
                    Ask::Rotate(reply) => rotations.push(reply),
                }
            }
            answer(waiting, || self.append(&lines));
            answer(rotations, || self.rotate());
        }
    }

    fn append(&mut self, lines: &str) -> io::Result<()> {
        let written = self.write(lines);
        if written.is_err() {
            // Half a line may be there: the next one begins another file.
            drop(self.rotate());
        }
        written
    }

    fn write(&mut self, lines: &str) -> io::Result<()> {
        if self.file.is_none() {
            let path = self.folder.join(CURRENT);
            self.file = Some(OpenOptions::new().create(true).append(true).open(path)?);
            // The name of a new file is on the disk only when its folder is.
            File::open(&self.folder)?.sync_all()?;
        }
        let Some(file) = &mut self.file else { return Err(stopped()) };
        file.write_all(lines.as_bytes())?;
        file.sync_data()
    }

    fn rotate(&mut self) -> io::Result<()> {
        self.file = None;
        let current = self.folder.join(CURRENT);
        if !current.exists() {
            return Ok(());
        }
        let mut number = 1_u32;
        let path = |number: u32| self.folder.join(format!("{number:010}.{FULL}"));
        while path(number).exists() {
            number = number.saturating_add(1);
        }
        fs::rename(current, path(number))?;
        File::open(&self.folder)?.sync_all()
    }
}

fn answer(replies: Vec<Reply>, work: impl FnOnce() -> io::Result<()>) {
    if replies.is_empty() {
        return;
    }
    let done = work();
    for reply in replies {
        reply(match &done {
            Ok(()) => Ok(()),
            Err(error) => Err(io::Error::new(error.kind(), error.to_string())),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn append(spool: &Spool, line: &str) -> io::Result<()> {
        let (sender, receiver) = channel();
        spool.append(line.to_owned(), Box::new(move |done| drop(sender.send(done))));
        receiver.recv().unwrap()
    }

    #[test]
    fn lines_come_back_in_order_also_after_a_crash_in_the_middle_of_one() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        for line in ["one", "two"] {
            append(&spool, line).unwrap();
        }
        let files = spool.complete().unwrap();
        assert_eq!(read_lines(&files[0]).unwrap(), ["one", "two"]);
        append(&spool, "three").unwrap();
        drop(spool);
        let path = folder.path().join(CURRENT);
        let mut file = OpenOptions::new().append(true).open(path).unwrap();
        file.write_all(b"fou").unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        append(&spool, "five").unwrap();
        let files = spool.complete().unwrap();
        let lines: Vec<Vec<String>> = files.iter().map(|path| read_lines(path).unwrap()).collect();
        assert_eq!(lines, [vec!["one", "two"], vec!["three"], vec!["five"]]);
        for path in files {
            remove(&path).unwrap();
        }
        assert_eq!(spool.complete().unwrap(), Vec::<PathBuf>::new());
    }

    #[test]
    fn a_folder_that_cannot_be_is_said_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("file");
        fs::write(&file, "x").unwrap();
        assert!(Spool::open(&file).is_err(), "a file is no folder");
    }
}
