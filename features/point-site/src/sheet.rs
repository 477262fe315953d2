//! A network's monthly file of decisions, as Japanese advertisers mail it: CP932 or UTF-8,
//! full-width digits, one or two lines of headings, a total at the end. Reading is a pure function
//! of the bytes.

use std::collections::BTreeMap;

use encoding_rs::SHIFT_JIS;

use crate::click::parse_reference;
use crate::conversion::{Authority, ConversionKey, Source, Status, Told};
use vocabulary::{Id, Label, Reference, Timestamp, Zone, kind};

/// The heading must stand within so many rows.
const HEADING_ROWS_MAX: usize = 5;

macro_rules! columns {
    ($($(#[$doc:meta])* $name:ident = $code:literal [$($heading:literal)*];)*) => {
        /// A column of the file.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum SheetColumn {
            $($(#[$doc])* $name,)*
        }

        impl SheetColumn {
            /// Every column.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as stored and as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }

            const fn headings(self) -> &'static [&'static str] {
                match self { $(Self::$name => &[$($heading),*],)* }
            }
        }
    };
}

columns! {
    /// The network's own id of the conversion.
    External = "external" ["成果ID" "成果番号" "conversion_id"];
    /// When the member acted.
    OccurredAt = "occurred_at" ["発生日時" "成果発生日時" "occurred_at"];
    /// The shop's order number.
    Order = "order" ["注文番号" "order_id"];
    /// What we gave the network at the click.
    Click = "click" ["会員識別" "会員識別子" "pbid"];
    /// What was sold.
    Sale = "sale" ["売上金額" "price"];
    /// What the network pays.
    Commission = "commission" ["報酬金額" "報酬額" "reward"];
    /// What became of it.
    Status = "status" ["ステータス" "承認状態" "status"];
    /// Why it was rejected.
    Reason = "reason" ["否認理由" "備考" "reason"];
}

impl SheetColumn {
    /// Finds a column by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|column| column.code() == code)
    }
}

macro_rules! row_problems {
    ($($(#[$doc:meta])* $name:ident = $code:literal;)*) => {
        /// What is wrong with a row; the texts say what to do about each.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum RowProblem {
            $($(#[$doc])* $name,)*
        }

        impl RowProblem {
            /// Every problem.
            pub const ALL: &'static [Self] = &[$(Self::$name),*];

            /// Gives the stable code, as stored and as key of the texts.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)* }
            }
        }
    };
}

row_problems! {
    /// A needed cell is empty.
    Empty = "empty";
    /// The text is no id: 1 to 120 letters and digits.
    NotReference = "not_reference";
    /// The text is no time.
    NotTime = "not_time";
    /// The text is no whole amount.
    NotAmount = "not_amount";
    /// The amount is below zero.
    Negative = "negative";
    /// The word for the status is not known.
    StatusUnknown = "status_unknown";
    /// A character is in neither encoding.
    Garbled = "garbled";
    /// The same id stands in the file before, with other contents.
    Contradicts = "contradicts";
    /// The total at the end is not the sum of the rows.
    TotalDiffers = "total_differs";
}

impl RowProblem {
    /// Finds a problem by its code.
    pub fn parse(code: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|problem| problem.code() == code)
    }
}

/// A row that cannot be taken: where, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowError {
    /// The line of the file at which the row begins, from 1.
    pub line: u32,
    /// The column.
    pub column: SheetColumn,
    /// What is wrong with it.
    pub problem: RowProblem,
}

/// A row of decisions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SheetRow {
    /// The line of the file at which it begins, from 1.
    pub line: u32,
    /// The network's own id.
    pub external: Reference,
    /// When the member acted.
    pub occurred_at: Timestamp,
    /// The shop's order number.
    pub order: Option<Reference>,
    /// The click; `None` when the text is none of ours.
    pub click: Option<Id<kind::Click>>,
    /// What was sold.
    pub sale: i64,
    /// What the network pays.
    pub commission: i64,
    /// What became of it.
    pub status: Status,
    /// Why it was rejected.
    pub reason: Option<Label>,
}

impl SheetRow {
    /// Gives the row as a statement that decides.
    pub fn told(
        &self,
        network: &vocabulary::Token,
        account: &vocabulary::Token,
        report: Id<kind::Report>,
    ) -> Told {
        Told {
            key: ConversionKey {
                network: network.clone(),
                account: account.clone(),
                external: self.external.clone(),
            },
            entry: None,
            click: self.click,
            order: self.order.clone(),
            item: None,
            occurred_at: self.occurred_at,
            sale: self.sale,
            commission: self.commission,
            currency: None,
            status: Some(self.status),
            reason: self.reason.clone(),
            test: false,
            authority: Authority::Decides,
            source: Source::Report(report),
        }
    }
}

