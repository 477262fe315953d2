//! W3C trace context: which trace a request belongs to.

use core::fmt;

/// The place of this request in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The whole trace, never zero.
    pub trace_id: u128,
    /// The caller's span, when it sent one.
    pub parent_span_id: Option<u64>,
    /// The span of this request, never zero.
    pub span_id: u64,
    /// The caller asked for this trace to be recorded.
    pub sampled: bool,
}

impl TraceContext {
    /// Continues the trace of a `traceparent` header, or starts one when it is missing or
    /// malformed.
    ///
    /// `chance` is asked for 64 bits: once to continue, three times to start.
    pub fn continue_or_start(header: Option<&str>, mut chance: impl FnMut() -> u64) -> Self {
        let span_id = chance().max(1);
        if let Some((trace_id, parent, sampled)) = header.and_then(parse) {
            return Self { trace_id, parent_span_id: Some(parent), span_id, sampled };
        }
        let trace_id = (u128::from(chance()) << 64) | u128::from(chance());
        Self { trace_id: trace_id.max(1), parent_span_id: None, span_id, sampled: false }
    }
}

impl fmt::Display for TraceContext {
    /// Writes a `traceparent` that names this request's span as the parent.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "00-{:032x}-{:016x}-{:02x}", self.trace_id, self.span_id, u8::from(self.sampled))
    }
}

/// Reads `version-trace-parent-flags`; a later version may be longer, version `ff` is none.
fn parse(text: &str) -> Option<(u128, u64, bool)> {
    let version = hex(text.get(..2)?)?;
    let later = match text.as_bytes().get(55) {
        None => false,
        Some(b'-') => true,
        Some(_) => return None,
    };
    if version == 0xff || (version == 0 && later) {
        return None;
    }
    let dashes = [2, 35, 52].iter().all(|&place| text.as_bytes().get(place) == Some(&b'-'));
    let trace_id = hex(text.get(3..35)?)?;
    let parent = u64::try_from(hex(text.get(36..52)?)?).ok()?;
    let flags = hex(text.get(53..55)?)?;
    (dashes && trace_id != 0 && parent != 0).then_some((trace_id, parent, flags & 1 == 1))
}

/// Reads lower-case hexadecimal digits and nothing else (no sign, which `from_str_radix` takes).
fn hex(text: &str) -> Option<u128> {
    let digits = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    if !text.bytes().all(digits) {
        return None;
    }
    u128::from_str_radix(text, 16).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    #[test]
    fn a_trace_is_continued_only_when_it_is_well_formed() {
        let table = [
            (format!("00-{TRACE}-00f067aa0ba902b7-01"), true),
            (format!("00-{TRACE}-00f067aa0ba902b7-00"), true),
            (format!("01-{TRACE}-00f067aa0ba902b7-01-later"), true),
            (format!("00-{TRACE}-00f067aa0ba902b7-01-later"), false),
            (format!("00-{TRACE}-00f067aa0ba902b7-01x"), false),
            (format!("ff-{TRACE}-00f067aa0ba902b7-01"), false),
            (format!("00-{}-00f067aa0ba902b7-01", TRACE.to_uppercase()), false),
            (format!("00-{}-00f067aa0ba902b7-01", "0".repeat(32)), false),
            (format!("00-{TRACE}-0000000000000000-01"), false),
            (format!("00_{TRACE}-00f067aa0ba902b7-01"), false),
            (format!("00-+{}-00f067aa0ba902b7-01", TRACE.replacen('4', "", 1)), false),
            (format!("00-{TRACE}-00f067aa0ba902b7"), false),
            ("語".repeat(20), false),
            (String::new(), false),
        ];
        for (header, continued) in table {
            let trace = TraceContext::continue_or_start(Some(&header), || 7);
            assert_eq!(trace.parent_span_id.is_some(), continued, "{header}");
            assert_eq!(format!("{:032x}", trace.trace_id) == TRACE, continued, "{header}");
        }
    }

    #[test]
    fn the_answer_names_our_span() {
        let header = format!("00-{TRACE}-00f067aa0ba902b7-01");
        let trace = TraceContext::continue_or_start(Some(&header), || 0xab);
        assert_eq!(trace.to_string(), format!("00-{TRACE}-00000000000000ab-01"));
        let begun = TraceContext::continue_or_start(None, || 0);
        assert_ne!((begun.trace_id, begun.span_id), (0, 0));
    }
}
