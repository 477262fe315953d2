use std::sync::Arc;

use serde::{Deserialize, Serialize};

use web::{
    ApiDocument,
    ApiTitle,
    Json,
    Operation,
    PageRequest,
    Paged,
    ProblemKind,
    Query,
    Routes,
    ServerOptions,
    get,
    post,
    testing::{Client, door},
    // Its derives write paths that begin with this name.
    utoipa,
};

#[derive(Debug, Serialize, Deserialize, web::ToSchema)]
struct Hold {
    /// Whole minor units.
    amount: i64,
    state: HoldState,
}

#[derive(Debug, Serialize, Deserialize, web::ToSchema)]
#[serde(rename_all = "snake_case")]
enum HoldState {
    Open,
    Voided,
}

static FROZEN: ProblemKind = ProblemKind {
    code: "account_frozen",
    status: web::ErrorStatus::CONFLICT,
    title: "The account is frozen",
    meaning: "Thaw it first.",
};

async fn place(Json(hold): Json<Hold>) -> Json<Hold> {
    Json(hold)
}

async fn list(Query(_page): Query<PageRequest>) -> Json<Paged<Hold>> {
    Json(Paged { items: Vec::new(), next: None })
}

fn routes() -> Routes {
    let placing = Operation::new("Reserves points").takes::<Hold>().gives::<Hold>(201);
    let listing = Operation::new("Lists holds").query::<PageRequest>().gives::<Paged<Hold>>(200);
    Routes::of("wallet")
        .on(
            post("/api/v1/holds", "hold.place").idempotent().describe(placing.refuses(&[&FROZEN])),
            place,
        )
        .on(get("/api/v1/members/{member}/holds", "hold.see").describe(listing), list)
        .on(get("/healthz", "public"), || async { "ok" })
}

const TITLE: ApiTitle = ApiTitle { title: "Daifuku API", version: "1", description: "Points." };

#[test]
fn the_document_is_the_route_table() {
    let routes = routes();
    let document = ApiDocument::try_new(TITLE, &routes.list()).unwrap();
    assert_eq!(document.operations(), ["GET /api/v1/members/{member}/holds", "POST /api/v1/holds"]);
    let json = document.json();
    let at = |pointer: &str| json.pointer(pointer).unwrap_or_else(|| panic!("{pointer}: {json:#}"));
    let hold = "#/components/schemas/Hold";
    let body = "/paths/~1api~1v1~1holds/post/requestBody/content/application~1json/schema/$ref";
    assert_eq!(at(body), hold);
    let items = "/paths/~1api~1v1~1members~1{member}~1holds/get/responses/200/content/application~1json/schema/properties/items/items/type";
    assert_eq!(at(items), "object", "a list says itself what it is of, for no schema does");
    at("/components/schemas/HoldState");
    let refused = "/paths/~1api~1v1~1holds/post/responses/409/description";
    assert_eq!(at(refused), "`account_frozen`: The account is frozen");
    for status in ["400", "401", "403", "413", "415", "422", "429", "500", "503", "504"] {
        at(&format!("/paths/~1api~1v1~1holds/post/responses/{status}/$ref"));
    }
    let parameters = at("/paths/~1api~1v1~1members~1{member}~1holds/get/parameters");
    let names: Vec<_> =
        parameters.as_array().unwrap().iter().map(|p| p["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["member", "limit", "after"]);
}

#[test]
fn a_route_without_a_description_is_found() {
    let routes: Routes = Routes::of("a").on(get("/api/v1/a", "a"), || async {});
    assert!(ApiDocument::try_new(TITLE, &routes.list()).is_err(), "it has none");
}

#[tokio::test]
async fn the_document_and_its_pages_are_served() {
    let document = ApiDocument::try_new(TITLE, &routes().list()).unwrap();
    let door = door(routes().and(document.routes()), ServerOptions::default()).unwrap();
    let client = Client::new(Arc::new(door));
    let json: serde_json::Value = client.get("/api/openapi.json").await.json();
    assert_eq!(json["openapi"], "3.1.0");
    let index = client.get("/api").await.text;
    for part in ["POST /api/v1/holds", "Reserves points", "href=\"/api/operations/post_holds\""] {
        assert!(index.contains(part), "{part} in {index}");
    }
    let page = client.get("/api/operations/post_holds").await.text;
    for part in ["account_frozen", "Whole minor units.", "curl -X POST", "id=\"schema-HoldState\""]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
    assert_eq!(client.get("/api/operations/post_moon").await.status, 404);
}