/// A file that was read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    /// The rows that can be taken, in order.
    pub rows: Vec<SheetRow>,
    /// What is wrong with the rows that cannot, in order; a row may have several.
    pub errors: Vec<RowError>,
}

impl Sheet {
    /// Counts the rows that cannot be taken.
    pub fn wrong_rows(&self) -> usize {
        self.errors.chunk_by(|one, next| one.line == next.line).count()
    }
}

/// A file that is no report at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SheetError {
    /// Nothing is in it.
    #[error("the file is empty")]
    Empty,
    /// None of the first rows has the headings.
    #[error("no row with the headings was found, or one is missing")]
    HeadingMissing,
}

/// Reads a file. Times are local in `zone`.
///
/// # Errors
///
/// [`SheetError`] when the file as a whole is no report; a row that is wrong is in
/// [`Sheet::errors`].
pub fn read_sheet(bytes: &[u8], zone: Zone) -> Result<Sheet, SheetError> {
    let text = decode(bytes);
    if text.trim().is_empty() {
        return Err(SheetError::Empty);
    }
    let mut reader =
        csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    let mut heading: Option<Heading> = None;
    let mut reading = Reading { zone, ..Reading::default() };
    let mut lines = LineCount::new(&text);
    let mut seen = 0_usize;
    // Nothing fails here: the text is UTF-8 and rows may have any number of cells.
    while reader.read_record(&mut record).unwrap_or(false) {
        let line = lines.at(record.position().map_or(0, csv::Position::byte));
        seen = seen.saturating_add(1);
        match &heading {
            None if seen > HEADING_ROWS_MAX => return Err(SheetError::HeadingMissing),
            None => heading = Heading::find(&record),
            // Some networks repeat the headings in another language.
            Some(_) if Heading::find(&record).is_some() => {}
            Some(heading) => reading.take(&Cells { record: &record, heading, line }),
        }
    }
    if heading.is_none() {
        return Err(SheetError::HeadingMissing);
    }
    Ok(reading.sheet)
}

/// Counts lines on the way through a text. The reader's own count is one behind after CR LF.
pub(crate) struct LineCount<'a> {
    rest: &'a [u8],
    byte: u64,
    line: u32,
}

impl<'a> LineCount<'a> {
    /// Starts at the first line of a text.
    pub(crate) const fn new(text: &'a str) -> Self {
        Self { rest: text.as_bytes(), byte: 0, line: 1 }
    }

    /// Gives the line of the first character at or after `byte` that is no line end.
    pub(crate) fn at(&mut self, byte: u64) -> u32 {
        while let Some((first, rest)) = self.rest.split_first() {
            if self.byte >= byte && !matches!(first, b'\r' | b'\n') {
                break;
            }
            self.line = self.line.saturating_add(u32::from(*first == b'\n'));
            (self.rest, self.byte) = (rest, self.byte.saturating_add(1));
        }
        self.line
    }
}

/// Takes UTF-8 with or without a mark at the start; anything else is CP932.
pub(crate) fn decode(bytes: &[u8]) -> std::borrow::Cow<'_, str> {
    let bare = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    match core::str::from_utf8(bare) {
        Ok(text) => text.into(),
        Err(_other) => SHIFT_JIS.decode_without_bom_handling(bare).0,
    }
}

/// Makes full-width letters, digits, marks and blanks narrow; other characters stay.
pub(crate) fn narrow(text: &str) -> String {
    text.chars()
        .map(|character| match character {
            '！'..='～' => u32::from(character)
                .checked_sub(0xFEE0)
                .and_then(char::from_u32)
                .unwrap_or(character),
            '\u{3000}' => ' ',
            '￥' => '¥',
            '−' | '‐' | '―' => '-',
            other => other,
        })
        .collect()
}

/// Which column stands where.
struct Heading(BTreeMap<SheetColumn, usize>);

impl Heading {
    /// Reads a row as headings; `None` when a needed one is missing.
    fn find(record: &csv::StringRecord) -> Option<Self> {
        let mut places = BTreeMap::new();
        for (place, cell) in record.iter().enumerate() {
            let text = narrow(cell.trim());
            let known = SheetColumn::ALL.iter().find(|column| {
                column.headings().iter().any(|heading| heading.eq_ignore_ascii_case(&text))
            });
            if let Some(column) = known {
                places.entry(*column).or_insert(place);
            }
        }
        let needed = SheetColumn::ALL.iter().filter(|column| **column != SheetColumn::Reason);
        needed.into_iter().all(|column| places.contains_key(column)).then_some(Self(places))
    }
}

