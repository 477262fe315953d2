//! The log: one JSON object a line for machines, or one readable line for a terminal.
//!
//! Names follow OpenTelemetry (`severity_text`, `body`, `service.name`). Fields of the spans an
//! event is in stand beside its own, so that every line of a request carries its id.

use core::fmt::{self, Write as _};
use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
};

use tracing::{
    Event, Level, Metadata, Subscriber,
    field::{Field, Visit},
    level_filters::LevelFilter,
    span,
    subscriber::SetGlobalDefaultError,
};
use tracing_subscriber::{
    Layer, Registry,
    layer::{Context, SubscriberExt as _},
    registry::LookupSpan,
};

use vocabulary::Clock;

/// How a line looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LogForm {
    /// One JSON object a line.
    #[default]
    Json,
    /// Time, level, sentence, then `name=value`.
    Text,
}

/// Who writes, from which moment's clock, how much and where to.
pub struct LogOptions {
    /// How a line looks.
    pub form: LogForm,
    /// The most detailed level that is written.
    pub level: LevelFilter,
    /// `service.name`.
    pub service: &'static str,
    /// `service.version`.
    pub version: &'static str,
    /// Tells each line's time.
    pub clock: Arc<dyn Clock>,
    /// Takes whole lines; what it fails to take is lost, since there is nowhere to say so.
    pub out: Box<dyn io::Write + Send>,
}

impl fmt::Debug for LogOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LogOptions").field("form", &self.form).finish_non_exhaustive()
    }
}

/// Makes this the log of the whole process.
///
/// # Errors
///
/// When the process has one already.
pub fn start(options: LogOptions) -> Result<(), SetGlobalDefaultError> {
    tracing::subscriber::set_global_default(subscriber(options))
}

/// Makes a subscriber for a part of the process, such as a test.
pub fn subscriber(options: LogOptions) -> impl Subscriber + Send + Sync {
    let LogOptions { form, level, service, version, clock, out } = options;
    Registry::default().with(Log { form, level, service, version, clock, out: Mutex::new(out) })
}

struct Log {
    form: LogForm,
    level: LevelFilter,
    service: &'static str,
    version: &'static str,
    clock: Arc<dyn Clock>,
    out: Mutex<Box<dyn io::Write + Send>>,
}

/// Fields as JSON values, in the order they were recorded; kept with a span for its events.
#[derive(Default)]
struct Fields {
    message: String,
    pairs: Vec<(&'static str, String)>,
}

impl Fields {
    fn push(&mut self, field: &Field, json: String) {
        self.pairs.retain(|(name, _)| *name != field.name());
        self.pairs.push((field.name(), json));
    }

    fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(known, _)| *known == name)
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.push(field, quoted(&format!("{value:?}")));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.push(field, quoted(value));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.push(field, value.to_string());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.push(field, value.to_string());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.push(field, value.to_string());
    }

    /// Writes the error with its whole chain of causes.
    fn record_error(&mut self, field: &Field, value: &(dyn core::error::Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let _infallible = write!(text, ": {error}");
            cause = error.source();
        }
        self.push(field, quoted(&text));
    }
}

fn quoted(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Log {
    fn enabled(&self, metadata: &Metadata<'_>, _context: Context<'_, S>) -> bool {
        *metadata.level() <= self.level
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(self.level)
    }

    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        context: Context<'_, S>,
    ) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &span::Id, values: &span::Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        // The innermost span first: what is said nearer to the event holds.
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(outer) = span.extensions().get::<Fields>() {
                for (name, value) in &outer.pairs {
                    if !fields.has(name) {
                        fields.pairs.push((name, value.clone()));
                    }
                }
            }
        }
        let line = match self.form {
            LogForm::Json => self.json(event.metadata(), &fields),
            LogForm::Text => self.text(event.metadata(), &fields),
        };
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        let _nowhere_to_say_so = out.write_all(line.as_bytes());
    }
}

