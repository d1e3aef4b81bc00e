//! Campaigns, splitters, keys and settings.

mod common;

use axum::body::Body;
use common::{Answer, Test, contact, phone};
use serde_json::{Value, json};

const UNKNOWN: &str = "01890a5d-ac96-774b-bcce-b302099a8057";

fn keys(value: &Value) -> Vec<&str> {
    value.as_object().expect("an object").keys().map(String::as_str).collect()
}

#[tokio::test]
async fn a_campaign_from_its_creation_to_its_deletion() {
    let test = Test::new().await;
    let body = json!({"name": "Q1 Outreach",
        "outreach": [{"channel": "sms", "delayMinutes": 0, "template": "Hi {{name}}, this is {{company|our team}}."},
            {"channel": "call", "delayMinutes": 60, "template": "You call {{name}} about {{product}}."}],
        "callingWindow": {"days": ["mon", "tue", "wed", "thu", "fri"], "from": "09:00", "to": "20:00"}});
    let created = test.post("/campaigns", &body).await.data(201);
    let id = created["id"].as_str().unwrap().to_owned();
    let mut expected = body.clone();
    for (key, value) in [
        ("id", json!(id)),
        ("status", json!("active")),
        ("requiresEmail", json!(false)),
        ("createdAt", json!("2026-05-13T14:30:00.000Z")),
        ("updatedAt", json!("2026-05-13T14:30:00.000Z")),
    ] {
        expected[key] = value;
    }
    assert_eq!(created, expected);
    let path = format!("/campaigns/{id}");
    assert_eq!(test.get(&path).await.data(200), expected);

    test.world.advance(1_000);
    let changed = test.call("PATCH", &path, &json!({"status": "paused", "requiresEmail": true, "name": null})).await;
    let changed = changed.data(200);
    assert_eq!((&changed["status"], &changed["requiresEmail"]), (&json!("paused"), &json!(true)));
    assert_eq!((&changed["name"], &changed["outreach"]), (&body["name"], &body["outreach"]));
    assert_eq!(changed["updatedAt"], "2026-05-13T14:30:01.000Z");
    let cleared = test.call("PATCH", &path, &json!({"callingWindow": null, "outreach": []})).await.data(200);
    assert_eq!((&cleared["callingWindow"], &cleared["outreach"]), (&Value::Null, &json!([])));

    assert_eq!(test.call("DELETE", &path, &Value::Null).await.data(200)["id"], id.as_str());
    for method in ["GET", "PATCH", "DELETE"] {
        let answer = test.call(method, &path, &json!({})).await;
        answer.assert_error(404, "Campaign not found", "campaign_not_found");
    }
}

