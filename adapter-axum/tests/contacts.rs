//! `POST /contacts`: successes, refusals, idempotency.

mod common;

use axum::{body::Body, http::Request};
use common::{Test, contact, phone};
use serde_json::{Value, json};
use splitter_axum::{Config, UnknownFields};

const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

#[tokio::test]
async fn a_new_contact_is_answered_exactly_as_documented() {
    let test = Test::new().await;
    let (splitter, a, _) = test.sixty_forty().await;
    let body = json!({"phoneNumber": "+15551234567", "name": "Jane Smith", "splitterId": splitter,
        "customVariables": {"company": "Acme Corp"}});
    let answer = test.post("/contacts", &body).await;
    assert_eq!(answer.status, 201);
    let data = answer.data(201);
    let id = data["id"].as_str().unwrap();
    let expected = format!(
        concat!(
            r#"{{"success":true,"data":{{"id":"{id}","adminId":"{admin}","campaignId":"{campaign}","#,
            r#""phoneNumber":"+15551234567","name":"Jane Smith","timezone":"America/New_York","status":"active","#,
            r#""customVariables":{{"company":"Acme Corp"}},"createdAt":"2026-05-13T14:30:00.000Z","#,
            r#""updatedAt":"2026-05-13T14:30:00.000Z","fulfilledAt":null,"reAddedAt":null}}}}"#
        ),
        id = id,
        admin = test.admin,
        campaign = a,
    );
    assert_eq!(answer.text(), expected);
    let decision = answer.header("x-distribution-id").expect("a splitter chose");
    let log = test.get(&format!("/splitters/{splitter}/logs")).await.json();
    assert_eq!(log["data"][0]["id"], decision);
}

#[tokio::test]
async fn absent_name_and_variables_are_null_and_empty_and_null_counts_as_absent() {
    let test = Test::new().await;
    let campaign = test.campaign("A").await;
    let body = json!({"phoneNumber": "+11234567890", "campaignId": campaign, "splitterId": null, "name": null,
        "timezone": null, "customVariables": null});
    let answer = test.post("/contacts", &body).await;
    let data = answer.data(201);
    assert_eq!((&data["name"], &data["customVariables"]), (&Value::Null, &json!({})));
    assert_eq!(data["timezone"], "America/New_York");
    assert_eq!(answer.header("x-distribution-id"), None, "nobody chose");
}

#[tokio::test]
async fn a_contact_sent_again_is_updated_and_a_deleted_one_reactivated() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let first = test.post("/contacts", &contact(&splitter)).await.data(201);
    test.world.advance(1_500);
    let mut again = contact(&splitter);
    again["name"] = "Jane".into();
    let second = test.post("/contacts", &again).await.data(200);
    assert_eq!((&second["id"], &second["name"]), (&first["id"], &json!("Jane")));
    assert_eq!(second["updatedAt"], "2026-05-13T14:30:01.500Z");
    assert_eq!(second["reAddedAt"], Value::Null);
    let id = first["id"].as_str().unwrap();
    assert_eq!(test.call("DELETE", &format!("/contacts/{id}"), &Value::Null).await.data(200)["id"], id);
    let third = test.post("/contacts", &contact(&splitter)).await.data(200);
    assert_eq!((&third["id"], &third["reAddedAt"]), (&first["id"], &json!("2026-05-13T14:30:01.500Z")));
}

#[tokio::test]
async fn the_split_is_exact() {
    let test = Test::new().await;
    let (splitter, a, _) = test.sixty_forty().await;
    let mut in_a = 0;
    for n in 0..50 {
        let body = json!({"phoneNumber": phone(2_000_000 + n), "splitterId": splitter});
        in_a += u32::from(test.post("/contacts", &body).await.data(201)["campaignId"] == a.as_str());
    }
    assert_eq!(in_a, 30);
}

#[tokio::test]
async fn the_campaign_wins_and_the_splitter_is_not_even_looked_at() {
    let test = Test::new().await;
    let campaign = test.campaign("A").await;
    for (n, splitter) in (0u32..).zip([json!(UNKNOWN), json!("no uuid"), json!(5), json!({"x": [1]}), json!(true)]) {
        let body = json!({"phoneNumber": phone(2_000_000 + n), "campaignId": campaign, "splitterId": splitter});
        let answer = test.post("/contacts", &body).await;
        assert_eq!(answer.data(201)["campaignId"], campaign.as_str(), "{splitter}");
        assert_eq!(answer.header("x-distribution-id"), None);
    }
    let body = json!({"phoneNumber": phone(1), "campaignId": "no uuid", "splitterId": UNKNOWN});
    assert_eq!(test.post("/contacts", &body).await.paths(), ["campaignId"]);
}

