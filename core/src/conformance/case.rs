//! Cases in JSON: steps, and what is seen after each of them.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;

use super::{World, broken_invariants};
use crate::{
    campaign::CampaignStatus,
    contact::{ContactStatus, CustomVariables},
    contact_commands::ContactChange,
    enroll::Target,
    outreach::OutreachStatus,
    phone::PhoneNumber,
    plan::{Enrolment, Plan, Reply},
    splitter::{Member, Overflow, ReturningContacts, SplitterChange},
    store::{LogQuery, Store, TransactError},
    time::MINUTE_MS,
};

/// One case.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(super) struct Case {
    pub(super) name: String,
    /// Splitters by name: campaigns and percentages. Campaigns are made as they are named.
    #[serde(default)]
    splitters: BTreeMap<String, Vec<(String, u32)>>,
    /// Campaigns that no splitter lists.
    #[serde(default)]
    campaigns: Vec<String>,
    /// Campaigns that demand an e-mail address.
    #[serde(default)]
    requires_email: BTreeSet<String>,
    steps: Vec<Step>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Step {
    #[serde(flatten)]
    action: Action,
    #[serde(default)]
    expect: Expect,
}

#[derive(Debug, Deserialize)]
#[serde(tag = "do", rename_all = "camelCase", rename_all_fields = "camelCase")]
enum Action {
    Enroll {
        phone: PhoneNumber,
        splitter: Option<String>,
        campaign: Option<String>,
        name: Option<String>,
        timezone: Option<chrono_tz::Tz>,
        variables: Option<CustomVariables>,
    },
    Update {
        phone: PhoneNumber,
        status: Option<ContactStatus>,
        campaign: Option<String>,
    },
    Delete {
        phone: PhoneNumber,
    },
    PauseCampaign {
        campaign: String,
    },
    ResumeCampaign {
        campaign: String,
    },
    DeleteCampaign {
        campaign: String,
    },
    PauseSplitter {
        splitter: String,
    },
    ResumeSplitter {
        splitter: String,
    },
    DeleteSplitter {
        splitter: String,
    },
    EditSplitter {
        splitter: String,
        campaigns: Option<Vec<(String, u32)>>,
        disable: Option<String>,
        caps: Option<(String, crate::splitter::Caps)>,
        overflow: Option<String>,
        fallback: Option<String>,
        returning_contacts: Option<ReturningContacts>,
    },
    Settings {
        merge_variables: Option<bool>,
        suppressing: Option<BTreeSet<ContactStatus>>,
    },
    Wait {
        minutes: i64,
    },
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Expect {
    error: Option<String>,
    enrolment: Option<String>,
    campaign: Option<String>,
    status: Option<ContactStatus>,
    /// `""` stands for none.
    name: Option<String>,
    timezone: Option<String>,
    variables: Option<CustomVariables>,
    same_id: Option<bool>,
    re_added: Option<bool>,
    fulfilled: Option<bool>,
    deleted: Option<bool>,
    /// `decided`, `kept`, `suppressed`, or `none` for no row in the log.
    decision: Option<String>,
    returned: Option<String>,
    scheduled: Option<usize>,
    cancelled: Option<usize>,
    history: Option<usize>,
}

impl Case {
    pub(super) async fn run(&self, store: &dyn Store, seed: u64) -> Vec<String> {
        match self.try_run(store, seed).await {
            Ok(failures) => failures,
            Err(error) => vec![format!("the case could not be run: {error}")],
        }
    }

