//! The OpenAPI 3.1 document, assembled from the route table, and its page for people.
//!
//! A route describes its own operation ([`crate::Route::describe`]); what is the same for all (who
//! may call, which problems can come) is added here, in one place.

use std::{borrow::Cow, collections::BTreeMap, sync::Arc};

use askama::Template;
use axum::{
    body::{Body, Bytes},
    extract::State,
    http::{HeaderValue, header},
    response::Response,
};
use serde_json::{Map, Value, json};
use utoipa::{
    IntoParams, ToSchema,
    openapi::{
        RefOr,
        path::{Parameter, ParameterIn},
        schema::Schema,
    },
};

use crate::{
    components::Html,
    extract::Path,
    page::View,
    problem::{NOT_FOUND, PROBLEM_JSON, Problem, ProblemKind},
    route::{Route, RouteError, Routes, get},
};

type Schemas = Vec<(String, RefOr<Schema>)>;

/// How a type appears in the document.
#[derive(Clone, Copy, Debug)]
struct SchemaOf {
    name: fn() -> Cow<'static, str>,
    own: fn() -> RefOr<Schema>,
    others: fn(&mut Schemas),
    /// A generic type's name says nothing of its parameter, so its schema stands where it is used.
    inline: bool,
}

impl SchemaOf {
    fn new<T: ToSchema>() -> Self {
        let inline = core::any::type_name::<T>().contains('<');
        Self { name: T::name, own: T::schema, others: T::schemas, inline }
    }

    fn place(self, schemas: &mut BTreeMap<String, Value>) -> Value {
        let mut others = Vec::new();
        (self.others)(&mut others);
        for (name, schema) in others {
            schemas.insert(name, to_value(&schema));
        }
        if self.inline {
            return to_value(&(self.own)());
        }
        let name = (self.name)();
        let reference = json!({ "$ref": format!("#/components/schemas/{name}") });
        schemas.insert(name.into_owned(), to_value(&(self.own)()));
        reference
    }
}

fn to_value(schema: &impl serde::Serialize) -> Value {
    serde_json::to_value(schema).unwrap_or_default()
}