#[tokio::test]
async fn what_is_wrong_with_a_campaign_is_said_at_once() {
    let test = Test::new().await;
    let rows = [
        (json!({}), vec!["name"]),
        (json!({"name": ""}), vec!["name"]),
        (json!({"name": " "}), vec!["name"]),
        (json!({"name": "x".repeat(256)}), vec!["name"]),
        (json!({"name": "a\nb"}), vec!["name"]),
        (
            json!({"name": 5, "status": "gone", "requiresEmail": "no", "extra": 1}),
            vec!["name", "status", "requiresEmail", "extra"],
        ),
        (
            json!({"name": "A", "outreach": [{"channel": "sms", "template": "{{name"},
            {"channel": "fax", "template": "x", "delayMinutes": -5}, {"template": 7, "delay": 1}, "x"]}),
            vec![
                "outreach.0.template",
                "outreach.1.channel",
                "outreach.1.delayMinutes",
                "outreach.2.channel",
                "outreach.2.template",
                "outreach.2.delay",
                "outreach.3",
            ],
        ),
        (
            json!({"name": "A", "outreach": [{"channel": "sms", "template": "x", "delayMinutes": 527_041}]}),
            vec!["outreach.0.delayMinutes"],
        ),
        (json!({"name": "A", "outreach": vec![json!({"channel": "sms", "template": "x"}); 51]}), vec!["outreach"]),
        (
            json!({"name": "A", "callingWindow": {"days": ["mon", "monday", 5], "from": "9:00", "extra": 1}}),
            vec![
                "callingWindow.days.1",
                "callingWindow.days.2",
                "callingWindow.from",
                "callingWindow.to",
                "callingWindow.extra",
            ],
        ),
        (
            json!({"name": "A", "callingWindow": {"days": [], "from": "09:00", "to": "24:00"}}),
            vec!["callingWindow.days", "callingWindow.to"],
        ),
        (json!({"name": "", "callingWindow": []}), vec!["callingWindow", "name"]),
    ];
    for (body, paths) in rows {
        let answer = test.post("/campaigns", &body).await;
        answer.assert_error(400, "Validation failed", "validation_failed");
        assert_eq!(answer.paths(), paths, "{body}");
    }
    let answer =
        test.post("/campaigns", &json!({"name": "A", "outreach": [{"channel": "sms", "template": "Hi {{"}]})).await;
    let message = answer.json()["details"][0]["message"].as_str().unwrap().to_owned();
    assert!(message.contains("not closed") && message.contains("character 4"), "{message}");
    let id = test.campaign("A").await;
    let answer = test.call("PATCH", &format!("/campaigns/{id}"), &json!({"name": ""})).await;
    assert_eq!(answer.paths(), ["name"]);
}

#[tokio::test]
async fn campaigns_are_listed_as_documented() {
    let test = Test::new().await;
    for n in 0..12 {
        test.world.advance(1);
        test.campaign(&format!("Campaign {n}")).await;
    }
    let page = test.get("/campaigns").await.json();
    assert_eq!(page["pagination"], json!({"total": 12, "totalPages": 2, "currentPage": 1, "limit": 10}));
    assert_eq!(page["data"].as_array().unwrap().len(), 10);
    assert_eq!(page["data"][0]["name"], "Campaign 11", "newest first");
    assert_eq!(keys(&page["data"][0]), ["id", "name", "status"]);
    let id = page["data"][0]["id"].as_str().unwrap();
    test.call("PATCH", &format!("/campaigns/{id}"), &json!({"status": "paused"})).await.data(200);
    for (query, total) in
        [("?page=2", 12), ("?status=paused", 1), ("?status=active&search=PAIGN%201", 2), ("?status=", 12)]
    {
        assert_eq!(test.get(&format!("/campaigns{query}")).await.json()["pagination"]["total"], total, "{query}");
    }
    assert_eq!(test.get("/campaigns?page=2").await.json()["data"].as_array().unwrap().len(), 2);
    assert_eq!(test.get("/campaigns?page=1000000000&limit=100").await.json()["data"], json!([]));
    let choices = test.get("/zapier/campaigns").await.json();
    assert_eq!((choices.as_array().unwrap().len(), keys(&choices[0])), (12, vec!["id", "name"]));
}

