//! What a rule says about a place.

use std::fmt;

/// A place that breaks a rule, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Finding {
    path: String,
    /// Counted from 1; `None` when the whole file is meant.
    line: Option<usize>,
    rule: &'static str,
    advice: String,
}

impl Finding {
    /// Points at a whole file or folder.
    pub(crate) fn in_file(path: &str, rule: &'static str, advice: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line: None, rule, advice: advice.into() }
    }

    /// Points at a line, counted from 0 as `enumerate` counts.
    pub(crate) fn at(
        path: &str,
        index: usize,
        rule: &'static str,
        advice: impl Into<String>,
    ) -> Self {
        Self { line: Some(index.saturating_add(1)), ..Self::in_file(path, rule, advice) }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}: {}", self.path, self.rule, self.advice),
            None => write!(f, "{}: {}: {}", self.path, self.rule, self.advice),
        }
    }
}

/// Writes findings as `tidy` prints them, one a line, for the tables of the rules.
#[cfg(test)]
pub(crate) fn listed(findings: &[Finding]) -> String {
    findings.iter().flat_map(|finding| [finding.to_string(), "\n".to_owned()]).collect()
}