/// What an operation takes, gives and refuses, for the document.
#[derive(Clone, Debug)]
pub struct Operation {
    summary: &'static str,
    description: &'static str,
    takes: Option<(&'static str, Option<SchemaOf>)>,
    gives: Vec<(u16, &'static str, Option<SchemaOf>)>,
    queries: Vec<fn() -> Vec<Parameter>>,
    headers: Vec<(&'static str, &'static str)>,
    refusals: Vec<&'static ProblemKind>,
}

impl Operation {
    /// Begins with one line in the third person: `Reserves points at a till`.
    pub const fn new(summary: &'static str) -> Self {
        Self {
            summary,
            description: "",
            takes: None,
            gives: Vec::new(),
            queries: Vec::new(),
            headers: Vec::new(),
            refusals: Vec::new(),
        }
    }

    /// Explains: units, limits, what happens on a repeat.
    pub const fn description(mut self, text: &'static str) -> Self {
        self.description = text;
        self
    }

    /// Takes a JSON body.
    pub fn takes<T: ToSchema>(mut self) -> Self {
        self.takes = Some(("application/json", Some(SchemaOf::new::<T>())));
        self
    }

    /// Takes a body of another media type, such as `application/x-ndjson` or `text/csv`.
    pub const fn takes_raw(mut self, media_type: &'static str) -> Self {
        self.takes = Some((media_type, None));
        self
    }

    /// Gives JSON with this status.
    pub fn gives<T: ToSchema>(mut self, status: u16) -> Self {
        self.gives.push((status, "application/json", Some(SchemaOf::new::<T>())));
        self
    }

    /// Gives another media type, or nothing when it is empty (204).
    pub fn gives_raw(mut self, status: u16, media_type: &'static str) -> Self {
        self.gives.push((status, media_type, None));
        self
    }

    /// Takes query parameters.
    pub fn query<T: IntoParams>(mut self) -> Self {
        self.queries.push(|| T::into_params(|| Some(ParameterIn::Query)));
        self
    }

    /// Takes a header, optional.
    pub fn header(mut self, name: &'static str, description: &'static str) -> Self {
        self.headers.push((name, description));
        self
    }

    /// Names the business refusals that can come, beside those that every operation has.
    pub fn refuses(mut self, kinds: &[&'static ProblemKind]) -> Self {
        self.refusals.extend(kinds);
        self
    }
}

/// What the document says of the whole API.
#[derive(Clone, Copy, Debug)]
pub struct ApiTitle {
    /// The name.
    pub title: &'static str,
    /// The product's version.
    pub version: &'static str,
    /// A paragraph or two.
    pub description: &'static str,
}

/// The finished document.
#[derive(Clone, Debug)]
pub struct ApiDocument {
    json: Value,
}

/// Only paths that start so are part of the public API.
const API: &str = "/api/v";

impl ApiDocument {
    /// Assembles the document of every route under `/api/v`.
    ///
    /// # Errors
    ///
    /// [`RouteError::Undescribed`] for one without a description.
    pub fn try_new(title: ApiTitle, routes: &[&Route]) -> Result<Self, RouteError> {
        let mut schemas = BTreeMap::new();
        let mut paths: BTreeMap<&str, Map<String, Value>> = BTreeMap::new();
        for route in routes.iter().filter(|route| route.path.starts_with(API)) {
            let Some(operation) = &route.operation else {
                let method = route.method.to_string();
                return Err(RouteError::Undescribed { method, path: route.path });
            };
            let method = route.method.as_str().to_ascii_lowercase();
            let described = describe(route, operation, &mut schemas);
            paths.entry(route.path).or_default().insert(method, described);
        }
        schemas.insert("Problem".to_owned(), problem_schema());
        let named = schemas.clone();
        for schema in schemas.values_mut() {
            merge(schema, &named);
        }
        let json = json!({
            "openapi": "3.1.0",
            "info": {
                "title": title.title,
                "version": title.version,
                "description": title.description,
            },
            "paths": paths,
            "components": {
                "schemas": schemas,
                "responses": problem_responses(),
                "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } },
            },
        });
        Ok(Self { json })
    }

    /// Gives the document as a value.
    pub const fn json(&self) -> &Value {
        &self.json
    }

    /// Writes the golden file `openapi.json`: indented, keys in order.
    pub fn to_text(&self) -> String {
        let mut text = serde_json::to_string_pretty(&self.json).unwrap_or_default();
        text.push('\n');
        text
    }

    /// Lists `METHOD path` of every operation, to compare with the route table.
    pub fn operations(&self) -> Vec<String> {
        let mut found = Vec::new();
        for (path, item) in entries(&self.json, "paths") {
            for (method, _) in item.as_object().into_iter().flatten() {
                found.push(format!("{} {path}", method.to_uppercase()));
            }
        }
        found.sort_unstable();
        found
    }

    /// Gives the routes of the document (`/api/openapi.json`) and of its pages: `/api` lists the
    /// operations, of which each has its own.
    pub fn routes(self) -> Routes {
        let text = serde_json::to_vec(&self.json).unwrap_or_default();
        let served = Arc::new(Served { reference: Reference::of(&self.json), json: text.into() });
        Routes::of("web")
            .on(get("/api/openapi.json", "public"), document)
            .on(get("/api", "public"), reference)
            .on(get("/api/operations/{operation}", "public"), operation)
            .with_state(&served)
    }
}

/// Makes one object of `allOf`, in which each part would refuse the members of the others.
fn merge(schema: &mut Value, named: &BTreeMap<String, Value>) {
    match schema {
        Value::Array(items) => items.iter_mut().for_each(|item| merge(item, named)),
        Value::Object(members) => {
            members.values_mut().for_each(|member| merge(member, named));
            let Some(Value::Array(parts)) = members.remove("allOf") else { return };
            for part in parts {
                let part = referred(&part, named).unwrap_or(part);
                take_in(members, part);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn referred(schema: &Value, named: &BTreeMap<String, Value>) -> Option<Value> {
    let reference = schema.get("$ref")?.as_str()?;
    named.get(reference.rsplit('/').next()?).cloned()
}

/// Takes in what another schema says, and what both say as this one does.
fn take_in(members: &mut Map<String, Value>, other: Value) {
    let Value::Object(other) = other else { return };
    for (key, value) in other {
        match (members.get_mut(&key), value) {
            (Some(Value::Object(own)), Value::Object(more)) => {
                for (name, schema) in more {
                    own.entry(name).or_insert(schema);
                }
            }
            (Some(Value::Array(own)), Value::Array(more)) => own.extend(more),
            (Some(_), _) => {}
            (None, value) => {
                members.insert(key, value);
            }
        }
    }
}

fn entries<'a>(value: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    value.get(key).and_then(Value::as_object).into_iter().flatten()
}

fn describe(route: &Route, operation: &Operation, schemas: &mut BTreeMap<String, Value>) -> Value {
    let mut described = Map::new();
    described.insert("operationId".to_owned(), json!(operation_id(route)));
    described.insert("tags".to_owned(), json!([route.feature]));
    described.insert("summary".to_owned(), json!(operation.summary));
    if !operation.description.is_empty() {
        described.insert("description".to_owned(), json!(operation.description));
    }
    let parameters = parameters(route, operation);
    if !parameters.is_empty() {
        described.insert("parameters".to_owned(), Value::Array(parameters));
    }
    if let Some((media_type, schema)) = operation.takes {
        let schema = schema.map_or(json!({ "type": "string" }), |schema| schema.place(schemas));
        let body = json!({ "required": true, "content": { media_type: { "schema": schema } } });
        described.insert("requestBody".to_owned(), body);
    }
    described.insert("responses".to_owned(), responses(route, operation, schemas));
    if route.need != "public" {
        described.insert("security".to_owned(), json!([{ "key": [] }]));
        described.insert("x-need".to_owned(), json!(route.need));
    }
    Value::Object(described)
}

/// Makes an id of method and path, which are unique together: `post_holds_id_capture`.
fn operation_id(route: &Route) -> String {
    let mut id = route.method.as_str().to_ascii_lowercase();
    let parts = route.path.split('/').filter(|part| !part.is_empty()).skip(2);
    for part in parts {
        id.push('_');
        id.extend(part.chars().filter(|c| c.is_ascii_alphanumeric() || "-_.".contains(*c)));
    }
    id.replace(['-', '.'], "_")
}

fn parameters(route: &Route, operation: &Operation) -> Vec<Value> {
    let in_path = route.path.split('/').filter_map(|part| {
        let name = part.strip_prefix('{')?.strip_suffix('}')?.trim_start_matches('*');
        let schema = json!({ "type": "string" });
        Some(json!({ "name": name, "in": "path", "required": true, "schema": schema }))
    });
    let in_query = operation.queries.iter().flat_map(|list| list()).map(|found| to_value(&found));
    let in_header = operation.headers.iter().map(|(name, description)| {
        let schema = json!({ "type": "string" });
        json!({ "name": name, "in": "header", "description": description, "schema": schema })
    });
    in_path.chain(in_query).chain(in_header).collect()
}

fn responses(route: &Route, operation: &Operation, schemas: &mut BTreeMap<String, Value>) -> Value {
    let mut found = Map::new();
    for (status, media_type, schema) in &operation.gives {
        let mut response = json!({ "description": "done" });
        if !media_type.is_empty() {
            let schema = schema.map_or(json!({ "type": "string" }), |schema| schema.place(schemas));
            response = json!({
                "description": "done",
                "content": { *media_type: { "schema": schema } },
            });
        }
        found.insert(status.to_string(), response);
    }
    let reads = operation.takes.is_some();
    let reads_parameters = !operation.queries.is_empty() || !operation.headers.is_empty();
    let guarded = route.need != "public";
    let common = [
        (400, reads),
        (401, guarded),
        (403, guarded),
        (404, route.path.contains('{')),
        (408, reads),
        (409, !route.method.is_safe()),
        (413, true),
        (415, reads),
        (422, reads || reads_parameters),
        (429, true),
        (431, !operation.headers.is_empty()),
        (500, true),
        (503, true),
        (504, true),
    ];
    for (status, fits) in common {
        let own: Vec<_> =
            operation.refusals.iter().filter(|kind| kind.status.code() == status).collect();
        if fits && own.is_empty() {
            let reference = format!("#/components/responses/problem{status}");
            found.insert(status.to_string(), json!({ "$ref": reference }));
        }
    }
    for kind in &operation.refusals {
        let status = kind.status.code();
        let same = operation.refusals.iter().filter(|other| other.status.code() == status);
        let codes: Vec<_> =
            same.map(|other| format!("`{}`: {}", other.code, other.title)).collect();
        found.insert(status.to_string(), problem_response(&codes.join(BETWEEN_REFUSALS)));
    }
    Value::Object(found)
}

/// What stands between the refusals of one status.
const BETWEEN_REFUSALS: &str = "; ";

fn problem_response(description: &str) -> Value {
    let schema = json!({ "$ref": "#/components/schemas/Problem" });
    json!({ "description": description, "content": { PROBLEM_JSON: { "schema": schema } } })
}

fn problem_responses() -> Value {
    let table = [
        (400, "The request cannot be read."),
        (401, "Nobody is signed in."),
        (403, "Whoever is acting may not do this."),
        (404, "Nothing is here."),
        (409, "It does not fit with what is there."),
        (408, "The body came too slowly."),
        (413, "The body is too large."),
        (415, "The body's media type is not read here."),
        (422, "A field is wrong; `errors` names it."),
        (429, "Too many requests; see `Retry-After`."),
        (500, "A fault of ours, logged under the request id."),
        (503, "Not now; see `Retry-After`."),
        (431, "A header is too large."),
        (504, "Not done in time; repeat with the same idempotency key."),
    ];
    let responses: Map<String, Value> = table
        .iter()
        .map(|(status, text)| (format!("problem{status}"), problem_response(text)))
        .collect();
    Value::Object(responses)
}

fn problem_schema() -> Value {
    json!({
        "type": "object",
        "description": "RFC 9457",
        "required": ["type", "title", "status", "code"],
        "properties": {
            "type": { "type": "string", "description": "The page of the code." },
            "title": { "type": "string", "description": "Fixed per code." },
            "status": { "type": "integer", "minimum": 400, "maximum": 599 },
            "detail": { "type": "string", "description": "What happened in this case." },
            "instance": { "type": "string", "description": "The request id." },
            "code": { "type": "string", "description": "Stable; decide on this." },
            "errors": { "type": "array", "items": {
                "type": "object",
                "required": ["pointer", "detail"],
                "properties": {
                    "pointer": { "type": "string", "description": "JSON pointer, or `query:name`." },
                    "detail": { "type": "string" },
                },
            } },
        },
    })
}

#[derive(Debug)]
struct Served {
    json: Bytes,
    reference: Reference,
}

async fn document(State(served): State<Arc<Served>>) -> Response {
    let mut response = Response::new(Body::from(served.json.clone()));
    let json = HeaderValue::from_static("application/json");
    response.headers_mut().insert(header::CONTENT_TYPE, json);
    response
}

async fn reference(State(served): State<Arc<Served>>, view: View) -> Response {
    let reference = &served.reference;
    view.page(reference.title.as_str()).cache_s(300).show(reference)
}

async fn operation(
    State(served): State<Arc<Served>>,
    view: View,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let reference = &served.reference;
    let mut operations = reference.tags.iter().flat_map(|(_, operations)| operations);
    let operation = operations.find(|operation| operation.id == id);
    let operation = operation.ok_or(Problem::new(&NOT_FOUND))?;
    let title = format!("{} {}", operation.method, operation.path);
    let main = OperationMain { title: &reference.title, operation };
    Ok(view.page(title).cache_s(300).show(&main))
}

/// The reference's first page, which lists the operations; made from the document and nothing else.
#[derive(Debug, Template)]
#[template(path = "reference.html")]
struct Reference {
    title: String,
    description: Html,
    tags: Vec<(String, Vec<ReferenceOperation>)>,
}

/// The page of one operation, with every schema that it speaks of.
#[derive(Debug, Template)]
#[template(path = "reference_operation.html")]
struct OperationMain<'a> {
    title: &'a str,
    operation: &'a ReferenceOperation,
}

#[derive(Debug)]
struct ReferenceOperation {
    id: String,
    method: String,
    path: String,
    summary: String,
    description: Html,
    need: String,
    parameters: Vec<ReferenceField>,
    takes: Vec<(String, Shape)>,
    /// What this operation gives and refuses in a way of its own.
    answers: Vec<ReferenceAnswer>,
    /// The problems that it shares with all others: status and meaning.
    problems: Vec<(String, Html)>,
    example: String,
    schemas: Vec<ReferenceSchema>,
}

#[derive(Debug)]
struct ReferenceAnswer {
    status: String,
    shape: Shape,
    /// One for each refusal of this status.
    meanings: Vec<Html>,
}

#[derive(Debug)]
struct ReferenceSchema {
    name: String,
    shape: Shape,
    fields: Vec<ReferenceField>,
}

#[derive(Debug)]
struct ReferenceField {
    name: String,
    shape: Shape,
    note: Html,
    required: bool,
}

/// A schema in a word or two, and the component it leads to.
#[derive(Debug, Default)]
struct Shape {
    text: String,
    target: Option<String>,
}

fn text_of(value: &Value, key: &str) -> String {
    value.get(key).and_then(Value::as_str).unwrap_or_default().to_owned()
}

impl Reference {
    fn of(document: &Value) -> Self {
        let empty = Value::Null;
        let part = |key: &str| document.get(key).unwrap_or(&empty);
        let mut tags: BTreeMap<String, Vec<ReferenceOperation>> = BTreeMap::new();
        for (path, item) in entries(document, "paths") {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let tag = operation.pointer("/tags/0").and_then(Value::as_str).unwrap_or("");
                let described = ReferenceOperation::of(document, method, path, operation);
                tags.entry(tag.to_owned()).or_default().push(described);
            }
        }
        Self {
            title: text_of(part("info"), "title"),
            description: Html::prose(&text_of(part("info"), "description")),
            tags: tags.into_iter().collect(),
        }
    }
}

impl ReferenceOperation {
    fn of(document: &Value, method: &str, path: &str, operation: &Value) -> Self {
        let parameters = operation.get("parameters").and_then(Value::as_array);
        let parameters = parameters.into_iter().flatten().map(|parameter| {
            let place = text_of(parameter, "in");
            let note = match text_of(parameter, "description") {
                text if text.is_empty() => place,
                text => format!("{place}: {text}"),
            };
            ReferenceField {
                name: text_of(parameter, "name"),
                shape: parameter.get("schema").map(Shape::of).unwrap_or_default(),
                note: Html::prose(&note),
                required: parameter.get("required").and_then(Value::as_bool).unwrap_or(false),
            }
        });
        let body = operation.get("requestBody").unwrap_or(&Value::Null);
        let takes: Vec<_> = contents(body).collect();
        let (mut answers, mut problems) = (Vec::new(), Vec::new());
        for (status, response) in entries(operation, "responses") {
            let shared = response.get("$ref").and_then(Value::as_str);
            let shared = shared.and_then(|path| document.pointer(path.trim_start_matches('#')));
            let meaning = text_of(shared.unwrap_or(response), "description");
            if shared.is_some() {
                problems.push((status.clone(), Html::prose(&meaning)));
            } else {
                let shape = contents(response).next().map(|(_, shape)| shape);
                answers.push(ReferenceAnswer {
                    status: status.clone(),
                    shape: shape.unwrap_or_default(),
                    meanings: meaning.split(BETWEEN_REFUSALS).map(Html::prose).collect(),
                });
            }
        }
        Self {
            id: text_of(operation, "operationId"),
            method: method.to_uppercase(),
            path: path.to_owned(),
            summary: text_of(operation, "summary"),
            description: Html::prose(&text_of(operation, "description")),
            need: text_of(operation, "x-need"),
            example: example(method, path, operation, takes.first()),
            parameters: parameters.collect(),
            takes,
            answers,
            problems,
            schemas: schemas_of(document, operation),
        }
    }
}

/// Gives every schema that an operation speaks of, and those that these speak of, in the order in
/// which a reader meets them.
fn schemas_of(document: &Value, operation: &Value) -> Vec<ReferenceSchema> {
    let mut names = Vec::new();
    let body = operation.get("requestBody");
    collect_names(body.unwrap_or(&Value::Null), &mut names);
    collect_names(operation, &mut names);
    let mut schemas = Vec::new();
    while let Some(name) = names.get(schemas.len()).cloned() {
        let schema = document.pointer(&format!("/components/schemas/{name}"));
        let schema = schema.unwrap_or(&Value::Null);
        collect_names(schema, &mut names);
        schemas.push(ReferenceSchema { shape: Shape::of(schema), fields: fields(schema), name });
    }
    schemas
}

/// Adds the names of the schemas that a part of the document refers to, each once.
fn collect_names(part: &Value, names: &mut Vec<String>) {
    match part {
        Value::Object(fields) => {
            let reference = fields.get("$ref").and_then(Value::as_str);
            let name = reference.and_then(|path| path.strip_prefix("#/components/schemas/"));
            if let Some(name) = name
                && !names.iter().any(|known| known == name)
            {
                names.push(name.to_owned());
            }
            fields.values().for_each(|field| collect_names(field, names));
        }
        Value::Array(items) => items.iter().for_each(|item| collect_names(item, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn contents(value: &Value) -> impl Iterator<Item = (String, Shape)> {
    entries(value, "content").map(|(media_type, content)| {
        (media_type.clone(), content.get("schema").map(Shape::of).unwrap_or_default())
    })
}

fn example(method: &str, path: &str, operation: &Value, takes: Option<&(String, Shape)>) -> String {
    let mut text = format!("curl -X {} \"$DAIFUKU{path}\"", method.to_uppercase());
    if operation.get("security").is_some() {
        text.push_str(" \\\n  -H \"Authorization: Bearer $KEY\"");
    }
    if let Some((media_type, _)) = takes {
        text.push_str(" \\\n  -H \"Content-Type: ");
        text.push_str(media_type);
        text.push_str("\" \\\n  --data-binary @body");
    }
    text
}

fn fields(schema: &Value) -> Vec<ReferenceField> {
    let required = schema.get("required").and_then(Value::as_array);
    let required: Vec<_> = required.into_iter().flatten().filter_map(Value::as_str).collect();
    let field = |(name, field): (&String, &Value)| ReferenceField {
        name: name.clone(),
        shape: Shape::of(field),
        note: Html::prose(&text_of(field, "description")),
        required: required.contains(&name.as_str()),
    };
    entries(schema, "properties").map(field).collect()
}

impl Shape {
    fn of(schema: &Value) -> Self {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or_default().to_owned();
            return Self { text: name.clone(), target: Some(name) };
        }
        if let Some(items) = schema.get("items") {
            let of = Self::of(items);
            return Self { text: format!("[{}]", of.text), target: of.target };
        }
        if let Some(Value::Object(fields)) = schema.get("properties") {
            let shapes = || fields.iter().map(|(name, field)| (name, Self::of(field)));
            let texts: Vec<_> = shapes().map(|(name, of)| format!("{name}: {}", of.text)).collect();
            let target = shapes().find_map(|(_, of)| of.target);
            return Self { text: format!("{{ {} }}", texts.join(", ")), target };
        }
        Self { text: words_of(schema), target: None }
    }
}

fn words_of(schema: &Value) -> String {
    let choices = schema.get("oneOf").or_else(|| schema.get("enum")).and_then(Value::as_array);
    if let Some(choices) = choices {
        let name = |choice: &Value| match choice.as_str() {
            Some(text) => text.to_owned(),
            None => Shape::of(choice).text,
        };
        return choices.iter().map(name).collect::<Vec<_>>().join(" | ");
    }
    match schema.get("type") {
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" | ")
        }
        Some(Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_)) | None => {
            String::new()
        }
    }
}