/// One row with its headings.
struct Cells<'a> {
    record: &'a csv::StringRecord,
    heading: &'a Heading,
    line: u32,
}

impl Cells<'_> {
    fn text(&self, column: SheetColumn) -> String {
        let place = self.heading.0.get(&column);
        let cell = place.and_then(|place| self.record.get(*place)).unwrap_or("");
        narrow(cell).trim().to_owned()
    }

    fn error(&self, column: SheetColumn, problem: RowProblem) -> RowError {
        RowError { line: self.line, column, problem }
    }

    fn needed(&self, column: SheetColumn) -> Result<String, RowError> {
        let text = self.text(column);
        if text.is_empty() {
            return Err(self.error(column, RowProblem::Empty));
        }
        if text.contains(char::REPLACEMENT_CHARACTER) {
            return Err(self.error(column, RowProblem::Garbled));
        }
        Ok(text)
    }

    fn reference(&self, column: SheetColumn) -> Result<Reference, RowError> {
        let text = self.needed(column)?;
        Reference::parse(&text).map_err(|_text| self.error(column, RowProblem::NotReference))
    }

    fn amount(&self, column: SheetColumn) -> Result<i64, RowError> {
        let amount = parse_amount(&self.needed(column)?)
            .ok_or_else(|| self.error(column, RowProblem::NotAmount))?;
        if amount < 0 { Err(self.error(column, RowProblem::Negative)) } else { Ok(amount) }
    }

    /// Reads the whole row; all that is wrong with it otherwise, so that a file is mended once.
    fn row(&self, zone: Zone) -> Result<SheetRow, Vec<RowError>> {
        let external = self.reference(SheetColumn::External);
        let occurred_at = self.needed(SheetColumn::OccurredAt).and_then(|text| {
            let not_time = |_text| self.error(SheetColumn::OccurredAt, RowProblem::NotTime);
            zone.parse_local(&text).map_err(not_time)
        });
        let order = match self.text(SheetColumn::Order).as_str() {
            "" => Ok(None),
            _text => self.reference(SheetColumn::Order).map(Some),
        };
        let (sale, commission) =
            (self.amount(SheetColumn::Sale), self.amount(SheetColumn::Commission));
        let status = self.needed(SheetColumn::Status).and_then(|text| {
            parse_status(&text)
                .ok_or_else(|| self.error(SheetColumn::Status, RowProblem::StatusUnknown))
        });
        match (external, occurred_at, order, sale, commission, status) {
            (Ok(external), Ok(occurred_at), Ok(order), Ok(sale), Ok(commission), Ok(status)) => {
                Ok(SheetRow {
                    line: self.line,
                    external,
                    occurred_at,
                    order,
                    click: parse_reference(&self.text(SheetColumn::Click)),
                    sale,
                    commission,
                    status,
                    // A reason is for people: what cannot be kept of it is left out.
                    reason: Label::parse(&self.text(SheetColumn::Reason)).ok(),
                })
            }
            (external, occurred_at, order, sale, commission, status) => {
                let errors = [
                    external.err(),
                    occurred_at.err(),
                    order.err(),
                    sale.err(),
                    commission.err(),
                    status.err(),
                ];
                Err(errors.into_iter().flatten().collect())
            }
        }
    }

    /// Tells whether this is the total at the end: the first cell says so.
    fn is_total(&self) -> bool {
        let first = narrow(self.record.get(0).unwrap_or("")).trim().to_lowercase();
        ["合計", "総計", "計", "total"].iter().any(|word| first.starts_with(word))
    }

    fn is_blank(&self) -> bool {
        self.record.iter().all(|cell| narrow(cell).trim().is_empty())
    }
}

/// Reads a whole amount as people write it: `3,980`, `¥3,980`, `3980円`, `▲36`.
fn parse_amount(text: &str) -> Option<i64> {
    let digits: String = text
        .chars()
        .filter(|character| !matches!(character, ',' | '¥' | '円' | '\\' | ' '))
        .map(|character| if matches!(character, '▲' | '△') { '-' } else { character })
        .collect();
    let whole = digits.strip_suffix(".00").or_else(|| digits.strip_suffix(".0")).unwrap_or(&digits);
    let plain = whole.strip_prefix('-').unwrap_or(whole);
    let is_number = !plain.is_empty() && plain.bytes().all(|byte| byte.is_ascii_digit());
    if is_number { whole.parse().ok() } else { None }
}

