use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

use crate::stage::{OURS, Stage, THEIRS, play, problem, told};
use bank::{DeliveryRun, deliver_due};
use web::{
    HeaderMap, Method, Outgoing, OutgoingOptions, RawBody, Reach, Routes, ServerOptions, State,
    StatusCode, post,
    testing::{Client, door},
};

/// A request that came.
type Came = (HeaderMap, Vec<u8>);

/// A receiver of webhooks: keeps what came and answers as it is told, 204 unless told otherwise.
#[derive(Clone, Default)]
struct Receiver {
    came: Arc<Mutex<Vec<Came>>>,
    answers: Arc<Mutex<VecDeque<u16>>>,
}

async fn receive(
    State(receiver): State<Receiver>,
    headers: HeaderMap,
    RawBody(body): RawBody,
) -> StatusCode {
    receiver.came.lock().unwrap().push((headers, body.to_vec()));
    let answer = receiver.answers.lock().unwrap().pop_front().unwrap_or(204);
    StatusCode::from_u16(answer).unwrap()
}

impl Receiver {
    /// Listens on a free port for as long as the stage stands.
    fn listen(&self, stage: &Stage) -> String {
        let routes = Routes::of("receiver").on(post("/hooks", "public"), receive).with_state(self);
        let options =
            ServerOptions { listen: ([127, 0, 0, 1], 0).into(), ..ServerOptions::default() };
        stage.block_on(async {
            let listener = web::bind(&options).await.unwrap();
            let url = format!("http://{}/hooks", listener.local_addr().unwrap());
            let door = Arc::new(door(routes, options).unwrap());
            drop(tokio::spawn(web::serve(listener, door, core::future::pending())));
            url
        })
    }

    fn answer(&self, statuses: &[u16]) {
        self.answers.lock().unwrap().extend(statuses);
    }

    fn take(&self) -> Vec<Came> {
        core::mem::take(&mut *self.came.lock().unwrap())
    }
}

fn run(stage: &Stage) -> (usize, usize, usize) {
    let options = OutgoingOptions { reach: Reach::PublicAndLoopback, ..OutgoingOptions::default() };
    let outgoing = Outgoing::try_new(options, &[]).unwrap();
    let DeliveryRun { noted, delivered, failed } =
        stage.block_on(deliver_due(&stage.bank, &outgoing)).unwrap();
    (noted, delivered, failed)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers[name].to_str().unwrap()
}

/// Signs as a receiver's library does, from the secret's text alone.
fn signature(secret: &Value, headers: &HeaderMap, body: &[u8]) -> String {
    let secret = secret.as_str().unwrap().strip_prefix("whsec_").unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&STANDARD.decode(secret).unwrap()).unwrap();
    let (id, at) = (text(headers, "webhook-id"), text(headers, "webhook-timestamp"));
    mac.update(format!("{id}.{at}.").as_bytes());
    mac.update(body);
    format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

fn add(stage: &Stage, client: &Client, url: &str, types: &[&str]) -> Value {
    let form = json!({"id": "main", "url": url, "types": types});
    let answer = stage.post(client, "/api/v1/webhooks", &form);
    assert_eq!(answer.status, 201, "{}", answer.text);
    answer.json()
}

fn path(endpoint: &Value, rest: &str) -> String {
    format!("/api/v1/webhooks/{}{rest}", endpoint["id"].as_str().unwrap())
}

#[test]
fn events_are_delivered_once_and_signed() {
    play(|stage| {
        let (ours, receiver) = (stage.client(OURS), Receiver::default());
        let url = receiver.listen(stage);
        stage.wallet(&ours, "PT", 1);
        let endpoint = add(stage, &ours, &url, &["points.granted", "hold.placed"]);
        let again: Value = stage
            .post(
                &ours,
                "/api/v1/webhooks",
                &json!({"id": "main", "url": url,
                "types": ["hold.placed", "points.granted"]}),
            )
            .json();
        assert_eq!(again["secret"], endpoint["secret"], "a lost reply is told again");
        assert_eq!(run(stage), (0, 0, 0), "what happened before is not sent");
        let wallet = stage.wallet(&ours, "PT", 300);
        stage.wallet(&stage.client(THEIRS), "XP", 5);
        let takings = stage.own(&ours, "PT", "takings");
        let spend = json!({"id": "s", "debit": wallet, "credit": takings, "amount": 1});
        stage.post(&ours, "/api/v1/transfers", &spend);
        assert_eq!(run(stage), (1, 1, 0), "the grant, not the transfer, and not theirs");
        assert_eq!(run(stage), (0, 0, 0));
        let came = receiver.take();
        let (headers, body) = &came[0];
        assert_eq!(
            text(headers, "webhook-signature"),
            signature(&endpoint["secret"], headers, body)
        );
        assert_eq!(text(headers, "webhook-timestamp"), "1795143600");
        let event: Value = serde_json::from_slice(body).unwrap();
        assert_eq!(
            (&event["type"], &event["data"]["amount"]),
            (&json!("points.granted"), &json!(300))
        );
        assert_eq!(event["data"]["credit"], json!(wallet));
        assert_eq!(event["id"], text(headers, "webhook-id"));
        let listed: Value = stage.get(&ours, "/api/v1/events?after=1&limit=1").json();
        assert_eq!(listed["items"][0], event, "the list tells the same");
    });
}

