//! The body of a message.

use serde_json::json;
use splitter_core::dispatch::Message;

/// The JSON that is posted:
///
/// ```json
/// {"type": "outreach.due", "timestamp": "2026-05-13T14:30:00.000Z",
///  "data": {"id": "…", "adminId": "…", "contactId": "…", "campaignId": "…", "channel": "sms", "to": "+15551234567",
///           "text": "Hi Jane, this is Acme Corp.", "scheduledAt": "2026-05-13T14:30:00.000Z", "attempt": 1}}
/// ```
///
/// `timestamp` is when this attempt is made. `data.id` is also the `webhook-id`, and the same at every attempt.
#[must_use]
pub fn body(message: &Message) -> String {
    json!({
        "type": "outreach.due",
        "timestamp": message.sent_at,
        "data": {
            "id": message.id,
            "adminId": message.admin_id,
            "contactId": message.contact_id,
            "campaignId": message.campaign_id,
            "channel": message.channel,
            "to": message.to.to_string(),
            "text": message.text,
            "scheduledAt": message.scheduled_at,
            "attempt": message.attempt,
        },
    })
    .to_string()
}
