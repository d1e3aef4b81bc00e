//! What is decided about a claim, and what hostile values do to a text.

use proptest::prelude::*;
use splitter_core::{
    AdminId, CampaignId, Channel, Contact, ContactId, ContactStatus, Env, Outreach, OutreachId, OutreachStatus,
    PhoneNumber, Template, Timestamp, WeeklyWindow,
    dispatch::{
        Action, Backlog, Claim, Delivered, Destination, Dispatch, Failure, Lease, MAX_TEXT_CHARS, Message, Outcome,
        RetryPolicy, SendError, Sender, decide, round,
    },
    store::StoreError,
};
use uuid::Uuid;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn claim(template: &str, variables: &[(&str, &str)]) -> Claim {
    let (admin_id, contact_id) = (AdminId(Uuid::from_u128(1)), ContactId(Uuid::from_u128(2)));
    let campaign_id = CampaignId(Uuid::from_u128(3));
    let now = at("2026-05-13T14:30:00.000Z");
    let id = OutreachId(Uuid::from_u128(4));
    Claim {
        lease: Lease { id, admin_id, contact_id, fence: 1 },
        outreach: Outreach {
            id,
            admin_id,
            contact_id,
            campaign_id,
            channel: Channel::Sms,
            template: Template::parse(template).expect("a template"),
            status: OutreachStatus::Scheduled,
            scheduled_at: now,
            created_at: now,
            sent_at: None,
            attempts: 0,
            error: None,
            cancel_requested_at: None,
        },
        due_at: now,
        contact: Contact {
            id: contact_id,
            admin_id,
            campaign_id,
            phone_number: PhoneNumber::parse("+12025550123").expect("a number"),
            name: None,
            timezone: chrono_tz::America::New_York,
            status: ContactStatus::Active,
            custom_variables: variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect(),
            created_at: now,
            updated_at: now,
            fulfilled_at: None,
            re_added_at: None,
            deleted_at: None,
            assignment: None,
        },
        calling_window: None,
        destination: Destination::default(),
    }
}

fn text_of(claim: &Claim) -> String {
    match decide(claim, claim.due_at, &RetryPolicy::default()) {
        Action::Send(message) => message.text,
        other => panic!("{other:?}"),
    }
}

#[test]
fn hostile_values_are_data() {
    for value in [
        "{{phoneNumber}}",
        "{{name|x}}",
        "}}{{",
        r"\{\}\\",
        "<script>alert(1)</script>",
        "' OR 1=1; --",
        "%s%n${jndi:ldap://x}",
        "\u{202e}txet desrever",
        "a\r\nX-Header: b",
        "\u{1b}[2J",
        "",
        "𝕊🧑‍🚀e\u{301}",
    ] {
        let claim = claim("[{{a}}|{{b}}]", &[("a", value), ("b", "{{a}}")]);
        assert_eq!(text_of(&claim), format!("[{value}|{{{{a}}}}]"));
    }
}

#[test]
fn a_text_is_bounded() {
    let long = "é".repeat(4_096);
    let filler = "x".repeat(4_091);
    let exactly = format!("{filler}{{{{a}}}}");
    assert_eq!(text_of(&claim(&exactly, &[("a", &long)])).chars().count(), 4_091 + 4_096);
    let many = "{{a}}".repeat(800);
    let action = decide(&claim(&many, &[("a", &long)]), at("2026-05-13T14:30:00.000Z"), &RetryPolicy::default());
    assert_eq!(action, Action::Fail(Failure::TooLong));
    let Action::Fail(failure) = action else { return };
    assert_eq!(failure.to_string(), format!("the text would have more than {MAX_TEXT_CHARS} characters"));
}

#[test]
fn missing_variables_are_named_and_nothing_is_half_filled() {
    let claim = claim("{{name}} {{a}} {{b|x}} {{c}}", &[("a", "1")]);
    let Action::Fail(failure) = decide(&claim, claim.due_at, &RetryPolicy::default()) else {
        panic!("it was not refused")
    };
    assert_eq!(failure.to_string(), "no value for `name`, `c`");
}