impl Log {
    fn json(&self, metadata: &Metadata<'_>, fields: &Fields) -> String {
        let mut line = format!(
            "{{\"timestamp\":\"{}\",\"severity_text\":\"{}\",\"body\":{},\
             \"service.name\":{},\"service.version\":{},\"otel.scope.name\":{}",
            self.clock.now(),
            severity(*metadata.level()),
            quoted(&fields.message),
            quoted(self.service),
            quoted(self.version),
            quoted(metadata.target()),
        );
        for (name, value) in &fields.pairs {
            let _infallible = write!(line, ",{}:{value}", quoted(name));
        }
        line.push_str("}\n");
        line
    }

    fn text(&self, metadata: &Metadata<'_>, fields: &Fields) -> String {
        let level = severity(*metadata.level());
        // A value's control characters are escaped as in JSON; so must be the sentence's own.
        let body = quoted(&fields.message);
        let body = body.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(&body);
        let mut line = format!("{} {level:5} {body}", self.clock.now());
        for (name, value) in &fields.pairs {
            let _infallible = write!(line, " {name}={value}");
        }
        line.push('\n');
        line
    }
}

fn severity(level: Level) -> &'static str {
    if level == Level::ERROR {
        "ERROR"
    } else if level == Level::WARN {
        "WARN"
    } else if level == Level::INFO {
        "INFO"
    } else if level == Level::DEBUG {
        "DEBUG"
    } else {
        "TRACE"
    }
}

#[cfg(test)]
mod tests {
    use expect_test::{Expect, expect};
    use vocabulary::{ManualClock, Timestamp};

    use super::*;

    #[derive(Clone, Default)]
    struct Buffer(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Buffer {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn check(form: LogForm, speak: impl FnOnce(), expected: &Expect) {
        let buffer = Buffer::default();
        let options = LogOptions {
            form,
            level: LevelFilter::INFO,
            service: "daifuku",
            version: "0.1.0",
            clock: Arc::new(ManualClock::new(Timestamp::from_microseconds(1_795_143_600_000_000))),
            out: Box::new(buffer.clone()),
        };
        tracing::subscriber::with_default(subscriber(options), speak);
        let written = String::from_utf8(buffer.0.lock().unwrap().clone()).unwrap();
        expected.assert_eq(&written);
    }

    fn speak() {
        let span = tracing::info_span!("request", request.id = "req_1", member.id = 7);
        let _entered = span.enter();
        tracing::info!(member.id = 8, ok = true, "a \"line\"\nand another");
        tracing::debug!("not written");
        let error = io::Error::other(fmt::Error);
        let error: &(dyn core::error::Error + 'static) = &error;
        tracing::error!(error, "read hold row");
    }

    #[test]
    fn a_line_is_one_json_object_with_the_spans_fields() {
        check(
            LogForm::Json,
            speak,
            &expect![[r#"
            {"timestamp":"2026-11-20T03:00:00Z","severity_text":"INFO","body":"a \"line\"\nand another","service.name":"daifuku","service.version":"0.1.0","otel.scope.name":"web::log::tests","member.id":8,"ok":true,"request.id":"req_1"}
            {"timestamp":"2026-11-20T03:00:00Z","severity_text":"ERROR","body":"read hold row","service.name":"daifuku","service.version":"0.1.0","otel.scope.name":"web::log::tests","error":"an error occurred when formatting an argument","request.id":"req_1","member.id":7}
        "#]],
        );
    }

    #[test]
    fn a_terminal_gets_one_readable_line() {
        check(
            LogForm::Text,
            speak,
            &expect![[r#"
            2026-11-20T03:00:00Z INFO  a \"line\"\nand another member.id=8 ok=true request.id="req_1"
            2026-11-20T03:00:00Z ERROR read hold row error="an error occurred when formatting an argument" request.id="req_1" member.id=7
        "#]],
        );
    }
}