#[tokio::test]
async fn a_splitter_is_answered_as_documented() {
    let test = Test::new().await;
    let (a, b) = (test.campaign("A").await, test.campaign("B").await);
    let body = json!({"name": "Spring leads", "campaigns": [
        {"campaignId": a, "percentage": 66.67, "caps": {"perDay": 200, "active": null}},
        {"campaignId": b, "percentage": 33.33, "enabled": false}]});
    let answer = test.post("/splitters", &body).await;
    assert_eq!(answer.header("etag"), Some("\"1\""));
    let data = answer.data(201);
    let id = data["id"].as_str().unwrap();
    let none = json!({"perHour": null, "perDay": null, "total": null, "active": null});
    let mut capped = none.clone();
    capped["perDay"] = 200.into();
    let expected = json!({"id": id, "name": "Spring leads", "status": "active", "timezone": "America/New_York",
        "version": 1, "strategy": {"type": "percentage"},
        "campaigns": [{"campaignId": a, "percentage": 66.67, "enabled": true, "caps": capped},
            {"campaignId": b, "percentage": 33.33, "enabled": false, "caps": none}],
        "overflow": {"type": "nextEligible"}, "returningContacts": "redistribute",
        "createdAt": "2026-05-13T14:30:00.000Z", "updatedAt": "2026-05-13T14:30:00.000Z"});
    assert_eq!(data, expected);
    let answer = test.get(&format!("/splitters/{id}")).await;
    assert_eq!((answer.header("etag"), answer.data(200)), (Some("\"1\""), expected.clone()));
    let list = test.get("/splitters").await.json();
    assert_eq!(list["data"], json!([expected]));
    assert_eq!(list["pagination"], json!({"total": 1, "totalPages": 1, "currentPage": 1, "limit": 10}));
    assert_eq!(test.get("/zapier/splitters").await.json(), json!([{"id": id, "name": "Spring leads"}]));
    // Percentages without decimals are written without.
    assert!(
        test.get(&format!("/splitters/{}", test.splitter(&[(&a, 100.0)]).await))
            .await
            .text()
            .contains(r#""percentage":100,"#)
    );
}

#[tokio::test]
async fn every_strategy_is_read_and_written() {
    let test = Test::new().await;
    let (a, b) = (test.campaign("A").await, test.campaign("B").await);
    let members = [(a.as_str(), 60.0), (b.as_str(), 40.0)];
    let windows = json!({"type": "timeWeighted", "windows": [
        {"days": ["mon", "wed"], "from": "09:00", "to": "17:00", "percentages": {a.clone(): 70, b.clone(): 30}},
        {"days": ["fri"], "from": "22:00", "to": "02:00", "percentages": {b.clone(): 100}}]});
    for (sent, read) in [
        (json!({"type": "percentage"}), None),
        (json!({"type": "random"}), None),
        (json!({"type": "sticky"}), None),
        (windows, None),
        (
            json!({"type": "adaptive"}),
            Some(json!({"type": "adaptive", "minShare": 1, "halfLife": 10000, "burnIn": 50, "attributionDays": 7})),
        ),
        (json!({"type": "adaptive", "minShare": 2.5, "halfLife": 0, "burnIn": 0, "attributionDays": 0.5}), None),
    ] {
        let id = test.splitter_with(&members, json!({"strategy": sent})).await;
        let data = test.get(&format!("/splitters/{id}")).await.data(200);
        assert_eq!(data["strategy"], read.unwrap_or(sent));
        let answer = test.post("/contacts", &contact(&id)).await;
        assert!(answer.status.is_success(), "{}", answer.text());
    }
    for overflow in [
        json!({"type": "nextEligible"}),
        json!({"type": "reject"}),
        json!({"type": "fallbackCampaign", "campaignId": b}),
    ] {
        let more = json!({"overflow": overflow, "returningContacts": "keep", "timezone": "Europe/Berlin"});
        let id = test.splitter_with(&members, more).await;
        let data = test.get(&format!("/splitters/{id}")).await.data(200);
        assert_eq!(data["overflow"], overflow);
        assert_eq!((&data["returningContacts"], &data["timezone"]), (&json!("keep"), &json!("Europe/Berlin")));
    }
}

#[tokio::test]
#[expect(clippy::too_many_lines, reason = "one table")]
async fn what_is_wrong_with_a_splitter_is_said_at_once() {
    let test = Test::new().await;
    let (a, b) = (test.campaign("A").await, test.campaign("B").await);
    let member = |id: &str, percentage: Value| json!({"campaignId": id, "percentage": percentage});
    let both = json!([member(&a, json!(60)), member(&b, json!(40))]);
    let named = |more: Value| {
        let mut body = json!({"name": "S", "campaigns": both.clone()});
        body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        body
    };
    let window = |from: &str, percentages: Value| json!({"days": ["mon"], "from": from, "to": "17:00", "percentages": percentages});
    let rows: Vec<(Value, Vec<String>)> = vec![
        (json!({}), vec!["name".into(), "campaigns".into()]),
        (json!({"name": "S", "campaigns": []}), vec!["campaigns".into()]),
        (
            json!({"name": "S", "campaigns": [member(&a, json!(60)), member(&b, json!(39.99))]}),
            vec!["campaigns".into()],
        ),
        (
            json!({"name": "S", "campaigns": [member(&a, json!(33.333)), member(&b, json!("40"))]}),
            vec!["campaigns.0.percentage".into(), "campaigns.1.percentage".into()],
        ),
        (
            json!({"name": "S", "campaigns": [member(&a, json!(100.5)), member(&b, json!(-1))]}),
            vec!["campaigns.0.percentage".into(), "campaigns.1.percentage".into()],
        ),
        (
            json!({"name": "S", "campaigns": [member(&a, json!(50)), member(&a, json!(50))]}),
            vec!["campaigns.1.campaignId".into()],
        ),
        (json!({"name": "S", "campaigns": [member(UNKNOWN, json!(100))]}), vec!["campaigns.0.campaignId".into()]),
        (json!({"name": "S", "campaigns": [member("x", json!(100))]}), vec!["campaigns.0.campaignId".into()]),
        (
            json!({"name": "S", "campaigns": [{"campaignId": a, "percentage": 100, "enabled": 1, "caps": {"perHour": 1.5, "perWeek": 1}, "weight": 2}]}),
            vec![
                "campaigns.0.enabled".into(),
                "campaigns.0.caps.perHour".into(),
                "campaigns.0.caps.perWeek".into(),
                "campaigns.0.weight".into(),
            ],
        ),
        (
            json!({"name": 1, "campaigns": 2, "timezone": "Mars", "strategy": 3, "overflow": 4, "returningContacts": 5, "x": 6}),
            ["name", "timezone", "strategy", "campaigns", "overflow", "returningContacts", "x"]
                .map(String::from)
                .to_vec(),
        ),
        // What the core finds is said together with what is found before it is asked.
        (
            json!({"name": "", "timezone": "Mars", "campaigns": [member(&a, json!(99))]}),
            vec!["timezone".into(), "name".into(), "campaigns".into()],
        ),
        (named(json!({"strategy": {}})), vec!["strategy.type".into()]),
        (named(json!({"strategy": {"type": "weighted"}})), vec!["strategy.type".into()]),
        (named(json!({"strategy": {"type": "random", "windows": []}})), vec!["strategy.windows".into()]),
        (named(json!({"strategy": {"type": "timeWeighted"}})), vec!["strategy.windows".into()]),
        (named(json!({"strategy": {"type": "timeWeighted", "windows": []}})), vec!["strategy.windows".into()]),
        (
            named(json!({"strategy": {"type": "timeWeighted", "windows": [
            window("09:00", json!({a.clone(): 70, b.clone(): 20})), window("16:00", json!({UNKNOWN: 100}))]}})),
            vec![
                "strategy.windows.0.percentages".into(),
                format!("strategy.windows.1.percentages.{UNKNOWN}"),
                "strategy.windows.1".into(),
            ],
        ),
        (
            named(
                json!({"strategy": {"type": "timeWeighted", "windows": [{"days": ["x"], "percentages": {"y": "z"}}]}}),
            ),
            vec![
                "strategy.windows.0.days.0".into(),
                "strategy.windows.0.from".into(),
                "strategy.windows.0.to".into(),
                "strategy.windows.0.percentages.y".into(),
                "strategy.windows.0.percentages.y".into(),
            ],
        ),
        (named(json!({"strategy": {"type": "adaptive", "minShare": 21}})), vec!["strategy.minShare".into()]),
        (named(json!({"strategy": {"type": "adaptive", "halfLife": 9}})), vec!["strategy.halfLife".into()]),
        (named(json!({"strategy": {"type": "adaptive", "burnIn": 100_001}})), vec!["strategy.burnIn".into()]),
        (
            named(json!({"strategy": {"type": "adaptive", "attributionDays": 366}})),
            vec!["strategy.attributionDays".into()],
        ),
        (
            named(json!({"strategy": {"type": "adaptive", "attributionDays": "7", "minShare": 0.001}})),
            vec!["strategy.minShare".into(), "strategy.attributionDays".into()],
        ),
        (named(json!({"overflow": {"type": "fallbackCampaign"}})), vec!["overflow.campaignId".into()]),
        (
            named(json!({"overflow": {"type": "fallbackCampaign", "campaignId": UNKNOWN}})),
            vec!["overflow.campaignId".into()],
        ),
        (named(json!({"overflow": {"type": "reject", "campaignId": b}})), vec!["overflow.campaignId".into()]),
        (named(json!({"returningContacts": "drop"})), vec!["returningContacts".into()]),
    ];
    for (body, paths) in rows {
        let answer = test.post("/splitters", &body).await;
        answer.assert_error(400, "Validation failed", "validation_failed");
        assert_eq!(answer.paths(), paths, "{body}");
    }
    let answer = test.post("/splitters", &json!({"name": "S", "campaigns": [member(&a, json!(60.5))]})).await;
    assert!(answer.text().contains("these sum to 60.50"), "{}", answer.text());
}

async fn patch(test: &Test, path: &str, version: u32, body: Value) -> Answer {
    let request = test.request("PATCH", path).header("content-type", "application/json");
    let request = request.header("if-match", format!("\"{version}\""));
    test.send(request.body(Body::from(body.to_string())).unwrap()).await
}

#[tokio::test]
async fn every_change_of_a_splitter_is_a_version() {
    let test = Test::new().await;
    let (splitter, a, b) = test.sixty_forty().await;
    let path = format!("/splitters/{splitter}");
    let changed =
        patch(&test, &path, 1, json!({"name": "New", "campaigns": [{"campaignId": b, "percentage": 100}]})).await;
    assert_eq!(changed.header("etag"), Some("\"2\""));
    let data = changed.data(200);
    assert_eq!((&data["name"], data["campaigns"].as_array().unwrap().len()), (&json!("New"), 1));
    assert_eq!(data["timezone"], "America/New_York", "what is not sent stays");
    let paused = test.post(&format!("{path}/pause"), &Value::Null).await;
    assert_eq!((paused.header("etag"), &paused.data(200)["status"]), (Some("\"3\""), &json!("paused")));
    let again = test.post(&format!("{path}/pause"), &Value::Null).await;
    assert_eq!(again.header("etag"), Some("\"3\""), "nothing changed");
    assert_eq!(test.post(&format!("{path}/resume"), &Value::Null).await.data(200)["version"], 4);
    let history = test.get(&format!("{path}/history")).await.json();
    assert_eq!(history["pagination"], json!({"total": 4, "totalPages": 1, "currentPage": 1, "limit": 10}));
    let kinds: Vec<&Value> = history["data"].as_array().unwrap().iter().map(|version| &version["change"]).collect();
    assert_eq!(kinds, ["resumed", "paused", "edited", "created"]);
    assert_eq!(keys(&history["data"][0]), ["actor", "afterSeq", "change", "config", "createdAt", "version"]);
    assert_eq!(history["data"][3]["config"]["campaigns"][0]["campaignId"], a.as_str());
    let second = test.get(&format!("{path}/history?limit=1&page=2")).await.json();
    assert_eq!(second["data"][0]["version"], 3);
    // A campaign that was deleted since may stay listed, one that never was may not be added.
    test.call("DELETE", &format!("/campaigns/{b}"), &Value::Null).await.data(200);
    patch(&test, &path, 4, json!({"name": "Newer"})).await.data(200);
    let answer = patch(&test, &path, 5, json!({"campaigns": [{"campaignId": UNKNOWN, "percentage": 100}]})).await;
    assert_eq!(answer.paths(), ["campaigns.0.campaignId"]);
    let answer = patch(&test, &path, 5, json!({"campaigns": [{"campaignId": a, "percentage": 99}], "x": 1})).await;
    assert_eq!(answer.paths(), ["x"]);
    assert_eq!(test.call("DELETE", &path, &Value::Null).await.data(200)["version"], 6);
    test.get(&path).await.assert_error(404, "Splitter not found or inactive", "splitter_not_found");
    test.get(&format!("{path}/history")).await.assert_error(
        404,
        "Splitter not found or inactive",
        "splitter_not_found",
    );
    patch(&test, &path, 6, json!({})).await.assert_error(404, "Splitter not found or inactive", "splitter_not_found");
}

#[tokio::test]
async fn a_sticky_splitter_keeps_its_seed_when_it_is_edited() {
    let test = Test::new().await;
    let (a, b) = (test.campaign("A").await, test.campaign("B").await);
    let sticky = json!({"strategy": {"type": "sticky"}});
    let id = test.splitter_with(&[(&a, 50.0), (&b, 50.0)], sticky.clone()).await;
    let mut before = Vec::new();
    for n in 0..20 {
        let body = json!({"phoneNumber": phone(2_000_000 + n), "splitterId": id});
        before.push(test.post("/contacts", &body).await.data(201)["campaignId"].clone());
    }
    patch(&test, &format!("/splitters/{id}"), 1, sticky).await.data(200);
    for (n, campaign) in (0..20).zip(before) {
        let body = json!({"phoneNumber": phone(2_000_000 + n), "splitterId": id});
        assert_eq!(test.post("/contacts", &body).await.data(200)["campaignId"], campaign);
    }
}

#[tokio::test]
async fn a_key_is_shown_once() {
    let test = Test::new().await;
    let created = test.post("/api-keys", &json!({"name": "crm"})).await.data(201);
    let key = created["key"].as_str().unwrap();
    let parts: Vec<&str> = key.split('_').collect();
    assert_eq!((parts[0], parts[1].len(), parts[2].len()), ("spl", 8, 40));
    assert_eq!(created["prefix"], format!("spl_{}", parts[1]));
    let list = test.get("/api-keys").await;
    assert!(!list.text().contains(parts[2]));
    let list = list.json();
    assert_eq!(keys(&list["data"][0]), ["createdAt", "id", "name", "prefix", "revokedAt"]);
    assert_eq!(list["pagination"]["total"], 1);
    assert!(!format!("{:?}", test.store.snapshot(test.admin)).contains(parts[2]), "only the hash is kept");
    for (body, paths) in [
        (json!({}), vec!["name"]),
        (json!({"name": ""}), vec!["name"]),
        (json!({"name": 5, "extra": 1}), vec!["name", "extra"]),
        (json!({"name": "x".repeat(256)}), vec!["name"]),
    ] {
        assert_eq!(test.post("/api-keys", &body).await.paths(), paths, "{body}");
    }
}

#[tokio::test]
async fn settings() {
    let test = Test::new().await;
    let defaults = json!({"timezone": "America/New_York", "allowedRegions": null, "defaultRegion": null,
        "mergeVariables": false, "suppressingStatuses": ["DNC"], "webhook": null});
    assert_eq!(test.get("/settings").await.data(200), defaults);
    let patch = json!({"timezone": "Europe/Berlin", "allowedRegions": ["+44", "US", "us"], "defaultRegion": "gb",
        "mergeVariables": true, "suppressingStatuses": ["not-interested"]});
    let expected = json!({"timezone": "Europe/Berlin", "allowedRegions": ["+44", "US"], "defaultRegion": "GB",
        "mergeVariables": true, "suppressingStatuses": ["DNC", "not-interested"], "webhook": null});
    assert_eq!(test.call("PATCH", "/settings", &patch).await.data(200), expected);
    assert_eq!(test.call("PATCH", "/settings", &json!({})).await.data(200), expected);
    assert_eq!(test.get("/settings").await.data(200), expected);
    let cleared = json!({"allowedRegions": null, "defaultRegion": null, "timezone": null});
    let data = test.call("PATCH", "/settings", &cleared).await.data(200);
    assert_eq!((&data["allowedRegions"], &data["defaultRegion"]), (&Value::Null, &Value::Null));
    assert_eq!(data["timezone"], "Europe/Berlin");
    let bad = json!({"timezone": "Mars", "allowedRegions": ["US", "XX", "+0", 5], "defaultRegion": "Narnia",
        "mergeVariables": "yes", "suppressingStatuses": ["DNC", "active", "gone"], "webhoook": 1});
    let answer = test.call("PATCH", "/settings", &bad).await;
    let paths = [
        "timezone",
        "allowedRegions.1",
        "allowedRegions.2",
        "allowedRegions.3",
        "defaultRegion",
        "mergeVariables",
        "suppressingStatuses.1",
        "suppressingStatuses.2",
        "webhoook",
    ];
    assert_eq!(answer.paths(), paths);
    assert_eq!(test.call("PATCH", "/settings", &json!({"allowedRegions": []})).await.paths(), ["allowedRegions"]);
}

#[tokio::test]
async fn a_splitter_takes_the_admins_zone() {
    let test = Test::new().await;
    test.call("PATCH", "/settings", &json!({"timezone": "Asia/Tokyo"})).await.data(200);
    let (splitter, ..) = test.sixty_forty().await;
    assert_eq!(test.get(&format!("/splitters/{splitter}")).await.data(200)["timezone"], "Asia/Tokyo");
}

#[tokio::test]
async fn a_webhooks_secret_is_shown_once() {
    let test = Test::new().await;
    let set = |webhook: Value| {
        let (test, body) = (&test, json!({"webhook": webhook}));
        async move { test.call("PATCH", "/settings", &body).await }
    };
    let url = "https://example.com/hook?x=1";
    let made = set(json!({"url": url})).await.data(200)["webhook"].clone();
    let secret = made["secret"].as_str().expect("a new secret is shown").to_owned();
    assert!(secret.starts_with("whsec_") && secret.len() > 40, "{secret}");
    assert_eq!(test.get("/settings").await.data(200)["webhook"], json!({"url": url}));
    // Another address keeps the secret; a secret that was sent is not sent back.
    assert_eq!(
        set(json!({"url": "https://example.com/"})).await.data(200)["webhook"],
        json!({"url": "https://example.com/"})
    );
    let stored =
        |test: &Test| test.store.snapshot(test.admin).settings().webhook.map(|webhook| webhook.secret.reveal());
    assert_eq!(stored(&test), Some(secret));
    let own = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    let answer = set(json!({"url": url, "secret": own})).await;
    assert!(!answer.text().contains("secret"), "{}", answer.text());
    assert_eq!(stored(&test).as_deref(), Some(own));
    for (webhook, paths) in [
        (json!("https://example.com"), vec!["webhook"]),
        (json!({}), vec!["webhook.url"]),
        (
            json!({"url": "http://example.com", "secret": "short", "extra": 1}),
            vec!["webhook.url", "webhook.secret", "webhook.extra"],
        ),
        (json!({"url": "ftp://example.com"}), vec!["webhook.url"]),
    ] {
        assert_eq!(set(webhook.clone()).await.paths(), paths, "{webhook}");
    }
    assert_eq!(set(Value::Null).await.data(200)["webhook"], Value::Null);
    assert_eq!(stored(&test), None);
}
