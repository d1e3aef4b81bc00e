//! `POST /zapier/contacts`: the same endpoint for forms.

mod common;

use common::{Test, contact};
use serde_json::json;

#[tokio::test]
async fn flat_fields_become_variables_with_their_source_text() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let body = format!(
        r#"{{"phoneNumber":"+15551234567","splitterId":"{splitter}","campaignId":"","name":"Jane","timezone":"",
            "loanAmount":50000,"rate":1.50,"vip":true,"gone":null,"company":"flat",
            "customVariables":{{"company":"explicit"}}}}"#
    );
    let answer = test.post_raw("/zapier/contacts", body).await;
    assert!(answer.header("x-distribution-id").is_some());
    let data = answer.data(201);
    let expected = json!({"company": "explicit", "loanAmount": "50000", "rate": "1.50", "vip": "true"});
    assert_eq!((&data["customVariables"], &data["timezone"]), (&expected, &json!("America/New_York")));
}

#[tokio::test]
async fn numbers_are_read_leniently_in_the_admins_region() {
    let test = Test::new().await;
    let (splitter, ..) = test.sixty_forty().await;
    let send = |phone: serde_json::Value| {
        let (test, body) = (&test, json!({"phoneNumber": phone, "splitterId": splitter}));
        async move { test.post("/zapier/contacts", &body).await }
    };
    let answer = send(json!("(555) 123-4567")).await;
    answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
    test.call("PATCH", "/settings", &json!({"defaultRegion": "US"})).await.data(200);
    assert_eq!(send(json!("(555) 123-4567")).await.data(201)["phoneNumber"], "+15551234567");
    assert_eq!(send(json!(5_551_234_567_u64)).await.data(200)["phoneNumber"], "+15551234567");
    assert_eq!(send(json!("+1 (555) 123-4567")).await.data(200)["phoneNumber"], "+15551234567");
    // What is read leniently still has to come from an allowed region.
    test.call("PATCH", "/settings", &json!({"allowedRegions": ["GB"]})).await.data(200);
    let answer = send(json!("(212) 555-0123")).await;
    answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
    // The strict endpoint stays strict.
    let mut strict = contact(&splitter);
    strict["phoneNumber"] = "(555) 123-4567".into();
    test.post("/contacts", &strict).await.assert_error(400, "Invalid phone number", "invalid_phone_number");
}

#[tokio::test]
async fn everything_wrong_is_said_at_once() {
    let test = Test::new().await;
    let body = json!({"phoneNumber": [], "tags": ["a"], "address": {"city": "x"}, "timezone": "Mars",
        "customVariables": {"n": 5}, "x".repeat(129): "long"});
    let answer = test.post("/zapier/contacts", &body).await;
    answer.assert_error(400, "Invalid phone number", "invalid_phone_number");
    let mut paths = answer.paths();
    paths.sort();
    let long = format!("customVariables.{}", "x".repeat(129));
    let mut expected = vec!["address", "customVariables.n", &long, "phoneNumber", "splitterId", "tags", "timezone"];
    expected.sort_unstable();
    assert_eq!(paths, expected);
    let answer = test.post_raw("/zapier/contacts", r#"{"a":1,"a":2}"#).await;
    assert!(answer.paths().contains(&"a".to_owned()), "{}", answer.text());
}
