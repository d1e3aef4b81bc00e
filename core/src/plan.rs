//! A plan: everything that one command changes, complete and immutable. Whoever carries it out has nothing to decide.

use crate::{
    access::ApiKey,
    admin::Admin,
    campaign::Campaign,
    contact::{Contact, HistoryEntry},
    decision::LoggedDecision,
    id::{AdminId, ApiKeyId, CampaignId, ContactId, DecisionId, EventId, SplitterId},
    idempotency::IdempotencyRecord,
    outreach::Outreach,
    splitter::{Splitter, SplitterEvent, SplitterState, SplitterVersion, Trial},
    time::Timestamp,
};

/// One change. Deliberately exhaustive: an adapter that does not know an effect must not compile.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// A new admin.
    CreateAdmin(Admin),
    /// An admin with changed settings.
    SaveAdmin(Admin),
    /// A new API key.
    CreateApiKey(ApiKey),
    /// A key is refused from now on.
    RevokeApiKey {
        /// The key.
        id: ApiKeyId,
        /// When.
        at: Timestamp,
    },
    /// A new campaign.
    CreateCampaign(Campaign),
    /// A changed or soft-deleted campaign.
    SaveCampaign(Campaign),
    /// A new splitter, its state included.
    CreateSplitter(Splitter),
    /// A splitter's configuration, status, version or deletion; not its state.
    SaveSplitter(Splitter),
    /// A version of a splitter, append-only.
    RecordSplitterVersion(SplitterVersion),
    /// A splitter's running state.
    SaveSplitterState {
        /// The splitter.
        id: SplitterId,
        /// Its state from now on.
        state: SplitterState,
    },
    /// A row at the end of a splitter's log, append-only.
    RecordDecision(LoggedDecision),
    /// An event that waits for a splitter's next decision.
    AppendEvent(SplitterEvent),
    /// An event that has been folded into its splitter's state.
    FoldEvent(EventId),
    /// A trial whose outcome is to come.
    OpenTrial(Trial),
    /// A trial that is resolved.
    CloseTrial {
        /// The splitter.
        splitter_id: SplitterId,
        /// The decision that had opened it.
        decision_id: DecisionId,
    },
    /// A new contact.
    CreateContact(Contact),
    /// A contact with all its fields.
    SaveContact(Contact),
    /// An entry of a contact's history, append-only.
    RecordHistory(HistoryEntry),
    /// All scheduled outreach of a contact is cancelled; what is being sent is marked.
    CancelOutreach {
        /// The contact.
        contact_id: ContactId,
        /// When.
        at: Timestamp,
    },
    /// All scheduled outreach of a campaign is cancelled; what is being sent is marked.
    CancelCampaignOutreach {
        /// The campaign.
        campaign_id: CampaignId,
        /// When.
        at: Timestamp,
    },
    /// A call or message to come.
    ScheduleOutreach(Outreach),
    /// The answer that repeats of a request get.
    RecordIdempotency(IdempotencyRecord),
}

/// What a command answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Reply {
    /// Nothing beyond having been done.
    Done,
    /// An enrolment.
    Enrolled(Box<Enrolled>),
    /// The answer of an earlier request with the same idempotency key; nothing was done.
    Replayed(Box<IdempotencyRecord>),
    /// A contact.
    Contact(Box<Contact>),
    /// A campaign.
    Campaign(Box<Campaign>),
    /// A splitter.
    Splitter(Box<Splitter>),
    /// An API key.
    ApiKey(Box<ApiKey>),
    /// An admin.
    Admin(Box<Admin>),
}

/// How an enrolment found its contact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Enrolment {
    /// It was new.
    Created,
    /// It was there and had not been deleted or finished.
    Updated,
    /// It had been deleted or finished.
    Reactivated,
    /// It is suppressed: data updated, nothing scheduled.
    Suppressed,
}

/// The result of an enrolment.
#[derive(Debug, Clone, PartialEq)]
pub struct Enrolled {
    /// The contact as it is now.
    pub contact: Contact,
    /// How it was found.
    pub enrolment: Enrolment,
    /// The row of the splitter's log, if a splitter was asked.
    pub decision_id: Option<DecisionId>,
}

/// Everything that one command changes, in the order in which it has to be carried out.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The admin whose rows are changed.
    pub admin_id: AdminId,
    /// The changes.
    pub effects: Vec<Effect>,
    /// What the caller is told once all of them are durable.
    pub reply: Reply,
}

impl Plan {
    /// A plan that changes nothing.
    #[must_use]
    pub const fn nothing(admin_id: AdminId, reply: Reply) -> Self {
        Self { admin_id, effects: Vec::new(), reply }
    }
}
