//! Rows into the core's types. Both databases select the same columns in the same order; only how a cell is read differs.

use serde::de::DeserializeOwned;
use splitter_core::{
    Admin, ApiKey, Campaign, CampaignConfig, Contact, LoggedDecision, Outreach, PhoneNumber, Splitter, Timestamp,
    Webhook,
    contact::HistoryEntry,
    dispatch::{Claim, Destination, Lease},
    idempotency::{IdempotencyKey, IdempotencyRecord},
    splitter::{SplitterEvent, SplitterState, SplitterVersion, Trial},
    store::LogRow,
};
use uuid::Uuid;

use crate::codec::{canonical_bytes, from_name};

pub(crate) type Result<T> = std::result::Result<T, sqlx::Error>;

/// A row whose cells are read by position.
pub(crate) trait Cells {
    fn uuid(&self, n: usize) -> Result<Option<Uuid>>;
    fn text(&self, n: usize) -> Result<Option<String>>;
    fn bytes(&self, n: usize) -> Result<Option<Vec<u8>>>;
    fn integer(&self, n: usize) -> Result<Option<i64>>;
    fn flag(&self, n: usize) -> Result<bool>;
    fn time(&self, n: usize) -> Result<Option<Timestamp>>;
    fn json<T: DeserializeOwned>(&self, n: usize) -> Result<Option<T>>;
}

/// A cell that does not hold what it should.
pub(crate) fn unreadable(what: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> sqlx::Error {
    sqlx::Error::Decode(what.into())
}

/// Reads a row's cells from left to right.
pub(crate) struct Reader<'r, R> {
    row: &'r R,
    next: usize,
}

impl<'r, R: Cells> Reader<'r, R> {
    pub(crate) const fn new(row: &'r R) -> Self {
        Self { row, next: 0 }
    }

    fn step(&mut self) -> usize {
        self.next += 1;
        self.next - 1
    }

    fn required<T>(&mut self, read: impl FnOnce(&R, usize) -> Result<Option<T>>) -> Result<T> {
        let n = self.step();
        read(self.row, n)?.ok_or_else(|| unreadable(format!("column {n} is null")))
    }

    pub(crate) fn id<T: From<Uuid>>(&mut self) -> Result<T> {
        self.required(R::uuid).map(T::from)
    }

    fn id_or_none<T: From<Uuid>>(&mut self) -> Result<Option<T>> {
        let n = self.step();
        Ok(self.row.uuid(n)?.map(T::from))
    }

    pub(crate) fn text(&mut self) -> Result<String> {
        self.required(R::text)
    }

    fn text_or_none(&mut self) -> Result<Option<String>> {
        let n = self.step();
        self.row.text(n)
    }

    fn parsed<T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>>(&mut self) -> Result<T> {
        self.text()?.parse().map_err(|error: T::Err| unreadable(error))
    }

    fn named<T: DeserializeOwned>(&mut self) -> Result<T> {
        from_name(&self.text()?).map_err(unreadable)
    }

    fn bytes(&mut self) -> Result<Vec<u8>> {
        self.required(R::bytes)
    }

    fn hash(&mut self) -> Result<[u8; 32]> {
        self.bytes()?.try_into().map_err(|_| unreadable("a hash that has not 32 bytes"))
    }

    pub(crate) fn integer<T: TryFrom<i64>>(&mut self) -> Result<T> {
        T::try_from(self.required(R::integer)?).map_err(|_| unreadable("an integer out of its range"))
    }

    fn flag(&mut self) -> Result<bool> {
        let n = self.step();
        self.row.flag(n)
    }

    fn time(&mut self) -> Result<Timestamp> {
        self.required(R::time)
    }

    fn time_or_none(&mut self) -> Result<Option<Timestamp>> {
        let n = self.step();
        self.row.time(n)
    }

    fn json<T: DeserializeOwned>(&mut self) -> Result<T> {
        self.required(R::json)
    }

    fn json_or_none<T: DeserializeOwned>(&mut self) -> Result<Option<T>> {
        let n = self.step();
        self.row.json(n)
    }

    fn phone(&mut self) -> Result<PhoneNumber> {
        PhoneNumber::parse(&self.text()?).map_err(|_| unreadable("a text that is no phone number"))
    }
}

/// `id, email, password_hash, settings, created_at, updated_at`
pub(crate) fn admin<R: Cells>(r: &mut Reader<'_, R>) -> Result<Admin> {
    Ok(Admin {
        id: r.id()?,
        email: r.text()?,
        password_hash: r.text_or_none()?,
        settings: r.json()?,
        created_at: r.time()?,
        updated_at: r.time()?,
    })
}

