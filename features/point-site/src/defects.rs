//! A network's file with every defect that such files were seen to have, as large as one likes, and
//! what has to become of each of its rows. The tests and the bench compare the two.
//!
//! The file is in CP932 with a title, two lines of headings and a total. Some of its conversions
//! are told of before by another file, [`Sample::before`].

use core::fmt::Write as _;

use encoding_rs::SHIFT_JIS;

use crate::click::reference;
use crate::conversion::Outcome;
use crate::report::{RowOutcome, RowResult};
use crate::sheet::{RowProblem, SheetColumn};
use vocabulary::{Amount, Id, Rate, Rounding, Timestamp, Zone, kind};

const HEADING: &str = "成果ID,発生日時,注文番号,会員識別,売上金額,報酬金額,ステータス,否認理由";
const SECOND_HEADING: &str = "conversion_id,occurred_at,order_id,pbid,price,reward,status,reason";

/// Files and what has to become of the second one.
#[derive(Clone, Debug, Default)]
pub struct Sample {
    /// What is told first.
    pub before: Vec<u8>,
    /// The file with the defects.
    pub file: Vec<u8>,
    /// What has to become of each of its rows, with its line; a row that is wrong is there once for
    /// each thing that is wrong with it.
    pub expected: Vec<(u32, RowResult)>,
}

/// A click that purchases are told of: more than 31 days ago, at an offer that gives a part of the
/// sale.
#[derive(Clone, Copy, Debug)]
pub struct Clicked {
    /// Which.
    pub click: Id<kind::Click>,
    /// When.
    pub at: Timestamp,
}

/// What is done to a row.
#[derive(Clone, Copy, Debug)]
enum Defect {
    /// The conversion was told of before.
    Known(Known),
    /// The file is the first to tell of it.
    New(New),
    /// The row cannot be taken.
    Wrong(Wrong),
}

#[derive(Clone, Copy, Debug)]
enum Known {
    Plain,
    AmountChanged,
    Rejected,
    QuotedLineEnd,
    CancelledAfterApproval,
    ApprovedAfterRejection,
    CorrectedUp,
    CorrectedDown,
    AnnouncedChanged,
    Late,
    Repeated,
}

#[derive(Clone, Copy, Debug)]
enum New {
    NeverAnnounced,
    UnknownClick,
    CommissionZero,
    Twice,
    FullWidth,
    Contradicts,
    Announced,
    InFuture,
    BeforeClick,
    ClickTooOld,
}

#[derive(Clone, Copy, Debug)]
enum Wrong {
    AmountNegative,
    Several,
    StatusUnknown,
    Empty,
}

/// One after the other, again and again.
const DEFECTS: &[Defect] = &[
    Defect::Known(Known::Plain),
    Defect::Known(Known::AmountChanged),
    Defect::New(New::NeverAnnounced),
    Defect::Known(Known::Rejected),
    Defect::Known(Known::CancelledAfterApproval),
    Defect::Known(Known::ApprovedAfterRejection),
    Defect::New(New::UnknownClick),
    Defect::Wrong(Wrong::AmountNegative),
    Defect::New(New::CommissionZero),
    Defect::New(New::Twice),
    Defect::New(New::FullWidth),
    Defect::Known(Known::QuotedLineEnd),
    Defect::New(New::Contradicts),
    Defect::Wrong(Wrong::Several),
    Defect::Known(Known::CorrectedUp),
    Defect::Known(Known::CorrectedDown),
    Defect::New(New::Announced),
    Defect::New(New::InFuture),
    Defect::New(New::BeforeClick),
    Defect::New(New::ClickTooOld),
    Defect::Known(Known::AnnouncedChanged),
    Defect::Known(Known::Late),
    Defect::Known(Known::Repeated),
    Defect::Wrong(Wrong::StatusUnknown),
    Defect::Wrong(Wrong::Empty),
];

/// Makes a sample with a row or two for each click; the offer's member gets `basis_points` of the
/// sale.
pub fn sample(clicks: &[Clicked], now: Timestamp, basis_points: u32) -> Sample {
    let mut writer = Writer {
        before: format!("{HEADING}\r\n"),
        file: format!("2026年10月度　成果承認データ,,,,,,,\r\n{HEADING}\r\n{SECOND_HEADING}\r\n"),
        line: 4,
        expected: Vec::new(),
        now,
        rate: Rate::basis_points(basis_points),
    };
    for ((clicked, defect), number) in clicks.iter().zip(DEFECTS.iter().cycle()).zip(0_u32..) {
        writer.write(number, *clicked, *defect);
    }
    writer.file.push_str("合計,,,,1,1,,\r\n\r\n");
    let cp932 = |text: &str| SHIFT_JIS.encode(text).0.into_owned();
    Sample { before: cp932(&writer.before), file: cp932(&writer.file), expected: writer.expected }
}

