//! Exact, explainable contact splitting.
//!
//! **Determinism contract.** Nothing in this crate reads a clock, a random source, the environment, a file or a socket.
//! Equal arguments give equal results, on every platform and in every release that keeps the same rule version.

pub mod access;
pub mod actor;
pub mod admin;
pub mod audit;
pub mod campaign;
#[cfg(feature = "conformance")]
pub mod conformance;
pub mod contact;
pub mod contact_commands;
pub mod decision;
pub mod dispatch;
pub mod enroll;
pub mod env;
pub mod id;
pub mod idempotency;
pub mod manage;
pub mod memory;
pub mod outreach;
pub mod phone;
pub mod plan;
pub mod reconcile;
pub mod rejection;
pub mod snapshot;
pub mod splitter;
pub mod splitter_commands;
pub mod store;
pub mod strategy;
pub mod template;
pub mod time;
pub mod violation;
pub mod webhook;
pub mod window;

pub use access::{ApiKey, Credential, Principal, RateClass};
pub use actor::Actor;
pub use admin::{Admin, Settings};
pub use campaign::{Campaign, CampaignConfig, CampaignStatus};
pub use contact::{Contact, ContactStatus, CustomVariables};
pub use decision::{Decision, DecisionKind, Exclusion, LoggedDecision};
pub use dispatch::{Dispatch, Sender};
pub use enroll::{ContactInput, EnrollContact, Limits, Target};
pub use env::Env;
pub use id::{AdminId, ApiKeyId, CampaignId, ContactId, DecisionId, EventId, HistoryId, OutreachId, SplitterId};
pub use memory::{MemoryLimiter, MemoryStore};
pub use outreach::{Channel, Outreach, OutreachStatus, OutreachStep};
pub use phone::{PhoneNumber, PhonePolicy};
pub use plan::{Effect, Enrolled, Enrolment, Plan, Reply};
pub use rejection::Rejection;
pub use snapshot::{Scope, Snapshot};
pub use splitter::{Splitter, SplitterConfig, SplitterDraft, SplitterStatus};
pub use store::{Limiter, Planned, Queries, Store, StoreError, Transact, TransactError, Work};
pub use template::Template;
pub use time::Timestamp;
pub use violation::{Violation, Violations};
pub use webhook::Webhook;
pub use window::WeeklyWindow;

/// Runs the examples of the project's README.
#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