#[tokio::test]
async fn every_refusal_names_its_path() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let with = |change: Value| {
        let mut body = contact(&splitter);
        for (key, value) in change.as_object().unwrap() {
            body[key] = value.clone();
        }
        body
    };
    let many: serde_json::Map<String, Value> = (0..101).map(|n| (format!("v{n}"), json!("x"))).collect();
    let rows: Vec<(Value, &[&str])> = vec![
        (with(json!({"customVariables": {"loanAmount": 50000}})), &["customVariables.loanAmount"]),
        (
            with(json!({"customVariables": {"a": {"b": "c"}, "d": [1], "e": true}})),
            &["customVariables.a", "customVariables.d", "customVariables.e"],
        ),
        (with(json!({"customVariables": {"gone": null}})), &["customVariables.gone"]),
        (with(json!({"customVariables": []})), &["customVariables"]),
        (with(json!({"customVariables": "x"})), &["customVariables"]),
        (with(json!({"customVariables": many})), &["customVariables"]),
        (with(json!({"customVariables": {"": "x"}})), &["customVariables."]),
        (with(json!({"customVariables": {"a{b": "x"}})), &["customVariables.a{b"]),
        (with(json!({"customVariables": {"big": "x".repeat(4097)}})), &["customVariables.big"]),
        (with(json!({"customVariables": {"nul": "a\u{0}b"}})), &["customVariables.nul"]),
        (with(json!({"name": "é".repeat(256)})), &["name"]),
        (with(json!({"name": 5})), &["name"]),
        (with(json!({"name": "a\u{0}"})), &["name"]),
        (with(json!({"timezone": "Mars/Olympus"})), &["timezone"]),
        (with(json!({"timezone": ""})), &["timezone"]),
        (with(json!({"fistName": "Jane", "tag": 1})), &["fistName", "tag"]),
        (with(json!({"splitterId": "no uuid"})), &["splitterId"]),
        (with(json!({"splitterId": null})), &["splitterId"]),
        (json!({"phoneNumber": "+15551234567"}), &["splitterId"]),
        (json!([]), &[""]),
        (json!("text"), &[""]),
        (json!(5), &[""]),
        (Value::Null, &[""]),
    ];
    for (body, paths) in rows {
        let answer = test.post_raw("/contacts", body.to_string()).await;
        answer.assert_error(400, "Validation failed", "validation_failed");
        assert_eq!(answer.paths(), paths, "{}", answer.text());
    }
    assert!(test.store.snapshot(test.admin).contacts.is_empty());
    let fine = with(json!({"name": "é".repeat(255), "customVariables": {"big": "é".repeat(4096)}}));
    assert_eq!(test.post("/contacts", &fine).await.status, 201);
}

#[tokio::test]
async fn all_violations_are_named_at_once_and_the_phone_decides_the_error() {
    let test = Test::new().await;
    let body = json!({"phoneNumber": "555", "splitterId": 7, "name": "x".repeat(256), "timezone": "Nowhere",
        "customVariables": {"loanAmount": 50000, "ok": "yes", "nested": {}}, "extra": 1});
    let answer = test.post("/contacts", &body).await;
    let error = answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
    let mut paths = answer.paths();
    paths.sort();
    let expected = [
        "customVariables.loanAmount",
        "customVariables.nested",
        "extra",
        "name",
        "phoneNumber",
        "splitterId",
        "timezone",
    ];
    assert_eq!(paths, expected, "{error}");
    let loan = error["details"].as_array().unwrap().iter().find(|d| d["path"] == "customVariables.loanAmount").unwrap();
    assert_eq!(loan["message"], "must be a string, this is a number: write \"50000\"");
}

