//! The canonical bytes of a decision: one encoding per decision, and one decision per encoding.
//!
//! ```text
//! version u8 = 1
//! id 16 · splitter 16 · contact 16 · campaign 16
//! seq · time in ms · configuration version · rule version · share version      variable-length integers
//! kind u8 · strategy u8 · in quota u8
//! actor u8 (0 admin, 1 import, 2 system, 3 API key) [· key id 16]
//! returned: position + 1, or 0
//! idempotency key: length, bytes                                               length 0: none
//! candidates: count, then each: id 16 · exclusion code u8 (0 none) · weight · credit
//! draws: count, then each u64
//! ```
//! Integers are LEB128 in their shortest form; signed ones are zigzag-encoded first.

use thiserror::Error;
use uuid::Uuid;

use super::{Candidate, Decision, DecisionKind, Exclusion};
use crate::{
    actor::Actor,
    id::{ApiKeyId, CampaignId, ContactId, DecisionId, SplitterId},
    splitter::StrategyKind,
    time::Timestamp,
};

/// The version of the encoding, its first byte.
pub const CANONICAL_VERSION: u8 = 1;

const STRATEGIES: [StrategyKind; 5] = [
    StrategyKind::Percentage,
    StrategyKind::Random,
    StrategyKind::Sticky,
    StrategyKind::TimeWeighted,
    StrategyKind::Adaptive,
];
const KINDS: [DecisionKind; 3] = [DecisionKind::Decided, DecisionKind::Kept, DecisionKind::Suppressed];

/// Bytes that are not the canonical form of a decision.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not the canonical bytes of a decision: {0}")]
pub struct MalformedDecision(&'static str);

impl Decision {
    /// The canonical bytes.
    #[must_use]
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(128 + 32 * self.candidates.len());
        out.push(CANONICAL_VERSION);
        for id in [self.id.0, self.splitter_id.0, self.contact_id.0, self.campaign_id.0] {
            out.extend_from_slice(id.as_bytes());
        }
        unsigned(&mut out, self.seq);
        signed(&mut out, self.at.as_millis());
        unsigned(&mut out, u64::from(self.version));
        unsigned(&mut out, u64::from(self.rule_version));
        unsigned(&mut out, self.share_version);
        out.push(code_of(&KINDS, &self.kind));
        out.push(code_of(&STRATEGIES, &self.strategy));
        out.push(u8::from(self.in_quota));
        match self.actor {
            Actor::Admin => out.push(0),
            Actor::Import => out.push(1),
            Actor::System => out.push(2),
            Actor::ApiKey(id) => {
                out.push(3);
                out.extend_from_slice(id.0.as_bytes());
            }
        }
        let returned = self.returned.and_then(|id| self.position_of(id)).map_or(0, |position| position + 1);
        unsigned(&mut out, returned as u64);
        let key = self.idempotency_key.as_deref().unwrap_or_default();
        unsigned(&mut out, key.len() as u64);
        out.extend_from_slice(key.as_bytes());
        unsigned(&mut out, self.candidates.len() as u64);
        for candidate in &self.candidates {
            out.extend_from_slice(candidate.campaign_id.0.as_bytes());
            out.push(candidate.exclusion.map_or(0, |reason| code_of(&Exclusion::ALL, &reason) + 1));
            unsigned(&mut out, u64::from(candidate.weight_bp));
            signed(&mut out, candidate.credit);
        }
        unsigned(&mut out, self.draws.len() as u64);
        for draw in &self.draws {
            unsigned(&mut out, *draw);
        }
        out
    }

    /// Reads canonical bytes back; refuses anything that [`Self::to_canonical`] would not have written.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, MalformedDecision> {
        let mut input = Reader(bytes);
        if input.byte()? != CANONICAL_VERSION {
            return Err(MalformedDecision("unknown version"));
        }
        let (id, splitter, contact, campaign) = (input.uuid()?, input.uuid()?, input.uuid()?, input.uuid()?);
        let seq = input.unsigned()?;
        let at = Timestamp::from_millis(input.signed()?);
        let version = input.small()?;
        let rule_version = u16::try_from(input.small()?).map_err(|_| MalformedDecision("rule version"))?;
        let share_version = input.unsigned()?;
        let kind = input.one_of(&KINDS)?;
        let strategy = input.one_of(&STRATEGIES)?;
        let in_quota = input.one_of(&[false, true])?;
        let actor = match input.byte()? {
            0 => Actor::Admin,
            1 => Actor::Import,
            2 => Actor::System,
            3 => Actor::ApiKey(ApiKeyId(input.uuid()?)),
            _ => return Err(MalformedDecision("actor")),
        };
        let returned = usize::try_from(input.unsigned()?).map_err(|_| MalformedDecision("returned"))?;
        let key_length = input.length(1)?;
        let key = std::str::from_utf8(input.take(key_length)?).map_err(|_| MalformedDecision("idempotency key"))?;
        let count = input.length(19)?;
        let mut candidates = Vec::with_capacity(count);
        for _ in 0..count {
            candidates.push(Candidate {
                campaign_id: CampaignId(input.uuid()?),
                exclusion: match input.byte()? {
                    0 => None,
                    code => Some(
                        *Exclusion::ALL
                            .get(usize::from(code) - 1)
                            .ok_or(MalformedDecision("reason of an exclusion"))?,
                    ),
                },
                weight_bp: input.small()?,
                credit: input.signed()?,
            });
        }
        let count = input.length(1)?;
        let draws = (0..count).map(|_| input.unsigned()).collect::<Result<_, _>>()?;
        if !input.0.is_empty() {
            return Err(MalformedDecision("trailing bytes"));
        }
        let returned = match returned {
            0 => None,
            n => Some(candidates.get(n - 1).ok_or(MalformedDecision("returned"))?.campaign_id),
        };
        let decision = Self {
            id: DecisionId(id),
            splitter_id: SplitterId(splitter),
            seq,
            at,
            version,
            contact_id: ContactId(contact),
            kind,
            campaign_id: CampaignId(campaign),
            in_quota,
            returned,
            strategy,
            rule_version,
            share_version,
            candidates,
            draws,
            actor,
            idempotency_key: (!key.is_empty()).then(|| key.to_owned()),
        };
        // Everything that can be written in two ways (a longer integer, a time out of range) shows here.
        if decision.to_canonical() == bytes { Ok(decision) } else { Err(MalformedDecision("not the canonical form")) }
    }
}