struct Writer {
    before: String,
    file: String,
    line: u32,
    expected: Vec<(u32, RowResult)>,
    now: Timestamp,
    rate: Rate,
}

/// A row, before a defect changes it.
#[derive(Clone)]
struct Cells {
    external: String,
    at: String,
    order: String,
    click: String,
    sale: String,
    commission: String,
    status: &'static str,
    reason: &'static str,
}

impl Cells {
    fn line(&self) -> String {
        let Self { external, at, order, click, sale, commission, status, reason } = self;
        format!("{external},{at},{order},{click},{sale},{commission},{status},{reason}\r\n")
    }
}

const SALE: u32 = 4_980;

impl Writer {
    fn points(&self, sale: u32) -> Amount {
        self.rate.apply(Amount::from(sale), Rounding::Down).unwrap_or(Amount::ZERO)
    }

    fn row(number: u32, clicked: Clicked) -> Cells {
        let external = number.saturating_add(3_000_000_000);
        Cells {
            external: external.to_string(),
            at: Zone::JAPAN.format_second(clicked.at.plus_seconds(600)),
            order: format!("R-{external}"),
            click: reference(clicked.click),
            sale: SALE.to_string(),
            commission: "149".to_owned(),
            status: "承認",
            reason: "",
        }
    }

    /// Tells of it beforehand.
    fn tell(&mut self, row: &Cells, status: &'static str) {
        self.before.push_str(&Cells { status, reason: "", ..row.clone() }.line());
    }

    /// Writes a row that can be taken.
    fn good(&mut self, row: &Cells, outcome: Outcome, points: Amount) {
        // The version is compared nowhere: zero stands for any.
        let applied = RowOutcome { outcome, points, version: 0 };
        self.expected.push((self.line, RowResult::Applied(applied)));
        self.push(&row.line());
    }

    fn bad(&mut self, row: &Cells, wrong: &[(SheetColumn, RowProblem)]) {
        let wrong = wrong.iter().map(|(column, problem)| RowResult::Wrong(*column, *problem));
        self.expected.extend(wrong.map(|wrong| (self.line, wrong)));
        self.push(&row.line());
    }

    fn push(&mut self, text: &str) {
        let lines = text.bytes().filter(|byte| *byte == b'\n').count();
        self.line = self.line.saturating_add(u32::try_from(lines).unwrap_or(u32::MAX));
        let _infallible = self.file.write_str(text);
    }

    fn write(&mut self, number: u32, clicked: Clicked, defect: Defect) {
        let row = Self::row(number, clicked);
        match defect {
            Defect::Known(known) => self.write_known(&row, known),
            Defect::New(new) => self.write_new(row, clicked, new),
            Defect::Wrong(wrong) => self.write_wrong(row, wrong),
        }
    }

    fn write_known(&mut self, row: &Cells, known: Known) {
        let sold = |sale: u32, status| Cells { sale: sale.to_string(), status, ..row.clone() };
        let (more, less) = (SALE.saturating_mul(2), SALE.div_euclid(2));
        let (told, next, outcome, points) = match known {
            Known::AmountChanged => {
                ("未確定", sold(more, "承認"), Outcome::ApprovedChanged, self.points(more))
            }
            Known::Rejected => ("未確定", sold(SALE, "否認"), Outcome::Rejected, Amount::ZERO),
            Known::QuotedLineEnd => {
                let reason = "\"髙島屋①の\r\nご注文\"";
                let row = Cells { reason, ..sold(SALE, "キャンセル") };
                ("未確定", row, Outcome::Rejected, Amount::ZERO)
            }
            Known::CancelledAfterApproval => {
                ("承認", sold(SALE, "否認"), Outcome::Reversed, Amount::ZERO)
            }
            Known::ApprovedAfterRejection => {
                ("否認", sold(SALE, "承認"), Outcome::Reopened, self.points(SALE))
            }
            Known::CorrectedUp => {
                let paid = self.points(more).saturating_sub(self.points(SALE));
                ("承認", sold(more, "承認"), Outcome::Corrected, paid)
            }
            Known::CorrectedDown => ("承認", sold(less, "承認"), Outcome::Corrected, Amount::ZERO),
            Known::AnnouncedChanged => {
                ("未確定", sold(less, "未確定"), Outcome::Changed, Amount::ZERO)
            }
            Known::Late => ("承認", sold(SALE, "未確定"), Outcome::Stale, Amount::ZERO),
            Known::Repeated => ("承認", sold(SALE, "承認"), Outcome::Duplicate, Amount::ZERO),
            Known::Plain => ("未確定", sold(SALE, "承認"), Outcome::Approved, self.points(SALE)),
        };
        self.tell(row, told);
        self.good(&next, outcome, points);
    }