#[test]
fn what_does_not_get_through_is_tried_again() {
    play(|stage| {
        let (ours, receiver) = (stage.client(OURS), Receiver::default());
        let endpoint = add(stage, &ours, &receiver.listen(stage), &[]);
        stage.wallet(&ours, "PT", 10);
        stage.wallet(&ours, "PT", 20);
        receiver.answer(&[500]);
        assert_eq!(run(stage), (2, 0, 1), "after a failure the endpoint is left alone");
        assert_eq!(run(stage), (0, 0, 0));
        let first = receiver.take();
        let log: Value = stage.get(&ours, &path(&endpoint, "/deliveries?state=pending")).json();
        assert_eq!(log["items"].as_array().unwrap().len(), 2);
        stage.clock.advance_seconds(6);
        assert_eq!(run(stage), (0, 2, 0));
        let then = receiver.take();
        let ids = |came: &[Came]| -> Vec<String> {
            came.iter().map(|(headers, _)| text(headers, "webhook-id").to_owned()).collect()
        };
        assert!(ids(&then).contains(&ids(&first)[0]), "under the same id");
        let log: Value = stage.get(&ours, &path(&endpoint, "/deliveries?limit=1")).json();
        assert_eq!(
            (&log["items"][0]["seq"], &log["items"][0]["state"]),
            (&json!(2), &json!("delivered"))
        );
        let next = path(
            &endpoint,
            &format!("/deliveries?limit=1&after={}", log["next"].as_str().unwrap()),
        );
        let log: Value = stage.get(&ours, &next).json();
        assert_eq!((&log["items"][0]["seq"], &log["next"]), (&json!(1), &json!(null)));
        let tried = log["items"][0]["attempts"].as_u64().unwrap();
        let one: Value = stage.get(&ours, &path(&endpoint, "/deliveries/1")).json();
        assert_eq!(one["log"].as_array().unwrap().len(), usize::try_from(tried).unwrap());
        let two: Value = stage.get(&ours, &path(&endpoint, "/deliveries/2")).json();
        let mut statuses: Vec<u64> = [one, two]
            .iter()
            .flat_map(|log| log["log"].as_array().unwrap().clone())
            .map(|attempt| attempt["status"].as_u64().unwrap())
            .collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 204, 500]);
    });
}

