//! Lists, contacts with their history, outreach, changes by hand, the log.

mod common;

use axum::body::Body;
use common::{Test, contact, phone};
use serde_json::{Value, json};

async fn fill(test: &Test, splitter: &str, count: u32) {
    for n in 0..count {
        test.world.advance(1_000);
        let body =
            json!({"phoneNumber": phone(2_000_000 + n), "splitterId": splitter, "name": format!("Name {}", count - n)});
        test.post("/contacts", &body).await.data(201);
    }
}

fn column(body: &Value, list: &str, key: &str) -> Vec<String> {
    body[list].as_array().unwrap().iter().map(|row| row[key].as_str().unwrap_or_default().to_owned()).collect()
}

#[tokio::test]
async fn contacts_are_listed_filtered_and_sorted() {
    let test = Test::new().await;
    let (splitter, a, b) = test.sixty_forty().await;
    fill(&test, &splitter, 30).await;
    let body = test.get("/contacts").await.json();
    assert_eq!(body["pagination"], json!({"total": 30, "page": 1, "limit": 25}));
    assert_eq!(body["contacts"].as_array().unwrap().len(), 25);
    assert_eq!(body["contacts"][0]["phoneNumber"], phone(2_000_029), "newest first");
    let campaign = &body["contacts"][0]["campaignId"];
    let name = if *campaign == a.as_str() { "A" } else { "B" };
    assert_eq!(body["contacts"][0]["campaigns"], json!([{"id": campaign, "name": name}]));
    let keys: Vec<&String> = body["contacts"][0].as_object().unwrap().keys().collect();
    assert_eq!(keys.len(), 13, "the contact's twelve keys and `campaigns`: {keys:?}");

    test.post("/contacts/update", &json!({"phone": phone(2_000_000), "status": "DNC"})).await;
    test.post("/contacts/update", &json!({"phone": phone(2_000_001), "status": "not-interested"})).await;
    for (query, total) in [
        ("?status=DNC".to_owned(), 1),
        ("?status=DNC,not-interested".to_owned(), 2),
        ("?status=DNC&status=not-interested".to_owned(), 2),
        ("?status=active".to_owned(), 28),
        (format!("?campaignId={a}"), 18),
        (format!("?campaignId={b}"), 12),
        (format!("?campaignId={a},{b}"), 30),
        (format!("?campaignId={a}&campaignId={b}&status=DNC"), 1),
        ("?search=name%202".to_owned(), 11),
        ("?search=2000029".to_owned(), 1),
        ("?search=2000029&searchBy=name".to_owned(), 0),
        ("?search=name&searchBy=phone".to_owned(), 0),
        (format!("?search={}&searchBy=phone", phone(2_000_029)), 1),
        ("?search=%25".to_owned(), 0),
        ("?page=3".to_owned(), 30),
    ] {
        let body = test.get(&format!("/contacts{query}")).await.json();
        assert_eq!(body["pagination"]["total"], total, "{query}");
    }
    let sorted = |query: &'static str, key: &'static str| {
        let answer = test.get(query);
        async move { column(&answer.await.json(), "contacts", key) }
    };
    assert_eq!(sorted("/contacts?sortOrder=asc&limit=2", "phoneNumber").await, [phone(2_000_000), phone(2_000_001)]);
    assert_eq!(sorted("/contacts?sortBy=phoneNumber&limit=1", "phoneNumber").await, [phone(2_000_029)]);
    assert_eq!(sorted("/contacts?sortBy=name&sortOrder=asc&limit=2", "name").await, ["Name 1", "Name 10"]);
    assert_eq!(sorted("/contacts?sortBy=status&sortOrder=asc&limit=1", "status").await, ["DNC"]);
    assert_eq!(sorted("/contacts?sortBy=updatedAt&limit=2&page=1", "phoneNumber").await.len(), 2);
}

#[tokio::test]
async fn the_statuses() {
    let test = Test::new().await;
    let body = test.get("/contacts/statuses").await.json();
    let names = [
        "active",
        "paused",
        "fulfilled",
        "DNC",
        "not-qualifies",
        "not-interested",
        "not-answering",
        "wrong-number",
        "talk-to-human",
    ];
    let list = body.as_array().unwrap();
    assert_eq!(list.iter().map(|status| status["name"].as_str().unwrap()).collect::<Vec<_>>(), names);
    for (n, status) in list.iter().enumerate() {
        let keys: Vec<&String> = status.as_object().unwrap().keys().collect();
        let expected = [
            "color",
            "description",
            "displayOrder",
            "excludeFromStats",
            "id",
            "isSystem",
            "isTerminal",
            "label",
            "name",
        ];
        assert_eq!(keys, expected);
        assert_eq!((&status["id"], &status["displayOrder"]), (&status["name"], &json!(n + 1)));
    }
    assert_eq!((&list[0]["isTerminal"], &list[3]["isTerminal"]), (&json!(false), &json!(true)));
}