/// `id, admin_id, name, lookup, hash, created_at, revoked_at`
pub(crate) fn api_key<R: Cells>(r: &mut Reader<'_, R>) -> Result<ApiKey> {
    Ok(ApiKey {
        id: r.id()?,
        admin_id: r.id()?,
        name: r.text()?,
        lookup: r.text()?,
        hash: r.hash()?,
        created_at: r.time()?,
        revoked_at: r.time_or_none()?,
    })
}

/// `id, admin_id, name, status, outreach, calling_window, requires_email, created_at, updated_at, deleted_at`
pub(crate) fn campaign<R: Cells>(r: &mut Reader<'_, R>) -> Result<Campaign> {
    Ok(Campaign {
        id: r.id()?,
        admin_id: r.id()?,
        config: CampaignConfig {
            name: r.text()?,
            status: r.named()?,
            outreach: r.json()?,
            calling_window: r.json_or_none()?,
            requires_email: r.flag()?,
        },
        created_at: r.time()?,
        updated_at: r.time()?,
        deleted_at: r.time_or_none()?,
    })
}

/// `id, admin_id, status, version, config, created_at, updated_at, deleted_at` of the splitter, then
/// `seq, last_at, head, rule_version, members, adaptive` of its state.
pub(crate) fn splitter<R: Cells>(r: &mut Reader<'_, R>) -> Result<Splitter> {
    let (id, admin_id, status, version, config) = (r.id()?, r.id()?, r.named()?, r.integer()?, r.json()?);
    let (created_at, updated_at, deleted_at) = (r.time()?, r.time()?, r.time_or_none()?);
    let state = SplitterState {
        seq: r.integer()?,
        last_at: r.time()?,
        head: r.hash()?,
        rule_version: r.integer()?,
        members: r.json()?,
        adaptive: r.json_or_none()?,
    };
    Ok(Splitter { id, admin_id, status, version, config, state, created_at, updated_at, deleted_at })
}

/// `splitter_id, version, at, actor, change, after_seq, config`
pub(crate) fn version<R: Cells>(r: &mut Reader<'_, R>) -> Result<SplitterVersion> {
    Ok(SplitterVersion {
        splitter_id: r.id()?,
        version: r.integer()?,
        at: r.time()?,
        actor: r.parsed()?,
        change: r.named()?,
        after_seq: r.integer()?,
        config: r.json()?,
    })
}

/// `id, splitter_id, decision_id, campaign_id, contact_id, at, active_delta, outcome`
pub(crate) fn event<R: Cells>(r: &mut Reader<'_, R>) -> Result<SplitterEvent> {
    Ok(SplitterEvent {
        id: r.id()?,
        splitter_id: r.id()?,
        decision_id: r.id()?,
        campaign_id: r.id()?,
        contact_id: r.id()?,
        at: r.time()?,
        active_delta: r.integer()?,
        outcome: r.text_or_none()?.map(|name| from_name(&name)).transpose().map_err(unreadable)?,
    })
}

/// `splitter_id, decision_id, campaign_id, started_at`
pub(crate) fn trial<R: Cells>(r: &mut Reader<'_, R>) -> Result<Trial> {
    Ok(Trial { splitter_id: r.id()?, decision_id: r.id()?, campaign_id: r.id()?, started_at: r.time()? })
}

/// `id, admin_id, campaign_id, phone, name, timezone, status, variables, created_at, updated_at, fulfilled_at,
/// re_added_at, deleted_at, assignment`
pub(crate) fn contact<R: Cells>(r: &mut Reader<'_, R>) -> Result<Contact> {
    Ok(Contact {
        id: r.id()?,
        admin_id: r.id()?,
        campaign_id: r.id()?,
        phone_number: r.phone()?,
        name: r.text_or_none()?,
        timezone: r.text()?.parse().map_err(|_| unreadable("a text that is no time zone"))?,
        status: r.parsed()?,
        custom_variables: r.json()?,
        created_at: r.time()?,
        updated_at: r.time()?,
        fulfilled_at: r.time_or_none()?,
        re_added_at: r.time_or_none()?,
        deleted_at: r.time_or_none()?,
        assignment: r.json_or_none()?,
    })
}

/// `id, contact_id, at, actor, kind, decision_id, before`
pub(crate) fn history<R: Cells>(r: &mut Reader<'_, R>) -> Result<HistoryEntry> {
    Ok(HistoryEntry {
        id: r.id()?,
        contact_id: r.id()?,
        at: r.time()?,
        actor: r.parsed()?,
        kind: r.named()?,
        decision_id: r.id_or_none()?,
        before: r.json_or_none()?,
    })
}