#[tokio::test]
async fn phone_numbers() {
    let test = Test::new().await;
    let campaign = test.campaign("A").await;
    let refused = [
        json!("5551234567"),
        json!("15551234567"),
        json!("+0123456789"),
        json!("+1 555 123 4567"),
        json!("+1-555-123-4567"),
        json!("(555) 123-4567"),
        json!("0015551234567"),
        json!("+"),
        json!(""),
        json!("+1555123456789012"),
        json!("+15551234"),
        json!("+1555123456O"),
        json!("++15551234567"),
        json!("+15551234567\u{0}"),
        json!(" +15551234567"),
        json!("+15551234567 "),
        json!("+１５５５１２３４５６７"),
        json!("+999123456789"),
        json!(15_551_234_567_u64),
        json!(null),
        json!({}),
        json!("tel:+15551234567"),
        json!("+15551234567;ext=1"),
    ];
    for number in refused {
        let answer = test.post("/contacts", &json!({"phoneNumber": number, "campaignId": campaign})).await;
        answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
        assert_eq!(answer.paths(), ["phoneNumber"], "{number}");
    }
    let answer = test.post("/contacts", &json!({"campaignId": campaign})).await;
    answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
    for number in ["+15551234567", "+11234567890", "+442079460000", "+41446681800"] {
        let answer = test.post("/contacts", &json!({"phoneNumber": number, "campaignId": campaign})).await;
        assert_eq!(answer.data(201)["phoneNumber"], number);
    }
}

#[tokio::test]
async fn a_region_that_is_not_allowed_says_which_are() {
    let test = Test::new().await;
    let campaign = test.campaign("A").await;
    test.call("PATCH", "/settings", &json!({"allowedRegions": ["CA", "+44"]})).await.data(200);
    let body = json!({"phoneNumber": "+12125550123", "campaignId": campaign});
    let answer = test.post("/contacts", &body).await;
    let error = answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
    assert!(error["message"].as_str().unwrap().contains("CA, +44"), "{error}");
    let body = json!({"phoneNumber": "+442079460000", "campaignId": campaign});
    assert_eq!(test.post("/contacts", &body).await.status, 201);
}

#[tokio::test]
async fn bodies_that_are_no_json_object() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let fine = contact(&splitter).to_string();
    for body in [
        String::new(),
        " ".to_owned(),
        "{".to_owned(),
        format!("{fine} x"),
        format!("{fine}{fine}"),
        format!("{fine},"),
        format!("\u{feff}{fine}"),
        fine.replace('"', "'"),
        fine.replace('}', ",}"),
        "[".repeat(30_000),
    ] {
        let answer = test.post_raw("/contacts", body).await;
        answer.assert_error(400, "Validation failed", "validation_failed");
        assert_eq!(answer.paths(), [""]);
    }
    let answer = test.post_raw("/contacts", &b"{\"phoneNumber\":\"\xff\"}"[..]).await;
    answer.assert_error(400, "Validation failed", "validation_failed");
    let answer = test.post_raw("/contacts", r#"{"customVariables":{"a":"\ud800"}}"#).await;
    answer.assert_error(400, "Validation failed", "validation_failed");
    assert_eq!(answer.paths(), ["customVariables.a"]);
    assert_eq!(test.post_raw("/contacts", format!("\n {fine}\t\r\n")).await.status, 201);
}

#[tokio::test]
async fn duplicate_keys_are_refused_at_every_level() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let body = format!(
        r#"{{"phoneNumber":"+15551234567","splitterId":"{splitter}","name":"a","name":"b",
            "customVariables":{{"company":"x","c\u006fmpany":"y"}}}}"#
    );
    let answer = test.post_raw("/contacts", body).await;
    answer.assert_error(400, "Validation failed", "validation_failed");
    assert_eq!(answer.paths(), ["name", "customVariables.company"]);
    let body = format!(r#"{{"phoneNumber":"+15551234567","phoneNumber":"+15551234568","splitterId":"{splitter}"}}"#);
    test.post_raw("/contacts", body).await.assert_error(400, "Invalid phone number", "invalid_phone_number");
}

#[tokio::test]
async fn unknown_fields_can_be_ignored() {
    let mut config = Config::default();
    config.unknown_fields = UnknownFields::Ignore;
    let test = Test::with(config).await;
    let (splitter, ..) = test.sixty_forty().await;
    let mut body = contact(&splitter);
    body["extra"] = json!({"x": 1});
    assert_eq!(test.post("/contacts", &body).await.status, 201);
}

