//! What one would write first: the same rows in plain transactions, one per request. Peers of `splitter-sqlx`.

pub mod pgbench;
pub mod plain_postgres;
pub mod plain_sqlite;

use uuid::Uuid;

/// One enrolment as the peers see it: everything is already decided but for the campaign.
#[derive(Debug, Clone)]
pub struct Row {
    /// The splitter.
    pub splitter: Uuid,
    /// The contact's number.
    pub phone: String,
    /// New ids: contact, decision, history, three of outreach.
    pub ids: [Uuid; 6],
    /// Canonical bytes of a decision and its hash, as long as ours.
    pub bytes: Vec<u8>,
    /// A time in milliseconds since 1970.
    pub at: i64,
}

/// Bytes that a decision of five campaigns takes.
pub const DECISION_BYTES: usize = 180;

/// The text of each outreach.
pub const TEMPLATE: &str = "Hi {{name|there}}, this is {{company|us}}.";
