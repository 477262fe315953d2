use core::fmt::Write as _;

use serde::Serialize;

use super::state::Line;
use super::store::{self as read, Mark, Opened, Told};
use crate::Wallet;
use crate::wallet::member_of;
use crate::wording::Wording;
use access::{Authenticated, Need};
use answers::file;
use store::Fault;
use vocabulary::{CompanyNumber, Id, Timestamp, UnitCode, kind};
use web::{Caller, Class, Problem, Response, Routes, State, View, get};

/// Lines that are read at once.
const SLICE: usize = 500;

/// The passbook as a file.
pub(crate) fn file_routes() -> Routes<Wallet> {
    let file = get("/passbook.csv", Need::MemberSelf.code()).class(Class::Bulk);
    Routes::of("wallet").on(file, passbook_file)
}

/// A line of the passbook as it stands in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PrintedLine {
    /// When.
    pub at: Timestamp,
    /// The same to the minute, where the unit is at home.
    #[serde(skip)]
    pub minute: String,
    /// What it was about, in the reader's language.
    pub what: String,
    /// What kind of line it is, in the reader's language.
    pub kind: String,
    /// In which unit the figures are.
    pub unit: UnitCode,
    /// What the balance changed by.
    pub change: String,
    /// What the reserved amount changed by.
    pub reserved: String,
    /// What the announced amount changed by.
    pub announced: String,
    /// The balance after it.
    pub balance: String,
}

/// Reads a member's lines in all units from the newest to the oldest, one slice after the other.
#[derive(Debug)]
pub struct LineReader {
    wallet: Wallet,
    view: View,
    /// The accounts that are still to be read, the next one last.
    accounts: Vec<Opened>,
    after: Option<Mark>,
}

impl LineReader {
    /// Begins with the newest line; what comes in later is not read.
    pub fn of(
        wallet: &Wallet,
        company: CompanyNumber,
        member: Id<kind::Member>,
        view: View,
    ) -> Self {
        let mut accounts = read::accounts(&wallet.store, company, member);
        accounts.reverse();
        Self { wallet: wallet.clone(), view, accounts, after: None }
    }

    /// Gives the next lines, some hundreds at most; `None` after the last one.
    ///
    /// # Errors
    ///
    /// A [`Fault`] when the database fails.
    pub fn next_lines(&mut self) -> Result<Option<Vec<PrintedLine>>, Fault> {
        let Some(opened) = self.accounts.last() else { return Ok(None) };
        let sheet = read::sheet(&self.wallet.store, opened, self.after, SLICE)?;
        let told = read::tell(&self.wallet, &sheet.lines, self.view.language())?;
        let wording = Wording { words: self.view.words(), unit: &opened.unit };
        let lines = sheet.lines.iter().zip(&told).map(|(line, told)| print(&wording, line, told));
        let lines = lines.collect();
        self.after = sheet.next;
        if sheet.next.is_none() {
            self.accounts.pop();
        }
        Ok(Some(lines))
    }
}

fn print(wording: &Wording<'_>, line: &Line, told: &Told) -> PrintedLine {
    let figure = |minor_units| wording.unit.scale.format(minor_units);
    PrintedLine {
        at: line.at,
        minute: wording.unit.policy.zone.format_minute(line.at),
        what: wording.title(line, told),
        kind: wording.kind(line),
        unit: wording.unit.code,
        change: figure(line.change),
        reserved: figure(line.reserved),
        announced: figure(line.expected),
        balance: line.balance.map(figure).unwrap_or_default(),
    }
}

/// The passbook as a table for a spreadsheet: UTF-8 with the mark by which Excel knows it.
async fn passbook_file(
    State(wallet): State<Wallet>,
    Caller(who): Caller<Authenticated>,
    view: View,
) -> Result<Response, Problem> {
    let member = member_of(&who)?;
    let company = who.company();
    let heading = view.words().get("wallet-file-heading").into_owned();
    let reader = move |wallet: &Wallet| Ok(LineReader::of(wallet, company, member, view));
    let mut lines = wallet.read(reader).await?;
    let mut heading = Some(format!("\u{feff}{heading}\r\n"));
    let next = move || {
        if let Some(heading) = heading.take() {
            return Ok(Some(heading.into_bytes()));
        }
        let lines = lines.next_lines()?;
        Ok(lines.map(|lines| lines.iter().fold(String::new(), table_row).into_bytes()))
    };
    Ok(file("passbook.csv", "text/csv; charset=utf-8", next))
}

fn table_row(mut text: String, line: &PrintedLine) -> String {
    let (what, kind) = (quote(&line.what), quote(&line.kind));
    let PrintedLine { minute, unit, change, reserved, announced, balance, .. } = line;
    let _infallible =
        write!(text, "{minute},{what},{kind},{unit},{change},{balance},{announced},{reserved}\r\n");
    text
}

/// Writes a cell so that no program reads more than one cell, or a formula, out of it (RFC 4180).
fn quote(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    format!("\"{}{}\"", if formula { "'" } else { "" }, cell.replace('"', "\"\""))
}