fn parse_status(text: &str) -> Option<Status> {
    match text {
        "承認" | "確定" | "approved" | "1" => Some(Status::Approved),
        "否認" | "却下" | "キャンセル" | "rejected" | "2" => Some(Status::Rejected),
        "未承認" | "未確定" | "保留" | "発生" | "occurred" | "0" => {
            Some(Status::Occurred)
        }
        _ => None,
    }
}

/// What has been read so far.
struct Reading {
    zone: Zone,
    sheet: Sheet,
    places: BTreeMap<Reference, usize>,
    sale: i128,
    commission: i128,
}

impl Default for Reading {
    fn default() -> Self {
        Self {
            zone: Zone::JAPAN,
            sheet: Sheet::default(),
            places: BTreeMap::new(),
            sale: 0,
            commission: 0,
        }
    }
}

impl Reading {
    fn take(&mut self, cells: &Cells<'_>) {
        if cells.is_blank() {
            return;
        }
        let read = if cells.is_total() {
            self.check_total(cells).map_err(|error| vec![error])
        } else {
            self.take_row(cells)
        };
        if let Err(errors) = read {
            self.sheet.errors.extend(errors);
        }
    }

    fn take_row(&mut self, cells: &Cells<'_>) -> Result<(), Vec<RowError>> {
        let row = cells.row(self.zone)?;
        self.sale = self.sale.saturating_add(i128::from(row.sale));
        self.commission = self.commission.saturating_add(i128::from(row.commission));
        let before = self.places.get(&row.external).and_then(|place| self.sheet.rows.get(*place));
        match before {
            // The same row again is harmless; it is counted as done already.
            Some(before) if SheetRow { line: row.line, ..before.clone() } != row => {
                return Err(vec![cells.error(SheetColumn::External, RowProblem::Contradicts)]);
            }
            Some(_) | None => {}
        }
        self.places.insert(row.external.clone(), self.sheet.rows.len());
        self.sheet.rows.push(row);
        Ok(())
    }