#[tokio::test]
async fn bodies_over_64_kib_are_refused_with_and_without_a_length() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let padded = |size: usize| {
        let fine = contact(&splitter).to_string();
        fine.clone() + &" ".repeat(size - fine.len())
    };
    let chunked = |text: String| {
        let chunks: Vec<Result<Vec<u8>, std::io::Error>> =
            text.into_bytes().chunks(1_000).map(|chunk| Ok(chunk.to_vec())).collect();
        Body::new(http_body_util::StreamBody::new(Chunks(chunks.into_iter())))
    };
    for body in [Body::from(padded(64 * 1024 + 1)), chunked(padded(64 * 1024 + 1)), Body::from(padded(65 * 1024))] {
        let answer = test.post_raw("/contacts", body).await;
        answer.assert_error(413, "Payload too large", "payload_too_large");
    }
    assert_eq!(test.post_raw("/contacts", Body::from(padded(64 * 1024))).await.status, 201);
    assert_eq!(test.post_raw("/contacts", chunked(padded(64 * 1024))).await.status, 200);
}

/// Frames without a size that is known beforehand.
struct Chunks<I>(I);

impl<I: Iterator<Item = Result<Vec<u8>, std::io::Error>> + Unpin> futures_core::Stream for Chunks<I> {
    type Item = Result<http_body::Frame<bytes::Bytes>, std::io::Error>;
    fn poll_next(
        mut self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(self.0.next().map(|chunk| chunk.map(|bytes| http_body::Frame::data(bytes.into()))))
    }
}

#[tokio::test]
async fn only_json_is_taken() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    for content_type in
        [None, Some("text/plain"), Some("application/x-www-form-urlencoded"), Some("application/json; charset=latin1")]
    {
        let mut request = test.request("POST", "/contacts");
        if let Some(content_type) = content_type {
            request = request.header("content-type", content_type);
        }
        let answer = test.send(request.body(Body::from(contact(&splitter).to_string())).unwrap()).await;
        answer.assert_error(415, "Unsupported media type", "unsupported_media_type");
    }
    let request = test.request("POST", "/contacts").header("content-type", "application/json; charset=UTF-8");
    let answer = test.send(request.body(Body::from(contact(&splitter).to_string())).unwrap()).await;
    assert_eq!(answer.status, 201);
}

async fn with_key(test: &Test, key: &str, body: &Value) -> common::Answer {
    let request = test.request("POST", "/contacts").header("content-type", "application/json");
    test.send(request.header("idempotency-key", key).body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn a_repeat_with_the_same_key_does_nothing_twice() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let body = contact(&splitter);
    let first = with_key(&test, "k-1", &body).await;
    assert_eq!(first.status, 201);
    test.world.advance(60_000);
    // Even if the splitter has gone meanwhile.
    test.call("DELETE", &format!("/splitters/{splitter}"), &Value::Null).await.data(200);
    let second = with_key(&test, "k-1", &body).await;
    assert_eq!((second.status, &second.bytes), (first.status, &first.bytes));
    assert_eq!(second.header("x-distribution-id"), first.header("x-distribution-id"));
    assert!(first.header("x-distribution-id").is_some());
    assert_eq!(test.store.snapshot(test.admin).written.decisions.len(), 1);
    // Another key, and the same key after a day, are new requests.
    with_key(&test, "k-2", &body).await.assert_error(404, "Splitter not found or inactive", "splitter_not_found");
    test.world.advance(24 * 3_600_000);
    let token = common::token(&json!({"sub": test.admin.to_string(), "exp": 9_999_999_999_u64}));
    let request = Request::post("/contacts")
        .header("authorization", format!("Bearer {token}"))
        .header("content-type", "application/json")
        .header("idempotency-key", "k-1")
        .body(Body::from(body.to_string()))
        .unwrap();
    test.send(request).await.assert_error(404, "Splitter not found or inactive", "splitter_not_found");
}

#[tokio::test]
async fn a_repeat_gets_its_answer_even_if_the_rules_have_changed() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let first = with_key(&test, "k", &contact(&splitter)).await;
    test.call("PATCH", "/settings", &json!({"allowedRegions": ["GB"]})).await.data(200);
    assert_eq!(with_key(&test, "k", &contact(&splitter)).await.bytes, first.bytes);
    let other_key = with_key(&test, "k-2", &contact(&splitter)).await;
    other_key.assert_error(400, "Invalid phone number", "invalid_phone_number");
    let other_body = json!({"phoneNumber": "+15551234568", "splitterId": splitter});
    let other_body = with_key(&test, "k", &other_body).await;
    other_body.assert_error(400, "Invalid phone number", "invalid_phone_number");
}

