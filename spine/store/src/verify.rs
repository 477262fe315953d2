//! Folds the journal again from its first row and names what does not fit.

use crate::journal::{self, Group, GroupHash, movement_bytes};
use crate::{Database, Fault, FaultKind, Reader, registry};
use ledger::{Book, FoldError, Seq, audit};
use vocabulary::Timestamp;

/// What verifying found.
#[derive(Debug)]
pub struct Verified {
    /// What does not fit, the first first; empty when all is well.
    pub findings: Vec<String>,
    /// The newest group: its hash stands for everything before it.
    pub head: Group,
    /// The last movement folded.
    pub last_seq: Seq,
    /// The book that the journal adds up to, as far as it could be folded.
    pub book: Book,
}

/// How far verifying has come, for a progress bar.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifyProgress {
    /// Movements folded so far.
    pub done: u64,
    /// Movements there are.
    pub of: u64,
}

/// Folds the journal from its first row: checks every row's own check, that it fits the rows before
/// it, the hash of every group, and that the sums of the book hold in the end. Reads only; what is
/// appended meanwhile is left out.
///
/// # Errors
///
/// A [`Fault`] when the database fails; damage is a finding, not a fault.
pub fn verify(
    database: &Database,
    mut progress: impl FnMut(VerifyProgress),
) -> Result<Verified, Fault> {
    let mut connection = database.connect()?;
    let head = journal::last_group(&mut connection.reader()?)?;
    let mut verifying = Verifying::start(&mut connection.reader()?)?;
    let of = head.last_seq().get();
    while verifying.last.number < head.number && verifying.findings.is_empty() {
        const AT_ONCE: u32 = 500;
        let mut reader = connection.reader()?;
        let groups = journal::groups_after(&mut reader, verifying.last.number, AT_ONCE)?;
        if groups.is_empty() {
            verifying.findings.push(format!("group {} is missing", verifying.last.number + 1));
        }
        for group in groups {
            if group.number > head.number || !verifying.findings.is_empty() {
                break;
            }
            verifying.group(&mut reader, &group)?;
        }
        progress(VerifyProgress { done: verifying.last.last_seq().get(), of });
    }
    if verifying.findings.is_empty() {
        let rows = journal::count_beyond(&mut connection.reader()?, &head)?;
        // Others may go on appending; rows without a group are what nobody appends.
        if rows > 0 && journal::last_group(&mut connection.reader()?)?.number == head.number {
            verifying.findings.push(format!("{rows} movements stand behind the last group"));
        }
        let found = audit(&verifying.book);
        verifying.findings.extend(found.iter().map(|finding| format!("the book: {finding:?}")));
    }
    let last_seq = Seq::new(verifying.book.next_seq().get().saturating_sub(1));
    Ok(Verified { findings: verifying.findings, head, last_seq, book: verifying.book })
}

struct Verifying {
    book: Book,
    last: Group,
    findings: Vec<String>,
}

impl Verifying {
    fn start(reader: &mut Reader<'_>) -> Result<Self, Fault> {
        let mut book = Book::new();
        for unit in registry::units(reader)? {
            book.set_unit(unit);
        }
        Ok(Self { book, last: Group::NONE, findings: Vec::new() })
    }

    fn group(&mut self, reader: &mut Reader<'_>, group: &Group) -> Result<(), Fault> {
        let expected = self.last.number.saturating_add(1);
        if group.number != expected {
            self.findings.push(format!("group {expected} is missing"));
            return Ok(());
        }
        if group.first_seq != self.last.last_seq().next()
            || group.first_account != self.last.accounts_after()
        {
            self.findings
                .push(format!("group {expected} does not start where the one before ends"));
            return Ok(());
        }
        let mut hash = GroupHash::new(&self.last.hash);
        let mut opened = Vec::new();
        journal::scan_accounts(reader, group.first_account, group.accounts_after(), |_, spec| {
            opened.push(spec);
            Ok(())
        })?;
        if u32::try_from(opened.len()) != Ok(group.accounts) {
            self.findings.push(format!("accounts of group {expected} are missing"));
            return Ok(());
        }
        for spec in opened {
            hash.account(&spec);
            self.book.open_account(spec);
        }
        if !self.movements(reader, group, &mut hash)? {
            return Ok(());
        }
        if hash.seal(group) != group.hash {
            self.findings.push(format!(
                "group {expected} (movements {} to {}) is not as it was sealed",
                group.first_seq,
                group.last_seq()
            ));
        }
        self.last = *group;
        Ok(())
    }

    fn movements(
        &mut self,
        reader: &mut Reader<'_>,
        group: &Group,
        hash: &mut GroupHash,
    ) -> Result<bool, Fault> {
        let mut misfit: Option<(Seq, FoldError)> = None;
        let mut count = 0_u32;
        let last_at: Timestamp = self.book.last_at();
        let (book, end) = (&mut self.book, group.last_seq().next());
        let scanned = journal::scan_movements(reader, group.first_seq, end, |movement| {
            if misfit.is_none() {
                hash.movement(&movement_bytes(movement));
                misfit = book.fold(movement).err().map(|error| (movement.seq, error));
                count = count.saturating_add(1);
            }
            Ok(())
        });
        match scanned {
            Ok(()) => {}
            Err(fault) if fault.kind() == FaultKind::Corrupt => {
                self.findings.push(format!("{fault} (after {last_at})"));
                return Ok(false);
            }
            Err(fault) => return Err(fault),
        }
        if let Some((seq, error)) = misfit {
            self.findings.push(format!("movement {seq} does not fit: {error}"));
            return Ok(false);
        }
        if count != group.movements {
            let missing = Seq::new(group.first_seq.get().saturating_add(u64::from(count)));
            self.findings.push(format!("movement {missing} is missing"));
            return Ok(false);
        }
        Ok(true)
    }
}