#[test]
fn a_receiver_that_is_gone_hears_nothing_until_it_is_enabled() {
    play(|stage| {
        let (ours, receiver) = (stage.client(OURS), Receiver::default());
        let endpoint = add(stage, &ours, &receiver.listen(stage), &[]);
        stage.wallet(&ours, "PT", 10);
        receiver.answer(&[410]);
        assert_eq!(run(stage), (1, 0, 1));
        let shown: Value = stage.get(&ours, &path(&endpoint, "")).json();
        assert_eq!((&shown["state"], &shown["secret"]), (&json!("disabled"), &json!(null)));
        stage.wallet(&ours, "PT", 20);
        stage.clock.advance_seconds(100_000);
        assert_eq!(run(stage), (0, 0, 0));
        let enable = json!({"enabled": true});
        let shown = stage.send(&ours, (Method::PATCH, &path(&endpoint, "")), &enable);
        assert_eq!(shown.json::<Value>()["state"], "enabled");
        assert_eq!(run(stage), (1, 1, 0), "what happened meanwhile is sent");
        let failed: Value = stage.get(&ours, &path(&endpoint, "/deliveries?state=failed")).json();
        assert_eq!(failed["items"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn deliveries_are_sent_again_on_request() {
    play(|stage| {
        let (ours, receiver) = (stage.client(OURS), Receiver::default());
        stage.wallet(&ours, "PT", 5);
        let endpoint = add(stage, &ours, &receiver.listen(stage), &[]);
        stage.wallet(&ours, "PT", 10);
        stage.wallet(&ours, "PT", 20);
        assert_eq!(run(stage), (2, 2, 0));
        let replay = path(&endpoint, "/replay");
        assert_eq!(stage.post(&ours, &replay, &json!({"seq": 3})).status, 202);
        assert_eq!(run(stage), (0, 1, 0));
        assert_eq!(stage.post(&ours, &replay, &json!({"from_seq": 1})).status, 202);
        assert_eq!(run(stage), (3, 3, 0), "also what was before the endpoint");
        assert_eq!(receiver.take().len(), 6);
        for form in [json!({}), json!({"seq": 1, "from_seq": 1})] {
            assert_eq!(told(&stage.post(&ours, &replay, &form)), problem(422, "invalid_field"));
        }
        let answer = stage.post(&ours, &replay, &json!({"seq": 9}));
        assert_eq!(told(&answer), problem(404, "not_found"));
    });
}

#[test]
fn both_secrets_sign_for_a_day_after_a_rotation() {
    play(|stage| {
        let (ours, receiver) = (stage.client(OURS), Receiver::default());
        let endpoint = add(stage, &ours, &receiver.listen(stage), &[]);
        let rotate = path(&endpoint, "/rotate");
        let rotated: Value = stage.post(&ours, &rotate, &json!({"generation": 1})).json();
        let again: Value = stage.post(&ours, &rotate, &json!({"generation": 1})).json();
        assert_eq!(rotated["secret"], again["secret"]);
        assert_ne!(rotated["secret"], endpoint["secret"]);
        let answer = stage.post(&ours, &rotate, &json!({"generation": 7}));
        assert_eq!(told(&answer), problem(409, "webhook_generation"));
        stage.wallet(&ours, "PT", 10);
        run(stage);
        stage.clock.advance_seconds(86_400);
        stage.wallet(&ours, "PT", 20);
        run(stage);
        let came = receiver.take();
        let [(day, body), (next, other)] = came.as_slice() else { panic!("{}", came.len()) };
        let sign = |view: &Value, headers, body| signature(&view["secret"], headers, body);
        let both = format!("{} {}", sign(&rotated, day, body), sign(&endpoint, day, body));
        assert_eq!(text(day, "webhook-signature"), both);
        assert_eq!(text(next, "webhook-signature"), sign(&rotated, next, other));
    });
}

#[test]
fn an_endpoint_is_its_companys_and_at_a_good_address() {
    play(|stage| {
        let (ours, theirs) = (stage.client(OURS), stage.client(THEIRS));
        let endpoint = add(stage, &ours, "https://example.jp/hooks", &[]);
        let calls = [
            (Method::GET, "", json!({})),
            (Method::PATCH, "", json!({"enabled": false})),
            (Method::DELETE, "", json!({})),
            (Method::POST, "/rotate", json!({"generation": 1})),
            (Method::POST, "/replay", json!({"from_seq": 1})),
            (Method::POST, "/replay", json!({"seq": 1})),
            (Method::GET, "/deliveries", json!({})),
            (Method::GET, "/deliveries/1", json!({})),
        ];
        for (method, rest, body) in calls {
            let answer = stage.send(&theirs, (method.clone(), &path(&endpoint, rest)), &body);
            assert_eq!(told(&answer), problem(404, "not_found"), "{method} {rest}");
        }
        let list: Value = stage.get(&theirs, "/api/v1/webhooks").json();
        assert_eq!(list["items"], json!([]));
        let bad = [
            json!({"url": "http://example.jp/hooks"}),
            json!({"url": "https://10.0.0.1/"}),
            json!({"url": "https://169.254.169.254/latest"}),
            json!({"url": "https://user:secret@example.jp/"}),
            json!({"url": "https://example.jp/", "types": ["nothing.happened"]}),
        ];
        for form in bad {
            let answer = stage.post(&ours, "/api/v1/webhooks", &form);
            assert_eq!(told(&answer), problem(422, "invalid_field"), "{form}");
        }
        let form = json!({"id": "main", "url": "https://example.jp/other"});
        let answer = stage.post(&ours, "/api/v1/webhooks", &form);
        assert_eq!(told(&answer), problem(409, "webhook_id_taken"));
        for n in 1..20 {
            let form = json!({"id": format!("n{n}"), "url": "https://example.jp/hooks"});
            assert_eq!(stage.post(&ours, "/api/v1/webhooks", &form).status, 201);
        }
        let form = json!({"id": "n20", "url": "https://example.jp/hooks"});
        let answer = stage.post(&ours, "/api/v1/webhooks", &form);
        assert_eq!(told(&answer), problem(409, "webhook_limit"));
        let gone = stage.send(&ours, (Method::DELETE, &path(&endpoint, "")), &json!({}));
        assert_eq!(gone.status, 204);
        assert_eq!(told(&stage.get(&ours, &path(&endpoint, ""))), problem(404, "not_found"));
    });
}
