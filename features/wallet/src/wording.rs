use askama::Template;

use crate::passbook::{Fate, Line, LineKind, Told};
use ledger::Unit;
use vocabulary::{Amount, Day, Timestamp};
use web::Words;
use web::components::{Badge, Figure, Html, Tone};

/// How the lines of one unit are written in one language.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wording<'a> {
    pub(crate) words: Words<'a>,
    pub(crate) unit: &'a Unit,
}

impl Wording<'_> {
    pub(crate) fn text(&self, key: &str) -> String {
        self.words.get(key).into_owned()
    }

    pub(crate) fn with(&self, key: &str, args: &[(&str, &str)]) -> String {
        let args: Vec<_> = args.iter().map(|&(name, text)| (name, text.into())).collect();
        self.words.with(key, &args)
    }

    /// The unit as people say it: points, unless it is money.
    pub(crate) fn unit(&self) -> String {
        let code = self.unit.code.as_str();
        match self.words.find(&format!("wallet-unit-{}", code.to_lowercase())) {
            Some(name) => name.into_owned(),
            None if self.unit.scale.places() > 0 => code.to_owned(),
            None => self.text("wallet-unit"),
        }
    }

    /// An amount within a sentence: `540ポイント`, `540 points`.
    pub(crate) fn amount(&self, amount: Amount) -> String {
        self.with_unit(&self.unit.scale.format(amount.minor_units()))
    }

    /// A figure and its unit within a sentence.
    pub(crate) fn with_unit(&self, figure: &str) -> String {
        self.with("wallet-amount", &[("figure", figure), ("unit", &self.unit())])
    }

    pub(crate) fn figure(&self, amount: Amount) -> Figure {
        Figure::amount(amount, self.unit.scale, self.unit())
    }

    pub(crate) fn change(&self, minor_units: i64) -> Figure {
        Figure::change(minor_units, self.unit.scale, "")
    }

    /// A balance as it is printed: a minus only where somebody owes.
    pub(crate) fn balance(&self, minor_units: i64) -> String {
        self.unit.scale.format(minor_units).replace('-', "−")
    }

    /// `2026年11月20日`, `20 Nov 2026`.
    pub(crate) fn day(&self, day: Day) -> String {
        let (year, month, date) = day.civil();
        let month = self.month_name(month);
        self.with(
            "wallet-day",
            &[("year", &year.to_string()), ("month", &month), ("day", &date.to_string())],
        )
    }

    /// `2026年11月`, `November 2026`.
    pub(crate) fn month(&self, day: Day) -> String {
        let (year, month, _) = day.civil();
        let month = self.month_name(month);
        self.with("wallet-month", &[("year", &year.to_string()), ("month", &month)])
    }

    fn month_name(&self, month: i8) -> String {
        self.text(&format!("wallet-month-{month}"))
    }

    /// `金`, `Fri`.
    pub(crate) fn weekday(&self, day: Day) -> String {
        // 1970-01-01 was a Thursday, the fourth day after Sunday.
        let place = day.number().saturating_add(4).rem_euclid(7);
        self.text(&format!("wallet-weekday-{place}"))
    }

    /// The day on which something happened.
    pub(crate) fn day_of(&self, at: Timestamp) -> Day {
        self.unit.policy.zone.day_of(at)
    }

    /// A moment to the minute: `2026年11月20日 12:04`.
    pub(crate) fn moment(&self, at: Timestamp) -> String {
        let minute = self.unit.policy.zone.format_minute(at);
        let time = minute.split_once(' ').map_or("", |(_day, time)| time);
        format!("{} {time}", self.day(self.day_of(at)))
    }

    /// What a line is called when nobody knows more.
    pub(crate) fn kind(&self, line: &Line) -> String {
        self.text(match line.kind {
            LineKind::Transferred if line.change < 0 => "wallet-line-sent",
            LineKind::Transferred => "wallet-line-received",
            LineKind::Earned => "wallet-line-earned",
            LineKind::Used => "wallet-line-used",
            LineKind::Exchanged => "wallet-line-exchanged",
            LineKind::PaidOut => "wallet-line-paid-out",
            LineKind::ToppedUp => "wallet-line-topped-up",
            LineKind::Adjusted => "wallet-line-adjusted",
            LineKind::Expired => "wallet-line-expired",
            LineKind::Reversed => "wallet-line-reversed",
            LineKind::Owed => "wallet-line-owed",
            LineKind::Reserved => "wallet-line-reserved",
            LineKind::Paid => "wallet-line-paid",
            LineKind::Released => "wallet-line-released",
            LineKind::Expected => "wallet-line-expected",
            LineKind::Lowered => "wallet-line-lowered",
        })
    }

    /// The shop, or else what the line is.
    pub(crate) fn title(&self, line: &Line, told: &Told) -> String {
        let explained = told.explained.as_ref().map(|told| told.title.clone());
        let title = told.shop.clone().or(explained).filter(|title| !title.is_empty());
        title.unwrap_or_else(|| self.kind(line))
    }

    /// Where a line stands, in a word; nothing where its figure says it all.
    pub(crate) fn badge(&self, line: &Line, fate: Fate) -> Option<Badge> {
        let (tone, key) = match (line.kind, fate) {
            (LineKind::Expected, Fate::Waiting { .. }) => (Tone::Wait, "wallet-badge-waiting"),
            (LineKind::Expected | LineKind::Lowered, Fate::Decided { granted })
                if granted.is_zero() =>
            {
                (Tone::Bad, "wallet-badge-declined")
            }
            (LineKind::Earned, _) => (Tone::Good, "wallet-badge-valid"),
            // The line of the grant says that they are the member's now: one purchase, one sum.
            (LineKind::Expected, _) => (Tone::Plain, "wallet-badge-decided"),
            (LineKind::Lowered, _) => (Tone::Plain, "wallet-badge-changed"),
            (LineKind::Reserved, Fate::Reserved { .. }) => (Tone::Wait, "wallet-badge-reserved"),
            (LineKind::Reserved, Fate::Captured) => (Tone::Plain, "wallet-badge-captured"),
            (LineKind::Reserved | LineKind::Released, Fate::HoldExpired) => {
                (Tone::Plain, "wallet-badge-lapsed")
            }
            (LineKind::Reserved, Fate::Ended) => (Tone::Plain, "wallet-badge-ended"),
            (LineKind::Reserved | LineKind::Released, _) => (Tone::Plain, "wallet-badge-voided"),
            (
                LineKind::Transferred
                | LineKind::Used
                | LineKind::Exchanged
                | LineKind::PaidOut
                | LineKind::ToppedUp
                | LineKind::Adjusted
                | LineKind::Expired
                | LineKind::Reversed
                | LineKind::Owed
                | LineKind::Paid,
                _,
            ) => return None,
        };
        Some(Badge::new(tone, self.text(key)))
    }

    /// What a line moves: a change of the balance in ink, what is only announced or reserved in
    /// pencil.
    pub(crate) fn moves(&self, line: &Line, fate: Fate) -> Html {
        let (spoken, pencil) = match line.kind {
            LineKind::Expected | LineKind::Lowered => ("wallet-expected", line.expected),
            LineKind::Reserved | LineKind::Released => ("wallet-reserved", line.reserved),
            LineKind::Transferred
            | LineKind::Earned
            | LineKind::Used
            | LineKind::Exchanged
            | LineKind::PaidOut
            | LineKind::ToppedUp
            | LineKind::Adjusted
            | LineKind::Expired
            | LineKind::Reversed
            | LineKind::Owed
            | LineKind::Paid => return Html::of(&self.change(line.change)),
        };
        let declined = matches!(fate, Fate::Decided { granted } if granted.is_zero());
        Html::of(&Pencil {
            spoken: self.text(spoken),
            figure: self.balance(pencil),
            struck: line.kind == LineKind::Expected && declined,
        })
    }
}

/// A figure that is no change of the balance.
#[derive(Template)]
#[template(
    source = r#"<span class="hidden">{{ spoken }} </span><span class="figure book-pencil{% if struck %} book-struck{% endif %}">{{ figure }}</span>"#,
    ext = "html"
)]
struct Pencil {
    spoken: String,
    figure: String,
    struck: bool,
}