    /// Compares the totals that are there, unless a row was wrong: then they cannot fit.
    fn check_total(&self, cells: &Cells<'_>) -> Result<(), RowError> {
        if !self.sheet.errors.is_empty() {
            return Ok(());
        }
        let sums = [(SheetColumn::Sale, self.sale), (SheetColumn::Commission, self.commission)];
        for (column, sum) in sums {
            if let Some(total) = parse_amount(&cells.text(column))
                && i128::from(total) != sum
            {
                return Err(cells.error(column, RowProblem::TotalDiffers));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use core::fmt::Write as _;

    use expect_test::{Expect, expect};

    use super::*;

    const HEADING: &str =
        "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由\r\n";
    const CLICK: &str = "01JD3T6Z8M3V5K1W9QXY2ABCDE";

    fn check(bytes: &[u8], expected: &Expect) {
        let mut text = String::new();
        match read_sheet(bytes, Zone::JAPAN) {
            Err(error) => text = format!("{error}\n"),
            Ok(sheet) => {
                for row in sheet.rows {
                    let click = row.click.is_some();
                    let reason = row.reason.as_ref().map_or("-", Label::as_str);
                    writeln!(
                        text,
                        "{}: {} {} {} click {click} {} {} {} {reason}",
                        row.line,
                        row.external.as_str(),
                        Zone::JAPAN.format_second(row.occurred_at),
                        row.order.as_ref().map_or("-", Reference::as_str),
                        row.sale,
                        row.commission,
                        row.status.code(),
                    )
                    .unwrap();
                }
                for error in sheet.errors {
                    let (column, problem) = (error.column.code(), error.problem.code());
                    writeln!(text, "{}: {column} {problem}", error.line).unwrap();
                }
            }
        }
        expected.assert_eq(&text);
    }

    fn file(rows: &str) -> String {
        format!("{HEADING}{}", rows.replace("CLICK", CLICK))
    }

    #[test]
    fn a_file_is_the_same_in_every_encoding() {
        let text = file(
            "88120457,2026/10/03 12:04:31,R-553021,CLICK,3980,119,承認,\r\n\
             88120458,2026/10/03 12:04:31,R-553021,CLICK,1200,36,否認,髙島①の注文\r\n",
        );
        let expected = expect![[r"
            2: 88120457 2026-10-03 12:04:31 R-553021 click true 3980 119 approved -
            3: 88120458 2026-10-03 12:04:31 R-553021 click true 1200 36 rejected 髙島①の注文
        "]];
        check(text.as_bytes(), &expected);
        check(format!("\u{feff}{text}").as_bytes(), &expected);
        let (cp932, _, failed) = SHIFT_JIS.encode(&text);
        assert!(!failed, "every character is in CP932");
        check(&cp932, &expected);
        check(text.replace("\r\n", "\n").as_bytes(), &expected);
    }

    #[test]
    fn full_width_digits_marks_and_quotes_are_read() {
        check(
            file(
                "８８１２０４５７,２０２６／１０／０３　１２：０４：３１,Ｒ－５５３０２１,CLICK,\"¥３，９８０\",１１９円,承認,\n\
                 1,2026/10/03 12:04:31,,CLICK,\"￥3,980\",119.00,承認,\"一行目\n二行目\"\n\
                 2,2026/10/03 12:04:31,X,someone,100,3,未確定,\n",
            )
            .as_bytes(),
            &expect![[r"
                2: 88120457 2026-10-03 12:04:31 R-553021 click true 3980 119 approved -
                3: 1 2026-10-03 12:04:31 - click true 3980 119 approved -
                5: 2 2026-10-03 12:04:31 X click false 100 3 occurred -
            "]],
        );
    }

    #[test]
    fn titles_second_headings_and_totals_are_no_rows() {
        let text = format!(
            "2026年10月度 成果承認データ,,,,,,,\r\n{}合計,,,,5180,155,,\r\n\r\n",
            file(
                "conversion_id,occurred_at,order_id,pbid,price,reward,status,reason\r\n\
                 1,2026/10/03 12:04:31,A,CLICK,3980,119,承認,\r\n\
                 2,2026/10/03 12:04:31,A,CLICK,1200,36,承認,\r\n"
            )
        );
        check(
            text.as_bytes(),
            &expect![[r"
                4: 1 2026-10-03 12:04:31 A click true 3980 119 approved -
                5: 2 2026-10-03 12:04:31 A click true 1200 36 approved -
            "]],
        );
        check(
            text.replace("5180", "5181").as_bytes(),
            &expect![[r"
                4: 1 2026-10-03 12:04:31 A click true 3980 119 approved -
                5: 2 2026-10-03 12:04:31 A click true 1200 36 approved -
                6: sale total_differs
            "]],
        );
    }

    #[test]
    fn each_wrong_row_is_named_and_the_others_are_read() {
        check(
            file(
                ",2026/10/03 12:04:31,A,CLICK,1,1,承認,\n\
                 注文,2026/10/03 12:04:31,A,CLICK,1,1,承認,\n\
                 3,昨日,A,CLICK,1,1,承認,\n\
                 4,2026/10/03 12:04:31,A,CLICK,千円,1,承認,\n\
                 5,2026/10/03 12:04:31,A,CLICK,1,▲36,承認,\n\
                 6,2026/10/03 12:04:31,A,CLICK,1,1,たぶん,\n\
                 7,2026/10/03 12:04:31,A,CLICK,1\n\
                 8,2026/10/03 12:04:31,A,CLICK,1,1,承認,\n\
                 8,2026/10/03 12:04:31,A,CLICK,1,1,承認,\n\
                 8,2026/10/03 12:04:31,A,CLICK,2,1,承認,\n",
            )
            .as_bytes(),
            &expect![[r"
                9: 8 2026-10-03 12:04:31 A click true 1 1 approved -
                10: 8 2026-10-03 12:04:31 A click true 1 1 approved -
                2: external empty
                3: external not_reference
                4: occurred_at not_time
                5: sale not_amount
                6: commission negative
                7: status status_unknown
                8: commission empty
                8: status empty
                11: external contradicts
            "]],
        );
        let mut broken =
            SHIFT_JIS.encode(&file("9,2026/10/03 12:04:31,A,CLICK,1,1,")).0.into_owned();
        broken.extend([0x8F, 0x0A]);
        check(&broken, &expect!["2: status garbled\n"]);
    }

    #[test]
    fn what_is_no_report_is_said_at_once() {
        check(b"", &expect!["the file is empty\n"]);
        check(b"\xEF\xBB\xBF \r\n", &expect!["the file is empty\n"]);
        check(
            "a,b\n1,2\n".as_bytes(),
            &expect!["no row with the headings was found, or one is missing\n"],
        );
    }
}