/// `id, admin_id, contact_id, campaign_id, channel, template, status, scheduled_at, created_at, sent_at, attempts,
/// error, cancel_requested_at`
pub(crate) fn outreach<R: Cells>(r: &mut Reader<'_, R>) -> Result<Outreach> {
    Ok(Outreach {
        id: r.id()?,
        admin_id: r.id()?,
        contact_id: r.id()?,
        campaign_id: r.id()?,
        channel: r.parsed()?,
        template: r.parsed()?,
        status: r.parsed()?,
        scheduled_at: r.time()?,
        created_at: r.time()?,
        sent_at: r.time_or_none()?,
        attempts: r.integer()?,
        error: r.text_or_none()?,
        cancel_requested_at: r.time_or_none()?,
    })
}

/// An outreach, its contact, then `fence, due_at` of the claim, `calling_window` of the campaign, and of the admin's
/// settings `webhook`.
fn claim<R: Cells>(r: &mut Reader<'_, R>) -> Result<Claim> {
    let (outreach, contact) = (outreach(r)?, contact(r)?);
    Ok(Claim {
        lease: Lease { id: outreach.id, admin_id: contact.admin_id, contact_id: contact.id, fence: r.integer()? },
        due_at: r.time()?,
        outreach,
        contact,
        calling_window: r.json_or_none()?,
        destination: Destination { webhook: r.json_or_none::<Option<Webhook>>()?.flatten() },
    })
}

/// Where the `fence` of a claim is: behind an outreach and a contact.
const FENCE: usize = 27;

/// Reads claims. One that can not be read must not keep the others from being sent: only its lease is returned, second.
pub(crate) fn claims<R: Cells>(rows: &[R]) -> Result<(Vec<Claim>, Vec<Lease>)> {
    let (mut claims, mut unreadable) = (Vec::new(), Vec::new());
    for row in rows {
        match claim(&mut Reader::new(row)) {
            Ok(claim) => claims.push(claim),
            Err(error) => {
                let mut ids = Reader::new(row);
                let (id, admin_id, contact_id) = (ids.id()?, ids.id()?, ids.id()?);
                let fence = Reader { row, next: FENCE }.integer()?;
                let lease = Lease { id, admin_id, contact_id, fence };
                tracing::error!(outreach = %lease.id, %error, "a due message can not be read, and is not sent");
                unreadable.push(lease);
            }
        }
    }
    Ok((claims, unreadable))
}

/// `id, splitter_id, contact_id, campaign_id, bytes, hash`
fn decision<R: Cells>(r: &mut Reader<'_, R>) -> Result<LoggedDecision> {
    let (id, splitter, contact, campaign) = (r.id()?, r.id()?, r.id()?, r.id()?);
    let bytes = canonical_bytes(&r.bytes()?, id, splitter, contact, campaign);
    LoggedDecision::from_stored(bytes, r.hash()?).map_err(unreadable)
}

/// A decision, then `at`, the column that reads by time go by: what it says is not what the bytes say if somebody has changed
/// it, and whoever checks the log sees that.
pub(crate) fn audited<R: Cells>(r: &mut Reader<'_, R>) -> Result<LoggedDecision> {
    let mut row = decision(r)?;
    row.decision.at = r.time()?;
    Ok(row)
}

/// A decision, then `phone` of its contact.
pub(crate) fn log_row<R: Cells>(r: &mut Reader<'_, R>) -> Result<LogRow> {
    let row = decision(r)?;
    let phone = r.text_or_none()?.map(|text| PhoneNumber::parse(&text)).transpose();
    Ok(LogRow { row, phone: phone.map_err(|_| unreadable("a text that is no phone number"))? })
}

/// `admin_id, route, key, body_hash, created_at, status, body, decision_id`
pub(crate) fn idempotency<R: Cells>(r: &mut Reader<'_, R>) -> Result<IdempotencyRecord> {
    Ok(IdempotencyRecord {
        key: IdempotencyKey { admin_id: r.id()?, route: r.text()?, key: r.text()? },
        body_hash: r.hash()?,
        created_at: r.time()?,
        status: r.integer()?,
        body: r.bytes()?,
        decision_id: r.id_or_none()?,
    })
}

/// Reads all rows with one of the functions above.
pub(crate) fn all<R: Cells, T>(rows: &[R], read: impl Fn(&mut Reader<'_, R>) -> Result<T>) -> Result<Vec<T>> {
    rows.iter().map(|row| read(&mut Reader::new(row))).collect()
}

/// Reads the row, if there is one.
pub(crate) fn one<R: Cells, T>(row: Option<R>, read: impl Fn(&mut Reader<'_, R>) -> Result<T>) -> Result<Option<T>> {
    row.map(|row| read(&mut Reader::new(&row))).transpose()
}