    async fn try_run(&self, store: &dyn Store, seed: u64) -> Result<Vec<String>, TransactError> {
        let mut world = World::new(store, seed).await?;
        let listed = self.splitters.values().flatten().map(|(name, _)| name);
        let names: BTreeSet<&String> = listed.chain(&self.campaigns).chain(&self.requires_email).collect();
        for name in names {
            world.create_campaign(name, self.requires_email.contains(name)).await?;
        }
        for (name, members) in &self.splitters {
            let members = members_of(&world, members);
            world.create_splitter(name, members).await?;
        }
        let mut failures = Vec::new();
        let mut ids = BTreeMap::new();
        for (n, step) in self.steps.iter().enumerate() {
            let result = step.action.run(&mut world).await;
            for failure in step.check(&world, result, &mut ids).await? {
                failures.push(format!("step {}: {failure}", n + 1));
            }
        }
        failures.extend(broken_invariants(store, world.admin).await?);
        Ok(failures)
    }
}

fn members_of(world: &World<'_>, list: &[(String, u32)]) -> Vec<Member> {
    list.iter().map(|(name, percentage)| world.member(name, percentage * 100)).collect()
}

impl Action {
    async fn run(&self, world: &mut World<'_>) -> Result<Option<Plan>, TransactError> {
        match self {
            Self::Enroll { phone, splitter, campaign, name, timezone, variables } => {
                let target = match (splitter, campaign) {
                    (_, Some(name)) => Target::Campaign(world.campaigns[name]),
                    (Some(name), None) => Target::Splitter(world.splitters[name]),
                    (None, None) => panic!("an enrolment needs a splitter or a campaign"),
                };
                let mut request = world.request(*phone, target);
                request.name.clone_from(name);
                request.timezone = *timezone;
                request.custom_variables.clone_from(variables);
                world.enroll(request).await.map(Some)
            }
            Self::Update { phone, status, campaign } => {
                let campaign_id = campaign.as_ref().map(|name| world.campaigns[name]);
                let change = ContactChange::Update { status: *status, campaign_id };
                world.edit_contact(*phone, change).await.map(Some)
            }
            Self::Delete { phone } => world.edit_contact(*phone, ContactChange::Delete).await.map(Some),
            Self::PauseCampaign { campaign } => world.set_campaign(campaign, CampaignStatus::Paused).await.map(Some),
            Self::ResumeCampaign { campaign } => world.set_campaign(campaign, CampaignStatus::Active).await.map(Some),
            Self::DeleteCampaign { campaign } => world.delete_campaign(campaign).await.map(Some),
            Self::PauseSplitter { splitter } => world.set_splitter(splitter, SplitterChange::Paused).await.map(Some),
            Self::ResumeSplitter { splitter } => world.set_splitter(splitter, SplitterChange::Resumed).await.map(Some),
            Self::DeleteSplitter { splitter } => world.set_splitter(splitter, SplitterChange::Deleted).await.map(Some),
            Self::EditSplitter { splitter, campaigns, disable, caps, overflow, fallback, returning_contacts } => {
                let members = campaigns.as_ref().map(|list| members_of(world, list));
                let disabled = disable.as_ref().map(|name| world.campaigns[name]);
                let caps = caps.as_ref().map(|(name, caps)| (world.campaigns[name], *caps));
                let overflow = match (overflow.as_deref(), fallback) {
                    (_, Some(name)) => Some(Overflow::FallbackCampaign { campaign_id: world.campaigns[name] }),
                    (Some("reject"), None) => Some(Overflow::Reject),
                    (Some(_), None) => Some(Overflow::NextEligible),
                    (None, None) => None,
                };
                let returning = *returning_contacts;
                let change = move |draft: &mut crate::splitter::SplitterDraft| {
                    if let Some(members) = &members {
                        draft.campaigns.clone_from(members);
                    }
                    for member in &mut draft.campaigns {
                        member.enabled &= Some(member.campaign_id) != disabled;
                        if let Some((id, caps)) = caps.filter(|(id, _)| *id == member.campaign_id) {
                            debug_assert_eq!(id, member.campaign_id);
                            member.caps = caps;
                        }
                    }
                    draft.overflow = overflow.unwrap_or(draft.overflow);
                    draft.returning_contacts = returning.unwrap_or(draft.returning_contacts);
                };
                world.edit_splitter(splitter, change).await.map(Some)
            }
            Self::Settings { merge_variables, suppressing } => {
                let (merge, suppressing) = (*merge_variables, suppressing.clone());
                let change = move |settings: &mut crate::admin::Settings| {
                    settings.merge_variables = merge.unwrap_or(settings.merge_variables);
                    if let Some(statuses) = &suppressing {
                        settings.suppressing_statuses.clone_from(statuses);
                    }
                };
                world.set_settings(change).await.map(Some)
            }
            Self::Wait { minutes } => {
                world.now = world.now.plus_millis(minutes * MINUTE_MS);
                Ok(None)
            }
        }
    }

