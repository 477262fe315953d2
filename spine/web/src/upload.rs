//! A form with one file (`multipart/form-data`), as browsers send it.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Request},
    http::header,
};
use multer::{Constraints, Multipart, SizeLimit};

use crate::{
    context::RequestContext,
    extract::too_large,
    problem::{BODY_INCOMPLETE, INVALID_FIELD, Problem, UNSUPPORTED_MEDIA_TYPE},
};

/// The most bytes of all other fields together.
const FIELDS_MAX: usize = 64 * 1024;
/// The most fields.
const FIELD_COUNT_MAX: usize = 64;

/// A file as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UploadedFile {
    /// The field it was in.
    pub field: String,
    /// The name that the browser gave; a text from outside, never a path of ours. May be empty.
    pub name: String,
    /// The bytes.
    pub bytes: Bytes,
}

/// A form with at most one file; the whole body has at most the route's `body_max` bytes.
///
/// Refuses another media type (415), too many bytes (413), a body that ends too early (400), and a
/// second file, too many fields or a field that is no text (422).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Upload {
    /// The file; `None` when none was chosen.
    pub file: Option<UploadedFile>,
    /// The other fields, in order.
    pub fields: Vec<(String, String)>,
}

impl Upload {
    /// Gives the first field of a name.
    pub fn field(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    async fn read(mut form: Multipart<'_>, max: u64) -> Result<Self, Problem> {
        let mut upload = Self::default();
        let (mut count, mut text_bytes) = (0_usize, 0_usize);
        while let Some(field) = form.next_field().await.map_err(|error| refusal(&error, max))? {
            count = count.saturating_add(1);
            let name = field.name().unwrap_or_default().to_owned();
            let file_name = field.file_name().map(str::to_owned);
            let bytes = field.bytes().await.map_err(|error| refusal(&error, max))?;
            let Some(file_name) = file_name else {
                text_bytes = text_bytes.saturating_add(bytes.len()).saturating_add(name.len());
                if count > FIELD_COUNT_MAX || text_bytes > FIELDS_MAX {
                    return Err(wrong(&name, "is one field too many"));
                }
                let text = String::from_utf8(bytes.to_vec());
                let text = text.map_err(|_bytes| wrong(&name, "is not UTF-8"))?;
                upload.fields.push((name, text));
                continue;
            };
            // A file field that was left alone is sent without a name and without bytes.
            if file_name.is_empty() && bytes.is_empty() {
                continue;
            }
            if upload.file.is_some() {
                return Err(wrong(&name, "is a second file"));
            }
            upload.file = Some(UploadedFile { field: name, name: file_name, bytes });
        }
        Ok(upload)
    }
}

impl<S: Sync> FromRequest<S> for Upload {
    type Rejection = Problem;

    async fn from_request(request: Request, _state: &S) -> Result<Self, Problem> {
        let (parts, body): (_, Body) = request.into_parts();
        let kind = parts.headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let Some(boundary) = kind.and_then(|kind| multer::parse_boundary(kind).ok()) else {
            let detail = "send multipart/form-data";
            return Err(Problem::new(&UNSUPPORTED_MEDIA_TYPE).detail(detail));
        };
        let max = RequestContext::of(&parts)?.body_max;
        let limits = Constraints::new().size_limit(SizeLimit::new().whole_stream(max));
        let form = Multipart::with_constraints(body.into_data_stream(), boundary, limits);
        Self::read(form, max).await
    }
}

fn wrong(field: &str, detail: &str) -> Problem {
    Problem::new(&INVALID_FIELD).field(format!("/{field}"), detail)
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the enum is not ours and non-exhaustive")]
fn refusal(error: &multer::Error, max: u64) -> Problem {
    match error {
        multer::Error::StreamSizeExceeded { .. } | multer::Error::FieldSizeExceeded { .. } => {
            too_large(max)
        }
        // The body ended before its closing boundary, or has no form that can be read.
        _ => Problem::new(&BODY_INCOMPLETE),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        Json, Method, Routes, ServerOptions, post,
        testing::{Answer, Client, door},
    };

    async fn echo(upload: Upload) -> Json<(String, usize, Option<String>)> {
        let memo = upload.field("memo").map(str::to_owned);
        let file = upload.file.as_ref();
        Json((
            file.map_or_else(String::new, |file| format!("{} {}", file.field, file.name)),
            file.map_or(0, |file| file.bytes.len()),
            memo,
        ))
    }

    fn send(media_type: &str, body: &str) -> Answer {
        let routes = Routes::of("test").on(post("/upload", "public").body_max(600), echo);
        let client =
            Client::new(std::sync::Arc::new(door(routes, ServerOptions::default()).unwrap()));
        let body = body.replace('\n', "\r\n").into_bytes();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        runtime.block_on(client.send(Method::POST, "/upload", media_type, body))
    }

    const FORM: &str = "multipart/form-data; boundary=XX";

    fn part(name: &str, file: Option<&str>, text: &str) -> String {
        let file = file.map_or_else(String::new, |file| format!("; filename=\"{file}\""));
        format!("--XX\nContent-Disposition: form-data; name=\"{name}\"{file}\n\n{text}\n")
    }

    #[test]
    fn a_file_and_its_fields_are_read() {
        let body =
            format!("{}{}--XX--\n", part("memo", None, "10月"), part("file", Some("a.csv"), "1,2"));
        let answer = send(FORM, &body);
        let found: (String, usize, Option<String>) = answer.json();
        assert_eq!(found, ("file a.csv".to_owned(), 3, Some("10月".to_owned())));
    }

    #[test]
    fn a_field_left_alone_is_no_file() {
        let body = format!("{}--XX--\n", part("file", Some(""), ""));
        let found: (String, usize, Option<String>) = send(FORM, &body).json();
        assert_eq!(found, (String::new(), 0, None));
    }

    #[test]
    fn what_is_no_such_form_is_refused() {
        let file = |text: &str| part("file", Some("a.csv"), text);
        let table = [
            ("text/csv", "1,2".to_owned(), "unsupported_media_type"),
            (FORM, format!("{}--XX--\n", file(&"x".repeat(700))), "payload_too_large"),
            (FORM, file("1,2"), "body_incomplete"),
            (FORM, format!("{}{}--XX--\n", file("1"), file("2")), "invalid_field"),
        ];
        for (media_type, body, code) in table {
            let answer = send(media_type, &body);
            assert_eq!(answer.problem_code(), code, "{media_type} {}", answer.text);
        }
    }
}