#[tokio::test]
async fn changes_by_hand_are_in_the_history() {
    let test = Test::new().await;
    let (splitter, a, b) = test.sixty_forty().await;
    let step = json!({"outreach": [{"channel": "sms", "delayMinutes": 5, "template": "Hi"}]});
    for id in [&a, &b] {
        test.call("PATCH", &format!("/campaigns/{id}"), &step).await.data(200);
    }
    let created = test.post("/contacts", &contact(&splitter)).await.data(201);
    let id = created["id"].as_str().unwrap();
    let outreach = test.get(&format!("/contacts/{id}/outreach")).await.json();
    let row = &outreach["data"][0];
    assert_eq!(row["scheduledAt"], "2026-05-13T14:35:00.000Z");
    assert_eq!((&row["channel"], &row["status"], &row["campaignId"]), (&json!("sms"), &json!("scheduled"), &json!(a)));
    for key in ["id", "sentAt", "attempts", "error", "cancelRequestedAt"] {
        assert!(row.get(key).is_some(), "{key}");
    }

    let update = |body: Value| {
        let test = &test;
        async move { test.post("/contacts/update", &body).await }
    };
    let answer = update(json!({"phone": "+15551234567", "campaignId": b})).await;
    assert_eq!(answer.status, 200);
    let body = answer.json();
    assert_eq!((&body["success"], &body["contact"]["campaignId"]), (&json!(true), &json!(b)));
    assert!(body["message"].is_string());
    let answer = test.post("/contacts/fulfill", &json!({"phone": "+15551234567"})).await;
    let body = answer.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["message", "success"]);
    let shown = test.get(&format!("/contacts/{id}")).await.data(200);
    assert_eq!((&shown["status"], &shown["fulfilledAt"]), (&json!("fulfilled"), &json!("2026-05-13T14:30:00.000Z")));
    let history = shown["history"].as_array().unwrap();
    let kinds: Vec<&Value> = history.iter().map(|entry| &entry["kind"]).collect();
    assert_eq!(kinds, ["created", "edited", "edited"]);
    assert_eq!(history[1]["before"]["campaignId"], a.as_str());
    assert_eq!((&history[0]["before"], &history[0]["actor"]), (&Value::Null, &json!("admin")));
    assert!(history[0]["decisionId"].is_string());
    let statuses = column(&test.get(&format!("/contacts/{id}/outreach")).await.json(), "data", "status");
    assert!(statuses.iter().all(|status| status == "cancelled"), "{statuses:?}");

    for (body, paths) in [
        (json!({}), vec!["phone", "status"]),
        (json!({"phone": "+15551234567"}), vec!["status"]),
        (json!({"phone": "+15551234567", "status": null, "campaignId": null}), vec!["status"]),
        (
            json!({"phone": "+15551234567", "status": "gone", "campaignId": "x", "extra": 1}),
            vec!["status", "campaignId", "extra"],
        ),
        (json!({"phone": "555", "status": "paused"}), vec!["phone"]),
        (json!({"phone": 5, "status": "paused"}), vec!["phone"]),
    ] {
        assert_eq!(update(body.clone()).await.paths(), paths, "{body}");
    }
    let bad = update(json!({"phone": "555", "status": "paused"})).await;
    bad.assert_error(400, "Invalid phone number", "invalid_phone_number");
    let unknown = update(json!({"phone": "+15557654321", "status": "paused"})).await;
    unknown.assert_error(404, "Contact not found", "contact_not_found");
    let nowhere = update(json!({"phone": "+15551234567", "campaignId": "01890a5d-ac96-774b-bcce-b302099a8057"})).await;
    nowhere.assert_error(404, "Campaign not found", "campaign_not_found");

    test.call("DELETE", &format!("/contacts/{id}"), &Value::Null).await.data(200);
    for (method, path) in [("GET", ""), ("GET", "/outreach"), ("DELETE", "")] {
        let answer = test.call(method, &format!("/contacts/{id}{path}"), &Value::Null).await;
        answer.assert_error(404, "Contact not found", "contact_not_found");
    }
}

