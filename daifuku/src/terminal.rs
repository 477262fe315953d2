//! The one place that speaks to whoever started the program. Logs go through `tracing` instead.

use core::time::Duration;
use std::io::{self, IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Says a line on the standard output: what was asked for.
pub fn say(line: impl AsRef<str>) {
    // Whoever closed the pipe does not want to hear more.
    drop(writeln!(io::stdout().lock(), "{}", line.as_ref()));
}

/// Says a line on the standard error: what went wrong, or how far it is.
pub fn complain(line: impl AsRef<str>) {
    drop(writeln!(io::stderr().lock(), "{}", line.as_ref()));
}

/// Lays out rows in columns. A Japanese character takes two places.
pub fn table(rows: &[Vec<String>]) -> String {
    let columns = rows.iter().map(Vec::len).max().unwrap_or(0);
    let width_of =
        |column: usize| rows.iter().filter_map(|row| row.get(column)).map(|cell| width(cell)).max();
    let widths: Vec<usize> = (0..columns).map(|column| width_of(column).unwrap_or(0)).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, column) in row.iter().zip(&widths) {
            line.push_str(cell);
            let blanks = column.saturating_sub(width(cell)).saturating_add(2);
            line.extend(core::iter::repeat_n(' ', blanks));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// Counts places: the wide characters of East Asia begin at U+1100, as far as we write any.
fn width(text: &str) -> usize {
    text.chars().map(|character| if character >= '\u{1100}' { 2 } else { 1 }).sum()
}

/// Tells how far long work is: a bar on a terminal, else a line at every tenth.
#[derive(Debug)]
pub struct Progress {
    what: &'static str,
    bar: Option<ProgressBar>,
    tenth: u64,
}

impl Progress {
    /// Begins; `what` is a phrase (`fold the journal`).
    pub fn new(what: &'static str) -> Self {
        let bar = io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
            let form = "{msg} {wide_bar} {percent} % {eta}";
            if let Ok(style) = ProgressStyle::with_template(form) {
                bar.set_style(style);
            }
            bar.set_message(what);
            bar.enable_steady_tick(Duration::from_millis(200));
            bar
        });
        Self { what, bar, tenth: 0 }
    }

    /// Goes on.
    pub fn show(&mut self, done: u64, of: u64) {
        if let Some(bar) = &self.bar {
            bar.set_length(of);
            bar.set_position(done);
            return;
        }
        let tenth = done.saturating_mul(10).checked_div(of).unwrap_or(10);
        if tenth > self.tenth {
            self.tenth = tenth;
            complain(format!("{}: {done} of {of}", self.what));
        }
    }

    /// Ends; a bar goes away.
    pub fn end(self) {
        if let Some(bar) = self.bar {
            bar.finish_and_clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn columns_stand_under_one_another() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned).to_vec();
        let rows = [row(["who", "mail", "role"]), row(["たび日和", "a@b.jp", "sales"])];
        expect![[r"
            who       mail    role
            たび日和  a@b.jp  sales
        "]]
        .assert_eq(&table(&rows));
    }

    #[test]
    fn without_a_terminal_a_line_is_said_at_every_tenth() {
        let mut progress = Progress { what: "fold", bar: None, tenth: 0 };
        let mut said = Vec::new();
        for done in 0..=100 {
            let before = progress.tenth;
            progress.show(done, 100);
            if progress.tenth != before {
                said.push(done);
            }
        }
        assert_eq!(said, [10, 20, 30, 40, 50, 60, 70, 80, 90, 100]);
        progress.show(0, 0);
        progress.end();
    }
}
