//! Rows of the distribution log.

use std::borrow::Cow;

use serde::Serialize;
use splitter_core::{
    Actor, CampaignId, ContactId, DecisionId, DecisionKind, Exclusion, PhoneNumber, Timestamp, access::hex,
    splitter::StrategyKind, store::LogRow, strategy::quota,
};

/// `{"data":[…],"next":…}`
#[derive(Debug, Serialize)]
pub(crate) struct LogPage {
    pub(crate) data: Vec<LogView>,
    /// What `before` has to be for the next page.
    pub(crate) next: Option<String>,
}

/// One row.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct LogView {
    id: DecisionId,
    seq: u64,
    created_at: Timestamp,
    version: u32,
    contact_id: ContactId,
    phone_number: Option<PhoneNumber>,
    campaign_id: CampaignId,
    strategy: StrategyKind,
    candidates: Vec<CandidateView>,
    actor: Actor,
    kind: DecisionKind,
    returned: Option<CampaignId>,
    propensity: Option<f64>,
    hash: String,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct CandidateView {
    campaign_id: CampaignId,
    eligible: bool,
    reason: Option<Exclusion>,
    /// The share that held, in percent: those of excluded campaigns have gone to the others.
    share: f64,
    /// The credit before the decision, in contacts.
    credit: f64,
}

/// Six decimals: finer than any share, and free of the noise of the division.
fn rounded(value: f64) -> f64 {
    let value = (value * 1e6).round() / 1e6;
    if value == 0.0 { 0.0 } else { value }
}

impl From<&LogRow> for LogView {
    fn from(row: &LogRow) -> Self {
        let decision = &row.row.decision;
        let shares = decision.shares();
        let candidates = decision.candidates.iter().zip(shares).map(|(candidate, share)| CandidateView {
            campaign_id: candidate.campaign_id,
            eligible: candidate.exclusion.is_none(),
            reason: candidate.exclusion,
            share: rounded(share as f64 * 100.0 / quota::UNIT as f64),
            credit: rounded(candidate.credit as f64 / quota::UNIT as f64),
        });
        Self {
            id: decision.id,
            seq: decision.seq,
            created_at: decision.at,
            version: decision.version,
            contact_id: decision.contact_id,
            phone_number: row.phone,
            campaign_id: decision.campaign_id,
            strategy: decision.strategy,
            candidates: candidates.collect(),
            actor: decision.actor,
            kind: decision.kind,
            returned: decision.returned,
            propensity: decision.propensity(),
            hash: hex(&row.row.hash),
        }
    }
}

/// The columns of the CSV, in the order of [`LogView::cells`].
pub(crate) const CSV_COLUMNS: [&str; 14] = [
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

impl LogView {
    /// The row as cells of CSV; the candidates are one cell of JSON.
    pub(crate) fn cells(&self) -> [Cow<'static, str>; 14] {
        fn text(value: impl ToString) -> Cow<'static, str> {
            value.to_string().into()
        }
        [
            text(self.id),
            text(self.seq),
            text(self.created_at),
            text(self.version),
            text(self.contact_id),
            self.phone_number.map(text).unwrap_or_default(),
            text(self.campaign_id),
            self.strategy.as_str().into(),
            serde_json::to_string(&self.candidates).unwrap_or_default().into(),
            text(self.actor),
            self.kind.as_str().into(),
            self.returned.map(text).unwrap_or_default(),
            self.propensity.map(text).unwrap_or_default(),
            self.hash.clone().into(),
        ]
    }
}

/// `{"logged","recomputed","matches"}`
#[derive(Debug, Serialize)]
pub(crate) struct ReplayView {
    logged: CampaignId,
    recomputed: Option<CampaignId>,
    matches: bool,
    /// Why the row can not be computed again.
    #[serde(skip_serializing_if = "Option::is_none")]
    problem: Option<String>,
}

impl From<&LogRow> for ReplayView {
    fn from(row: &LogRow) -> Self {
        let logged = row.row.decision.campaign_id;
        match row.row.decision.replay() {
            Ok(recomputed) => {
                Self { logged, recomputed: Some(recomputed), matches: logged == recomputed, problem: None }
            }
            Err(error) => Self { logged, recomputed: None, matches: false, problem: Some(error.to_string()) },
        }
    }
}