#[tokio::test]
async fn the_log_is_read_newest_first_in_pages() {
    let test = Test::new().await;
    let (splitter, a, b) = test.sixty_forty().await;
    fill(&test, &splitter, 5).await;
    let path = format!("/splitters/{splitter}/logs");
    let first = test.get(&format!("{path}?limit=2")).await.json();
    let seq = |page: &Value| {
        page["data"].as_array().unwrap().iter().map(|row| row["seq"].as_u64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(seq(&first), [5, 4]);
    let cursor = first["next"].as_str().unwrap();
    let second = test.get(&format!("{path}?limit=2&before={cursor}")).await.json();
    assert_eq!(seq(&second), [3, 2]);
    let cursor = second["next"].as_str().unwrap();
    let third = test.get(&format!("{path}?limit=2&before={cursor}")).await.json();
    assert_eq!((seq(&third), &third["next"]), (vec![1], &Value::Null));
    let exact = test.get(&format!("{path}?limit=5")).await.json();
    assert_eq!((seq(&exact).len(), &exact["next"]), (5, &Value::Null));

    let row = &exact["data"][3];
    let keys: Vec<&String> = row.as_object().unwrap().keys().collect();
    let mut expected = [
        "id",
        "seq",
        "createdAt",
        "version",
        "contactId",
        "phoneNumber",
        "campaignId",
        "strategy",
        "candidates",
        "actor",
        "kind",
        "returned",
        "propensity",
        "hash",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert_eq!(
        (&row["seq"], &row["phoneNumber"], &row["campaignId"]),
        (&json!(2), &json!(phone(2_000_001)), &json!(b))
    );
    assert_eq!(
        row["candidates"],
        json!([
        {"campaignId": a, "eligible": true, "reason": null, "share": 60.0, "credit": -0.4},
        {"campaignId": b, "eligible": true, "reason": null, "share": 40.0, "credit": 0.4}])
    );
    assert_eq!(
        (&row["actor"], &row["kind"], &row["strategy"]),
        (&json!("admin"), &json!("decided"), &json!("percentage"))
    );
    assert_eq!(row["hash"].as_str().unwrap().len(), 64);

    for (query, count) in [
        (format!("?campaignId={a}"), 3),
        (format!("?campaignId={b}"), 2),
        (format!("?phone={}", phone(2_000_001)), 1),
        (format!("?phone=%2B{}", &phone(2_000_001)[1..]), 1),
        ("?from=2026-05-13T14:30:03Z".to_owned(), 3),
        ("?to=2026-05-13T14:30:03Z".to_owned(), 2),
        ("?from=2026-05-13T16:30:03%2B02:00&to=2026-05-13T16:30:04+02:00".to_owned(), 1),
        ("?before=9223372036854775807".to_owned(), 5),
    ] {
        assert_eq!(seq(&test.get(&format!("{path}{query}")).await.json()).len(), count, "{query}");
    }
}

#[tokio::test]
async fn excluded_campaigns_have_a_reason_and_their_share_goes_to_the_others() {
    let test = Test::new().await;
    let (splitter, a, b) = test.sixty_forty().await;
    test.call("PATCH", &format!("/campaigns/{a}"), &json!({"status": "paused"})).await.data(200);
    test.post("/contacts", &contact(&splitter)).await.data(201);
    let log = test.get(&format!("/splitters/{splitter}/logs")).await.json();
    assert_eq!(
        log["data"][0]["candidates"],
        json!([
        {"campaignId": a, "eligible": false, "reason": "paused", "share": 0.0, "credit": 0.0},
        {"campaignId": b, "eligible": true, "reason": null, "share": 100.0, "credit": 0.0}])
    );
}

#[tokio::test]
async fn the_log_as_csv() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    fill(&test, &splitter, 3).await;
    let answer = test.get(&format!("/splitters/{splitter}/logs.csv?limit=2")).await;
    assert_eq!(answer.header("content-type"), Some("text/csv; charset=utf-8; header=present"));
    assert_eq!(answer.header("x-next-cursor"), Some("2"));
    let lines: Vec<&str> = answer.text().split("\r\n").collect();
    assert_eq!(lines.len(), 4, "a header, two rows, and the end");
    assert!(lines[0].starts_with("id,seq,createdAt,version,contactId,phoneNumber,"));
    assert!(lines[1].contains(&format!(",'{},", phone(2_000_002))), "no formula: {}", lines[1]);
    assert!(lines[1].contains(r#""[{""campaignId"":"#), "{}", lines[1]);
    let rest = test.get(&format!("/splitters/{splitter}/logs.csv?before=2")).await;
    assert_eq!((rest.text().split("\r\n").count(), rest.header("x-next-cursor")), (3, None));
}

#[tokio::test]
async fn every_row_can_be_replayed() {
    let test = Test::new().await;
    let (a, b) = (test.campaign("A").await, test.campaign("B").await);
    for strategy in ["percentage", "random", "sticky", "adaptive"] {
        let splitter = test.splitter_with(&[(&a, 60.0), (&b, 40.0)], json!({"strategy": {"type": strategy}})).await;
        for n in 0..5 {
            let body = json!({"phoneNumber": phone(2_000_000 + n), "splitterId": splitter});
            assert!(test.post("/contacts", &body).await.status.is_success());
        }
        let log = test.get(&format!("/splitters/{splitter}/logs")).await.json();
        for row in log["data"].as_array().unwrap() {
            assert_eq!(row["propensity"].is_number(), strategy == "random");
            let id = row["id"].as_str().unwrap();
            let replay = test.get(&format!("/splitters/{splitter}/logs/{id}/replay")).await.data(200);
            let campaign = &row["campaignId"];
            assert_eq!(replay, json!({"logged": campaign, "recomputed": campaign, "matches": true}));
        }
        let unknown = test.get(&format!("/splitters/{splitter}/logs/{a}/replay")).await;
        unknown.assert_error(404, "Not found", "not_found");
    }
}

#[tokio::test]
async fn answers_are_not_cached_and_head_has_no_body() {
    let test = Test::new().await;
    let answer = test.get("/contacts").await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let head = test.send(test.request("HEAD", "/contacts").body(Body::empty()).unwrap()).await;
    assert_eq!((head.status.as_u16(), head.bytes.len()), (200, 0));
}