#[test]
fn the_window_counts_at_the_moment_of_sending_in_the_contacts_zone() {
    let mut claim = claim("Hi", &[]);
    claim.calling_window = serde_json::from_str::<WeeklyWindow>(r#"{"days":["wed"],"from":"09:00","to":"20:00"}"#).ok();
    let decide_at = |claim: &Claim, time| decide(claim, at(time), &RetryPolicy::default());
    assert!(matches!(decide_at(&claim, "2026-05-13T23:59:59.999Z"), Action::Send(_)));
    let next = Action::Postpone(at("2026-05-20T13:00:00.000Z"));
    assert_eq!(decide_at(&claim, "2026-05-14T00:00:00.000Z"), next);
    claim.contact.timezone = chrono_tz::Asia::Tokyo;
    assert_eq!(decide_at(&claim, "2026-05-13T14:30:00.000Z"), Action::Postpone(at("2026-05-20T00:00:00.000Z")));
    // A contact that must not be reached is not even moved.
    claim.contact.status = ContactStatus::Dnc;
    assert_eq!(decide_at(&claim, "2026-05-14T00:00:00.000Z"), Action::Cancel);
}

#[test]
fn nobody_is_reached_who_must_not_be() {
    for status in ContactStatus::ALL {
        let mut claim = claim("Hi", &[]);
        claim.contact.status = status;
        let sends = matches!(decide(&claim, claim.due_at, &RetryPolicy::default()), Action::Send(_));
        assert_eq!(sends, status == ContactStatus::Active, "{status}");
    }
    let mut deleted = claim("Hi", &[]);
    deleted.contact.deleted_at = Some(deleted.due_at);
    assert_eq!(decide(&deleted, deleted.due_at, &RetryPolicy::default()), Action::Cancel);
}

#[test]
fn attempts_that_never_reported_back_end_too() {
    let mut claim = claim("Hi", &[]);
    claim.outreach.attempts = 9;
    let Action::Send(message) = decide(&claim, claim.due_at, &RetryPolicy::default()) else { panic!("one is left") };
    assert_eq!(message.attempt, 10);
    claim.outreach.attempts = 10;
    assert_eq!(decide(&claim, claim.due_at, &RetryPolicy::default()), Action::Fail(Failure::Exhausted(10)));
}

#[test]
fn messages_are_not_shown_in_logs() {
    let Action::Send(message) =
        decide(&claim("secret {{a}}", &[("a", "value")]), Timestamp::default(), &RetryPolicy::default())
    else {
        panic!("it is sent")
    };
    let shown = format!("{message:?}");
    for hidden in ["2025550123", "secret", "value"] {
        assert!(!shown.contains(hidden), "{shown}");
    }
}

proptest! {
    #[test]
    fn backoff_is_bounded_monotone_in_the_draw_and_never_panics(
        base_ms in any::<i64>(), cap_ms in any::<i64>(), attempt in any::<u32>(), a in any::<u64>(), b in any::<u64>(),
    ) {
        let policy = RetryPolicy { base_ms, cap_ms, max_attempts: 10 };
        let (low, high) = (policy.backoff(attempt, a.min(b)), policy.backoff(attempt, a.max(b)));
        prop_assert!(0 <= low && low <= high && high <= cap_ms.max(0));
        if attempt <= 1 {
            prop_assert!(high <= base_ms.max(0));
        }
    }

    #[test]
    fn values_come_through_unchanged(value in "\\PC{0,60}", other in "\\PC{0,60}") {
        let claim = claim("{{a}}\u{1}{{b}}", &[("a", &value), ("b", &other)]);
        prop_assert_eq!(text_of(&claim), format!("{value}\u{1}{other}"));
    }
}

/// A store in which every call fails.
struct Down;

#[async_trait::async_trait]
impl Dispatch for Down {
    async fn recover(&self, _: Timestamp) -> Result<u64, StoreError> {
        Ok(0)
    }
    async fn claim(&self, _: Timestamp, _: u32, _: i64) -> Result<Vec<Claim>, StoreError> {
        Ok(vec![claim("Hi", &[])])
    }
    async fn start(&self, _: &Lease, _: Timestamp, _: i64) -> Result<bool, StoreError> {
        Err(StoreError::Busy)
    }
    async fn finish(&self, _: &Lease, _: &Outcome, _: Timestamp) -> Result<bool, StoreError> {
        Err(StoreError::Busy)
    }
    async fn backlog(&self, _: Timestamp) -> Result<Backlog, StoreError> {
        Err(StoreError::Busy)
    }
}

struct Panics;

#[async_trait::async_trait]
impl Sender for Panics {
    async fn send(&self, _: &Message, _: &Destination) -> Result<(), SendError> {
        panic!("nothing may be sent whose start was not committed")
    }
}

#[test]
fn nothing_is_sent_if_the_start_is_not_known_to_be_committed() {
    let world = || Env::new(Timestamp::default(), 0, 0);
    let options = splitter_core::dispatch::Options::default();
    let future = std::pin::pin!(round(&Down, &Panics, &world, 10, &options));
    let mut context = std::task::Context::from_waker(std::task::Waker::noop());
    let std::task::Poll::Ready(result) = future.poll(&mut context) else { panic!("nothing waits") };
    assert!(matches!(result, Err(StoreError::Busy)));
    let mut report = splitter_core::dispatch::RoundReport::default();
    report.count(Delivered::Sent);
    assert_eq!(report.sent, 1);
}
