//! What others do between a dispatcher's steps.

use super::desk::{Desk, LEASE_MS, Scripted, office_hours, phone};
use crate::{
    CampaignStatus, ContactStatus,
    OutreachStatus::{Cancelled, Scheduled, Sending, Sent},
    contact_commands::ContactChange,
    dispatch::{Delivered, Options, Outcome, deliver},
    env::Env,
    store::TransactError,
    time::HOUR_MS,
};

type Done = Result<(), TransactError>;

/// Cancelled after the claim: nothing is sent.
pub(super) async fn cancelled_before_start(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    desk.enroll(1, "A").await?;
    let claim = desk.claim_one().await?;
    desk.status(1, ContactStatus::Dnc).await?;
    let sender = Scripted::default();
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("delivered", Delivered::Withheld, delivered);
    desk.expect("started", false, desk.start(&claim).await?);
    desk.expect("finished", false, desk.dispatch.finish(&claim.lease, &Outcome::Sent, desk.world.now).await?);
    desk.expect("sent", 0, sender.texts().len());
    let row = desk.row(1).await?;
    desk.expect("row", (Cancelled, 0, None), (row.status, row.attempts, row.cancel_requested_at));
    Ok(())
}

/// Cancelled while it is being sent: it can no longer be taken back, shows it, and is not tried again.
pub(super) async fn cancelled_while_sending(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    let error = String::from("no answer");
    let retry = Outcome::Retry { at: desk.world.now, error: error.clone() };
    let outcomes = [(Outcome::Sent, Sent), (retry, Cancelled), (Outcome::Failed { error }, Cancelled)];
    for (n, (outcome, status)) in (0..).zip(outcomes) {
        desk.enroll(n, "A").await?;
        let claim = desk.claim_one().await?;
        desk.expect("started", true, desk.start(&claim).await?);
        desk.status(n, ContactStatus::NotInterested).await?;
        let requested = Some(desk.world.now);
        let row = desk.row(n).await?;
        desk.expect("under way", (Sending, requested), (row.status, row.cancel_requested_at));
        desk.expect("finished", true, desk.dispatch.finish(&claim.lease, &outcome, desk.world.now).await?);
        let row = desk.row(n).await?;
        desk.expect("row", (status, requested, 1), (row.status, row.cancel_requested_at, row.attempts));
        desk.wait(HOUR_MS);
        desk.expect("claimed again", 0, desk.claim().await?.len());
    }
    Ok(())
}

/// Cancelled while it is being sent by a dispatcher that dies: it is not tried again.
pub(super) async fn cancelled_and_abandoned(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    desk.enroll(1, "A").await?;
    let claim = desk.claim_one().await?;
    desk.expect("started", true, desk.start(&claim).await?);
    desk.status(1, ContactStatus::Dnc).await?;
    desk.wait(LEASE_MS);
    desk.expect("recovered", 1, desk.dispatch.recover(desk.world.now).await?);
    desk.expect("claimed", 0, desk.claim().await?.len());
    desk.expect("finished", false, desk.dispatch.finish(&claim.lease, &Outcome::Sent, desk.world.now).await?);
    let row = desk.row(1).await?;
    desk.expect("row", (Cancelled, true, 1), (row.status, row.cancel_requested_at.is_some(), row.attempts));
    Ok(())
}

/// A claim that took too long belongs to whoever claims next.
pub(super) async fn expired_claim(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    desk.enroll(1, "A").await?;
    let old = desk.claim_one().await?;
    desk.wait(LEASE_MS - 1);
    desk.expect("claimed before the lease ends", 0, desk.claim().await?.len());
    desk.wait(1);
    let new = desk.claim_one().await?;
    desk.expect("the same", old.outreach.id, new.outreach.id);
    desk.expect("a larger fence", true, new.lease.fence > old.lease.fence);
    desk.expect("the old one starts", false, desk.start(&old).await?);
    for outcome in [Outcome::Released, Outcome::Cancelled, Outcome::Failed { error: "x".into() }] {
        desk.expect("the old one gives back", false, desk.dispatch.finish(&old.lease, &outcome, desk.world.now).await?);
    }
    desk.expect("the new one starts", true, desk.start(&new).await?);
    desk.expect("it starts twice", false, desk.start(&new).await?);
    desk.expect("the old one ends", false, desk.dispatch.finish(&old.lease, &Outcome::Sent, desk.world.now).await?);
    desk.expect("the new one ends", true, desk.dispatch.finish(&new.lease, &Outcome::Sent, desk.world.now).await?);
    desk.expect("it ends twice", false, desk.dispatch.finish(&new.lease, &Outcome::Sent, desk.world.now).await?);
    desk.expect("attempts", 1, desk.row(1).await?.attempts);
    Ok(())
}