    fn write_wrong(&mut self, row: Cells, wrong: Wrong) {
        match wrong {
            Wrong::AmountNegative => {
                let row = Cells { sale: "\"▲4,980\"".to_owned(), ..row };
                self.bad(&row, &[(SheetColumn::Sale, RowProblem::Negative)]);
            }
            Wrong::Several => {
                let wrong = Cells {
                    at: "昨日の夜".to_owned(),
                    sale: "千円".to_owned(),
                    status: "たぶん",
                    ..row
                };
                self.bad(
                    &wrong,
                    &[
                        (SheetColumn::OccurredAt, RowProblem::NotTime),
                        (SheetColumn::Sale, RowProblem::NotAmount),
                        (SheetColumn::Status, RowProblem::StatusUnknown),
                    ],
                );
            }
            Wrong::StatusUnknown => {
                let row = Cells { status: "調査中", ..row };
                self.bad(&row, &[(SheetColumn::Status, RowProblem::StatusUnknown)]);
            }
            Wrong::Empty => {
                let row = Cells { external: "　".to_owned(), ..row };
                self.bad(&row, &[(SheetColumn::External, RowProblem::Empty)]);
            }
        }
    }

    fn write_new(&mut self, row: Cells, clicked: Clicked, new: New) {
        let time = |at: Timestamp| Zone::JAPAN.format_second(at);
        let points = self.points(SALE);
        let review = |row: &mut Self, cells: &Cells| {
            row.good(cells, Outcome::NeedsReview, Amount::ZERO);
        };
        match new {
            New::UnknownClick => {
                let row = Cells { click: "someone".to_owned(), ..row };
                self.good(&row, Outcome::Unmatched, Amount::ZERO);
            }
            New::CommissionZero => {
                review(self, &Cells { commission: "0".to_owned(), ..row });
            }
            New::Twice => {
                self.good(&row, Outcome::ApprovedUnannounced, points);
                self.good(&row, Outcome::Duplicate, Amount::ZERO);
            }
            New::FullWidth => {
                let external: String = row.external.chars().map(widen).collect();
                let sale = "\"￥４，９８０\"".to_owned();
                let commission = "１４９円".to_owned();
                let row = Cells { external, sale, commission, ..row };
                self.good(&row, Outcome::ApprovedUnannounced, points);
            }
            New::Contradicts => {
                self.good(&row, Outcome::ApprovedUnannounced, points);
                let other = Cells { sale: "1".to_owned(), ..row };
                self.bad(&other, &[(SheetColumn::External, RowProblem::Contradicts)]);
            }
            New::Announced => {
                let row = Cells { status: "未確定", ..row };
                self.good(&row, Outcome::Tracked, Amount::ZERO);
            }
            // A network that writes UTC where Japanese time is meant is hours off.
            New::InFuture => {
                review(self, &Cells { at: time(self.now.plus_seconds(9 * 3_600)), ..row });
            }
            New::BeforeClick => {
                review(self, &Cells { at: time(clicked.at.plus_seconds(-9 * 3_600)), ..row });
            }
            New::ClickTooOld => {
                review(self, &Cells { at: time(clicked.at.plus_days(31)), ..row });
            }
            New::NeverAnnounced => self.good(&row, Outcome::ApprovedUnannounced, points),
        }
    }
}

/// Makes a digit full-width.
fn widen(digit: char) -> char {
    let wide = digit.to_digit(10).and_then(|digit| digit.checked_add(u32::from('０')));
    wide.and_then(char::from_u32).unwrap_or(digit)
}

/// Compares what became of the rows with what had to; gives the first differences, as lines of
/// text, and nothing when every row is as it has to be.
pub fn differences(expected: &[(u32, RowResult)], actual: &[(u32, RowResult)]) -> Vec<String> {
    const SHOWN: usize = 20;
    let bare = |result: &RowResult| match result {
        RowResult::Applied(applied) => RowResult::Applied(RowOutcome { version: 0, ..*applied }),
        RowResult::Pending | RowResult::Wrong(..) => *result,
    };
    let mut found = Vec::new();
    if expected.len() != actual.len() {
        found.push(format!("{} results instead of {}", actual.len(), expected.len()));
    }
    let differing = expected
        .iter()
        .zip(actual)
        .filter(|((line, wanted), (at, got))| line != at || *wanted != bare(got));
    let shown = differing.take(SHOWN);
    found.extend(shown.map(|(wanted, got)| format!("{wanted:?} became {got:?}")));
    found
}
