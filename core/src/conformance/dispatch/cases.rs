//! One dispatcher alone.

use super::desk::{Desk, LEASE_MS, Scripted, office_hours};
use crate::{
    CampaignStatus, ContactStatus,
    OutreachStatus::{Cancelled, Failed, Scheduled, Sent},
    dispatch::{Backlog, Delivered, RetryPolicy, SendError},
    store::TransactError,
    time::{HOUR_MS, MINUTE_MS},
    webhook::{Webhook, WebhookSecret, WebhookUrl},
};

type Done = Result<(), TransactError>;

/// What is due is claimed in order, once, up to the limit; what is not due is not.
pub(super) async fn due_in_order(desk: &mut Desk<'_>) -> Done {
    desk.campaign_of("A", &[(0, "now"), (60, "later")], None).await?;
    for n in 0..3 {
        desk.enroll(n, "A").await?;
    }
    let (first, rest) = (
        desk.dispatch.claim(desk.world.now, 2, LEASE_MS).await?,
        desk.dispatch.claim(desk.world.now, 2, LEASE_MS).await?,
    );
    let names: Vec<_> = first.iter().chain(&rest).filter_map(|claim| claim.contact.name.as_deref()).collect();
    desk.expect("contacts claimed", vec!["Name 0", "Name 1", "Name 2"], names);
    desk.expect("claimed again", 0, desk.dispatch.claim(desk.world.now, 2, LEASE_MS).await?.len());
    for claim in first.iter().chain(&rest) {
        let delivered = desk.deliver(claim, &Scripted::default()).await?;
        desk.expect("delivered", Delivered::Sent, delivered);
    }
    desk.wait(59 * MINUTE_MS);
    desk.expect("claimed early", 0, desk.claim().await?.len());
    desk.wait(MINUTE_MS);
    let due_at: Vec<_> = desk.claim().await?.iter().map(|claim| (claim.due_at, claim.outreach.scheduled_at)).collect();
    desk.expect("claimed in time", 3, due_at.len());
    desk.expect("due when scheduled", true, due_at.iter().all(|(due, scheduled)| due == scheduled));
    desk.expect("in order", true, due_at.is_sorted());
    Ok(())
}

/// A claim carries everything that sending needs, and a sent row says so.
pub(super) async fn what_a_claim_holds(desk: &mut Desk<'_>) -> Done {
    let url = WebhookUrl::parse("https://receiver.example/hook", false).map_err(|error| broken(&error))?;
    let secret = WebhookSecret::new(vec![7; 32]).map_err(|error| broken(&error))?;
    let webhook = Webhook { url, secret };
    let set = webhook.clone();
    desk.world.set_settings(move |settings| settings.webhook = Some(set.clone())).await?;
    desk.campaign("A", "Hi {{name}} at {{phoneNumber}}", Some(office_hours())).await?;
    desk.enroll(1, "A").await?;
    let claim = desk.claim_one().await?;
    desk.expect("webhook", Some(webhook), claim.destination.webhook.clone());
    desk.expect("window", Some(office_hours()), claim.calling_window);
    let stored = desk.row(1).await?;
    desk.expect("outreach", &stored, &claim.outreach);
    let contact = desk.world.store.contact(desk.world.admin, stored.contact_id).await?;
    desk.expect("contact", contact.as_ref(), Some(&claim.contact));
    let sender = Scripted::default();
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("delivered", Delivered::Sent, delivered);
    desk.expect("text", vec!["Hi Name 1 at +12025550101".to_owned()], sender.texts());
    let row = desk.row(1).await?;
    desk.expect("row", (Sent, 1, Some(desk.world.now), None), (row.status, row.attempts, row.sent_at, row.error));
    desk.wait(24 * HOUR_MS);
    desk.expect("recovered", 0, desk.dispatch.recover(desk.world.now).await?);
    desk.expect("claimed after it was sent", 0, desk.claim().await?.len());
    Ok(())
}

/// What a paused campaign held back is not sent at night when it is resumed.
pub(super) async fn overdue_is_moved_into_the_window(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", Some(office_hours())).await?;
    desk.enroll(1, "A").await?;
    desk.world.set_campaign("A", CampaignStatus::Paused).await?;
    desk.expect("claimed while paused", 0, desk.claim().await?.len());
    // Tuesday 03:30 in New York.
    desk.wait(17 * HOUR_MS);
    desk.expect("claimed while paused, overdue", 0, desk.claim().await?.len());
    desk.world.set_campaign("A", CampaignStatus::Active).await?;
    let sender = Scripted::default();
    let claim = desk.claim_one().await?;
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("delivered at night", Delivered::Postponed, delivered);
    let row = desk.row(1).await?;
    desk.expect("moved", ("2001-05-15T13:00:00.000Z".to_owned(), 0), (row.scheduled_at.to_string(), row.attempts));
    desk.wait(5 * HOUR_MS);
    desk.expect("claimed before the window", 0, desk.claim().await?.len());
    desk.wait(HOUR_MS);
    let claim = desk.claim_one().await?;
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("delivered in the morning", Delivered::Sent, delivered);
    desk.expect("sent", 1, sender.texts().len());
    Ok(())
}