/// A send whose dispatcher died is sent again with the same id; starting has renewed the lease.
pub(super) async fn expired_send(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    desk.enroll(1, "A").await?;
    let old = desk.claim_one().await?;
    desk.wait(LEASE_MS - 1);
    desk.expect("started", true, desk.start(&old).await?);
    desk.wait(LEASE_MS - 1);
    desk.expect("recovered early", 0, desk.dispatch.recover(desk.world.now).await?);
    desk.expect("claimed early", 0, desk.claim().await?.len());
    desk.wait(1);
    desk.expect("claimed unrecovered", 0, desk.claim().await?.len());
    desk.expect("recovered", 1, desk.dispatch.recover(desk.world.now).await?);
    desk.expect("recovered twice", 0, desk.dispatch.recover(desk.world.now).await?);
    let row = desk.row(1).await?;
    desk.expect("row", (Scheduled, 1), (row.status, row.attempts));
    desk.expect("the old one ends", false, desk.dispatch.finish(&old.lease, &Outcome::Sent, desk.world.now).await?);
    let new = desk.claim_one().await?;
    desk.expect("the same", old.outreach.id, new.outreach.id);
    let delivered = desk.deliver(&new, &Scripted::default()).await?;
    desk.expect("delivered", Delivered::Sent, delivered);
    desk.expect("attempts", 2, desk.row(1).await?.attempts);
    Ok(())
}

/// Paused after the claim: nothing is sent until it is resumed, and then at once.
pub(super) async fn paused_between(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", None).await?;
    desk.enroll(1, "A").await?;
    desk.enroll(2, "A").await?;
    let claims = desk.claim().await?;
    let [first, second] = claims.as_slice() else {
        desk.expect("claims", 2, claims.len());
        return Ok(());
    };
    desk.expect("started", true, desk.start(second).await?);
    desk.world.set_campaign("A", CampaignStatus::Paused).await?;
    let delivered = desk.deliver(first, &Scripted::default()).await?;
    desk.expect("delivered", Delivered::Withheld, delivered);
    desk.expect("claimed while paused", 0, desk.claim().await?.len());
    // What was under way may end, also badly; it is not tried again while the campaign is paused.
    let retry = Outcome::Retry { at: desk.world.now, error: "no answer".into() };
    desk.expect("finished", true, desk.dispatch.finish(&second.lease, &retry, desk.world.now).await?);
    desk.expect("retried while paused", 0, desk.claim().await?.len());
    desk.world.set_campaign("A", CampaignStatus::Active).await?;
    desk.expect("claimed when resumed", 2, desk.claim().await?.len());
    Ok(())
}

/// Moved to another campaign after the claim: the old text is not sent, the new one is.
pub(super) async fn moved_between(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "old", None).await?;
    let other = desk.campaign("B", "new", None).await?;
    desk.enroll(1, "A").await?;
    let claim = desk.claim_one().await?;
    let change = ContactChange::Update { status: None, campaign_id: Some(other) };
    desk.world.edit_contact(phone(1), change).await?;
    let sender = Scripted::default();
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("the old one", Delivered::Withheld, delivered);
    desk.expect("rows", vec![Cancelled, Scheduled], desk.statuses(1).await?);
    let claim = desk.claim_one().await?;
    let delivered = desk.deliver(&claim, &sender).await?;
    desk.expect("the new one", Delivered::Sent, delivered);
    desk.expect("texts", vec!["new".to_owned()], sender.texts());
    Ok(())
}

/// The window closes while the start is being committed: nothing is sent, and no attempt is counted.
pub(super) async fn closed_between(desk: &mut Desk<'_>) -> Done {
    desk.campaign("A", "Hi", Some(office_hours())).await?;
    desk.enroll(1, "A").await?;
    let claim = desk.claim_one().await?;
    let (before, after) = (desk.world.now, desk.world.now.plus_millis(10 * HOUR_MS));
    let asked = std::sync::atomic::AtomicU32::new(0);
    let world = move || {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::Relaxed) == 0;
        Env::new(if first { before } else { after }, 0, 0)
    };
    let sender = Scripted::default();
    let delivered = deliver(desk.dispatch, &sender, &world, &claim, &Options::default()).await?;
    desk.expect("delivered", Delivered::Postponed, delivered);
    desk.expect("sent", 0, sender.texts().len());
    let row = desk.row(1).await?;
    let seen = (row.status, row.attempts, row.scheduled_at.to_string());
    desk.expect("row", (Scheduled, 0, "2001-05-15T13:00:00.000Z".to_owned()), seen);
    Ok(())
}