    const fn phone(&self) -> Option<PhoneNumber> {
        match self {
            Self::Enroll { phone, .. } | Self::Update { phone, .. } | Self::Delete { phone } => Some(*phone),
            _ => None,
        }
    }
}

/// Collects differences between what was expected, where it was, and what is.
struct Differences(Vec<String>);

impl Differences {
    fn compare<T: PartialEq + std::fmt::Debug>(&mut self, what: &str, expected: Option<T>, seen: &T) {
        if let Some(expected) = expected.filter(|expected| expected != seen) {
            self.0.push(format!("{what}: expected {expected:?}, saw {seen:?}"));
        }
    }
}

impl Step {
    async fn check(
        &self,
        world: &World<'_>,
        result: Result<Option<Plan>, TransactError>,
        ids: &mut BTreeMap<PhoneNumber, crate::ContactId>,
    ) -> Result<Vec<String>, TransactError> {
        let mut differences = Differences(Vec::new());
        let expect = &self.expect;
        let plan = match result {
            Ok(plan) => plan,
            Err(TransactError::Rejected(rejection)) => {
                match &expect.error {
                    Some(error) => differences.compare("error", Some(error), &&rejection.to_string()),
                    None => differences.0.push(format!("refused: {rejection}")),
                }
                return Ok(differences.0);
            }
            Err(error) => return Err(error),
        };
        if let Some(error) = &expect.error {
            differences.0.push(format!("expected the refusal `{error}`"));
            return Ok(differences.0);
        }
        let Some(phone) = self.action.phone() else { return Ok(differences.0) };
        let Some(contact) = world.store.contact_by_phone(world.admin, phone).await? else {
            return Ok(vec!["the contact is not there".into()]);
        };
        let former = ids.insert(phone, contact.id);
        differences.compare("same id", expect.same_id, &(former == Some(contact.id)));
        differences.compare(
            "campaign",
            expect.campaign.as_deref(),
            &world.campaign_name(contact.campaign_id).unwrap_or("?"),
        );
        differences.compare("status", expect.status, &contact.status);
        differences.compare("name", expect.name.as_deref(), &contact.name.as_deref().unwrap_or_default());
        differences.compare("time zone", expect.timezone.as_deref(), &contact.timezone.name());
        differences.compare("variables", expect.variables.as_ref(), &&contact.custom_variables);
        differences.compare("re-added", expect.re_added, &contact.re_added_at.is_some());
        differences.compare("fulfilled", expect.fulfilled, &contact.fulfilled_at.is_some());
        differences.compare("deleted", expect.deleted, &contact.deleted_at.is_some());
        let outreach = world.store.outreach(world.admin, contact.id).await?;
        let with = |status| outreach.iter().filter(|row| row.status == status).count();
        differences.compare("scheduled", expect.scheduled, &with(OutreachStatus::Scheduled));
        differences.compare("cancelled", expect.cancelled, &with(OutreachStatus::Cancelled));
        let history = world.store.history(world.admin, contact.id).await?;
        differences.compare("history", expect.history, &history.len());
        if let Some(Reply::Enrolled(enrolled)) = plan.map(|plan| plan.reply) {
            differences.compare("enrolment", expect.enrolment.as_deref(), &enrolment_name(enrolled.enrolment));
            self.check_decision(world, enrolled.decision_id, &mut differences).await?;
            if enrolled.contact != contact {
                differences.0.push(format!("the answer differs from what is stored: {enrolled:?} and {contact:?}"));
            }
        }
        Ok(differences.0)
    }

    async fn check_decision(
        &self,
        world: &World<'_>,
        id: Option<crate::DecisionId>,
        differences: &mut Differences,
    ) -> Result<(), TransactError> {
        let expected = self.expect.decision.as_deref();
        let (Some(id), Action::Enroll { splitter: Some(splitter), .. }) = (id, &self.action) else {
            differences.compare("decision", expected, &"none");
            return Ok(());
        };
        let splitter = world.splitters[splitter];
        let Some(row) = world.store.decision(world.admin, splitter, id).await? else {
            differences.0.push("the decision is not in the log".into());
            return Ok(());
        };
        let decision = row.row.decision;
        differences.compare("decision", expected, &decision.kind.as_str());
        let returned = decision.returned.and_then(|id| world.campaign_name(id)).unwrap_or("");
        differences.compare("returned", self.expect.returned.as_deref(), &returned);
        let newest =
            world.store.decisions(world.admin, splitter, &LogQuery { limit: 1, ..LogQuery::default() }).await?;
        differences.compare("newest row", Some(Some(id)), &newest.first().map(|row| row.row.decision.id));
        Ok(())
    }
}

const fn enrolment_name(enrolment: Enrolment) -> &'static str {
    match enrolment {
        Enrolment::Created => "created",
        Enrolment::Updated => "updated",
        Enrolment::Reactivated => "reactivated",
        Enrolment::Suppressed => "suppressed",
    }
}