/// A failure is tried again at its time, inside the window.
pub(super) async fn failures_are_retried(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", Some(office_hours())).await?;
    desk.enroll(1, "A").await?;
    let asked = SendError::Retryable { reason: "busy".into(), after_ms: Some(30 * MINUTE_MS) };
    let sender = Scripted::failing([SendError::retryable("no answer"), asked]);
    let claim = desk.claim_one().await?;
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("first attempt", Delivered::Retrying, delivered);
    let row = desk.row(1).await?;
    let seen = (row.status, row.attempts, row.error.as_deref(), row.sent_at);
    desk.expect("row", (Scheduled, 1, Some("no answer"), None), seen);
    let wait = RetryPolicy::default().backoff(1, u64::MAX);
    desk.wait(wait - 1);
    desk.expect("claimed early", 0, desk.claim().await?.len());
    // Monday 19:45 in New York: half an hour later the window is closed.
    desk.wait(9 * HOUR_MS + 15 * MINUTE_MS);
    let claim = desk.claim_one().await?;
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("second attempt", Delivered::Retrying, delivered);
    desk.wait(30 * MINUTE_MS - 1);
    desk.expect("claimed before the receiver asked for it", 0, desk.claim().await?.len());
    desk.wait(12 * HOUR_MS);
    let claim = desk.claim_one().await?;
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("at night", Delivered::Postponed, delivered);
    desk.wait(2 * HOUR_MS);
    let claim = desk.claim_one().await?;
    desk.expect("due at", "2001-05-15T13:00:00.000Z".to_owned(), claim.due_at.to_string());
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("third attempt", Delivered::Sent, delivered);
    let row = desk.row(1).await?;
    desk.expect("row in the end", (Sent, 3, None), (row.status, row.attempts, row.error));
    Ok(())
}

/// A permanent failure ends it, and so does the last attempt.
pub(super) async fn given_up(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    desk.enroll(1, "A").await?;
    let claim = desk.claim_one().await?;
    let sender = Scripted::failing([SendError::permanent("gone for good")]);
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("permanent", Delivered::Failed, delivered);
    let row = desk.row(1).await?;
    desk.expect("row", (Failed, 1, Some("gone for good")), (row.status, row.attempts, row.error.as_deref()));
    desk.enroll(2, "A").await?;
    let most = RetryPolicy::default().max_attempts;
    let sender = Scripted::failing((0..most).map(|_| SendError::retryable("no answer")));
    for attempt in 1..=most {
        let claim = desk.claim_one().await?;
        let delivered = desk.deliver(&claim, &sender).await?;
        let expected = if attempt < most { Delivered::Retrying } else { Delivered::Failed };
        desk.expect("attempt", expected, delivered);
        desk.wait(2 * HOUR_MS);
    }
    let row = desk.row(2).await?;
    desk.expect("given up", (Failed, most, true), (row.status, row.attempts, row.error.is_some()));
    desk.expect("claimed after it failed", 0, desk.claim().await?.len());
    Ok(())
}

/// A text is complete or not sent; what is missing is named. Values are read when it is sent.
pub(super) async fn half_filled_is_not_sent(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "{{name}} and {{product}} for {{price}}", None).await?;
    desk.enroll(1, "A").await?;
    let claim = desk.claim_one().await?;
    let sender = Scripted::default();
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("delivered", Delivered::Failed, delivered);
    desk.expect("texts", Vec::<String>::new(), sender.texts());
    let row = desk.row(1).await?;
    let seen = (row.status, row.attempts, row.error.as_deref());
    desk.expect("row", (Failed, 0, Some("no value for `product`, `price`")), seen);
    Ok(())
}

/// Terminal statuses and `paused` cancel, `active` schedules anew, a suppressed contact gets nothing.
pub(super) async fn statuses(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    for (n, status) in (0..).zip(ContactStatus::ALL) {
        if status == ContactStatus::Active {
            continue;
        }
        desk.enroll(n, "A").await?;
        desk.status(n, status).await?;
        desk.expect("row", vec![Cancelled], desk.statuses(n).await?);
        desk.expect(status.as_str(), 0, desk.claim().await?.len());
        if status == ContactStatus::Dnc {
            desk.enroll(n, "A").await?;
            desk.expect("row of a suppressed contact", vec![Cancelled], desk.statuses(n).await?);
            desk.expect("suppressed", 0, desk.claim().await?.len());
        }
        desk.status(n, ContactStatus::Active).await?;
        desk.expect("rows when active again", vec![Cancelled, Scheduled], desk.statuses(n).await?);
        let claim = desk.claim_one().await?;
        let delivered = desk.deliver(&claim, &Scripted::default()).await?;
        desk.expect("active again", Delivered::Sent, delivered);
    }
    Ok(())
}

/// Deleting a campaign cancels what it had scheduled.
pub(super) async fn deleted_campaign(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    desk.enroll(1, "A").await?;
    desk.enroll(2, "A").await?;
    let claims = desk.dispatch.claim(desk.world.now, 1, LEASE_MS).await?;
    desk.world.delete_campaign("A").await?;
    for claim in &claims {
        desk.expect("started", false, desk.start(claim).await?);
    }
    desk.expect("claimed", 0, desk.claim().await?.len());
    desk.expect("rows", vec![Cancelled, Cancelled], [desk.statuses(1).await?, desk.statuses(2).await?].concat());
    Ok(())
}

/// The backlog is what could be claimed.
pub(super) async fn backlog(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    desk.campaign("B", "Hi", None).await?;
    desk.enroll(1, "A").await?;
    let oldest = Some(desk.world.now);
    desk.enroll(2, "A").await?;
    desk.enroll(3, "B").await?;
    desk.world.set_campaign("B", CampaignStatus::Paused).await?;
    desk.expect("backlog", Backlog { due: 2, oldest }, desk.dispatch.backlog(desk.world.now).await?);
    desk.claim().await?;
    desk.expect("all claimed", Backlog::default(), desk.dispatch.backlog(desk.world.now).await?);
    desk.wait(LEASE_MS);
    desk.expect("leases over", 2, desk.dispatch.backlog(desk.world.now).await?.due);
    Ok(())
}

fn broken(error: &dyn std::error::Error) -> TransactError {
    crate::StoreError::Broken(error.to_string()).into()
}