#[tokio::test]
async fn the_same_key_with_another_body_is_refused() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    assert_eq!(with_key(&test, "k", &contact(&splitter)).await.status, 201);
    let other = json!({"phoneNumber": "+15551234568", "splitterId": splitter});
    with_key(&test, "k", &other).await.assert_error(422, "Idempotency key reused", "idempotency_key_reused");
    assert_eq!(test.store.snapshot(test.admin).contacts.len(), 1);
}

#[tokio::test]
async fn keys_are_scoped_by_admin_and_route() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    assert_eq!(with_key(&test, "k", &contact(&splitter)).await.status, 201);
    let request = test.request("POST", "/zapier/contacts").header("content-type", "application/json");
    let other = json!({"phoneNumber": "+15551234568", "splitterId": splitter}).to_string();
    let answer = test.send(request.header("idempotency-key", "k").body(Body::from(other)).unwrap()).await;
    assert_eq!(answer.status, 201);
    // Another admin's key of the same name is another key: it meets that admin's 404, not this one's answer.
    let request = Request::post("/contacts")
        .header("authorization", format!("Bearer {}", common::token_for(test.other)))
        .header("content-type", "application/json")
        .header("idempotency-key", "k")
        .body(Body::from(contact(&splitter).to_string()))
        .unwrap();
    test.send(request).await.assert_error(404, "Splitter not found or inactive", "splitter_not_found");
}

#[tokio::test]
async fn refusals_are_not_remembered() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    test.post(&format!("/splitters/{splitter}/pause"), &Value::Null).await.data(200);
    with_key(&test, "k", &contact(&splitter)).await.assert_error(
        404,
        "Splitter not found or inactive",
        "splitter_not_found",
    );
    test.post(&format!("/splitters/{splitter}/resume"), &Value::Null).await.data(200);
    assert_eq!(with_key(&test, "k", &contact(&splitter)).await.status, 201);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_repeats_get_one_answer() {
    let test = std::sync::Arc::new(Test::new().await);
    let (splitter, ..) = test.sixty_forty().await;
    let tasks: Vec<_> = (0..16)
        .map(|_| {
            let (test, body) = (test.clone(), contact(&splitter));
            tokio::spawn(async move { with_key(&test, "same", &body).await })
        })
        .collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    for answer in &answers {
        assert_eq!(answer.status, 201);
        assert_eq!(answer.bytes, answers[0].bytes);
        assert_eq!(answer.header("x-distribution-id"), answers[0].header("x-distribution-id"));
    }
    assert_eq!(test.store.snapshot(test.admin).written.decisions.len(), 1);
}

#[tokio::test]
async fn idempotency_keys_have_a_form() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let too_long = "x".repeat(256);
    for key in ["", "a b", "é", "a\tb", &too_long] {
        let answer = with_key(&test, key, &contact(&splitter)).await;
        answer.assert_error(400, "Validation failed", "validation_failed");
        assert_eq!(answer.paths(), ["Idempotency-Key"], "{key}");
    }
    let request = test.request("POST", "/contacts").header("content-type", "application/json");
    let request = request.header("idempotency-key", "a").header("idempotency-key", "a");
    let answer = test.send(request.body(Body::from(contact(&splitter).to_string())).unwrap()).await;
    assert_eq!(answer.paths(), ["Idempotency-Key"]);
    assert_eq!(with_key(&test, &"x".repeat(255), &contact(&splitter)).await.status, 201);
}

#[tokio::test]
async fn a_required_email_has_a_path() {
    let test = Test::new().await;
    let campaign = test.post("/campaigns", &json!({"name": "Meet", "requiresEmail": true})).await.data(201);
    let id = campaign["id"].as_str().unwrap();
    let splitter = test.splitter(&[(id, 100.0)]).await;
    for (n, target) in (1..).zip([json!({"campaignId": id}), json!({"splitterId": splitter})]) {
        let mut body = json!({"phoneNumber": phone(2_000_000 + n)});
        body.as_object_mut().unwrap().extend(target.as_object().unwrap().clone());
        let answer = test.post("/contacts", &body).await;
        answer.assert_error(400, "Validation failed", "validation_failed");
        assert_eq!(answer.paths(), ["customVariables.email"]);
        body["customVariables"] = json!({"email": "jane@example.com"});
        assert!(test.post("/contacts", &body).await.status.is_success());
    }
}