fn code_of<T: PartialEq>(all: &[T], one: &T) -> u8 {
    all.iter().position(|known| known == one).and_then(|n| u8::try_from(n).ok()).unwrap_or(u8::MAX - 1)
}

fn unsigned(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value.to_le_bytes()[0] | 0x80);
        value >>= 7;
    }
    out.push(value.to_le_bytes()[0]);
}

fn signed(out: &mut Vec<u8>, value: i64) {
    unsigned(out, ((value << 1) ^ (value >> 63)).cast_unsigned());
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, count: usize) -> Result<&'a [u8], MalformedDecision> {
        let (head, tail) = self.0.split_at_checked(count).ok_or(MalformedDecision("too short"))?;
        self.0 = tail;
        Ok(head)
    }

    fn byte(&mut self) -> Result<u8, MalformedDecision> {
        self.take(1).map(|bytes| bytes[0])
    }

    fn uuid(&mut self) -> Result<Uuid, MalformedDecision> {
        self.take(16).and_then(|bytes| Uuid::from_slice(bytes).map_err(|_| MalformedDecision("id")))
    }

    fn unsigned(&mut self) -> Result<u64, MalformedDecision> {
        let mut value = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let part = u64::from(byte & 0x7F);
            if shift == 63 && part > 1 {
                break;
            }
            value |= part << shift;
            if byte & 0x80 == 0 {
                return Ok(value);
            }
        }
        Err(MalformedDecision("integer"))
    }

    fn signed(&mut self) -> Result<i64, MalformedDecision> {
        let raw = self.unsigned()?;
        Ok((raw >> 1).cast_signed() ^ -(raw & 1).cast_signed())
    }

    fn small(&mut self) -> Result<u32, MalformedDecision> {
        self.unsigned().and_then(|value| u32::try_from(value).map_err(|_| MalformedDecision("integer")))
    }

    /// A count of things of at least `size` bytes each: so a hostile count can not make us reserve memory.
    fn length(&mut self, size: usize) -> Result<usize, MalformedDecision> {
        let count = usize::try_from(self.unsigned()?).map_err(|_| MalformedDecision("length"))?;
        if count.saturating_mul(size) > self.0.len() {
            return Err(MalformedDecision("length"));
        }
        Ok(count)
    }

    fn one_of<T: Copy>(&mut self, all: &[T]) -> Result<T, MalformedDecision> {
        let code = self.byte()?;
        all.get(usize::from(code)).copied().ok_or(MalformedDecision("code"))
    }
}
