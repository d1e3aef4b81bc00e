//! Query strings: every parameter is a text, and all violations are collected, as with bodies.

use std::{collections::BTreeSet, convert::Infallible, str::FromStr};

use axum::{extract::FromRequestParts, http::request::Parts};
use splitter_core::{PhoneNumber, Timestamp, Violations, store::PageRequest};
use uuid::Uuid;

use crate::{
    error::ApiError,
    json::reader::{not_one_of, parse_uuid, shown},
};

/// The parameters of a request, being read.
#[derive(Debug)]
pub(crate) struct Query {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    pub(crate) found: Violations,
}

impl<S: Send + Sync> FromRequestParts<S> for Query {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        Ok(Self::parse(parts.uri.query().unwrap_or_default()))
    }
}

impl Query {
    /// Parameters without a value count as absent: forms send them.
    pub(crate) fn parse(query: &str) -> Self {
        let pairs = form_urlencoded::parse(query.as_bytes())
            .filter(|(_, value)| !value.is_empty())
            .map(|(name, value)| (name.into_owned(), value.into_owned()))
            .collect();
        Self { pairs, known: Vec::new(), found: Violations::new() }
    }

    /// A parameter that can be there once.
    pub(crate) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let mut values = self.pairs.iter().filter(|(known, _)| known == name).map(|(_, value)| value);
        let value = values.next().cloned();
        if values.next().is_some() {
            self.found.push(name, "is given twice");
        }
        value
    }

    /// A parameter that can be there several times, or once with commas.
    pub(crate) fn list(&mut self, name: &'static str) -> Vec<String> {
        self.known.push(name);
        let values = self.pairs.iter().filter(|(known, _)| known == name).flat_map(|(_, value)| value.split(','));
        values.map(str::trim).filter(|value| !value.is_empty()).map(str::to_owned).collect()
    }

    /// A whole number from `least` to `most`.
    pub(crate) fn number(&mut self, name: &'static str, least: u32, most: u32, default: u32) -> u32 {
        let Some(text) = self.text(name) else { return default };
        let value = text.parse().ok().filter(|value| (least..=most).contains(value));
        value.unwrap_or_else(|| {
            let message = format!("must be a whole number from {least} to {most}, this is `{}`", shown(&text));
            self.found.push(name, message);
            default
        })
    }

    /// A cursor, as a page before gave it.
    pub(crate) fn cursor(&mut self, name: &'static str) -> Option<u64> {
        let text = self.text(name)?;
        // Databases count with a sign.
        let cursor = text.parse().ok().filter(|cursor| i64::try_from(*cursor).is_ok());
        if cursor.is_none() {
            self.found.push(name, format!("must be the `next` of another page, this is `{}`", shown(&text)));
        }
        cursor
    }

    /// `page` and `limit`.
    pub(crate) fn page(&mut self, default_limit: u32) -> PageRequest {
        /// Deeper pages than any list has.
        const MAX_PAGE: u32 = 1_000_000_000;
        PageRequest { page: self.number("page", 1, MAX_PAGE, 1), limit: self.number("limit", 1, 100, default_limit) }
    }

    /// One of the names.
    pub(crate) fn one_of<T: Copy>(&mut self, name: &'static str, names: &[(&str, T)]) -> Option<T> {
        let text = self.text(name)?;
        let known = names.iter().find(|(known, _)| *known == text);
        if known.is_none() {
            self.found.push(name, not_one_of(&text, names.iter().map(|(known, _)| *known)));
        }
        known.map(|(_, value)| *value)
    }

    /// An id.
    pub(crate) fn id<T: From<Uuid>>(&mut self, name: &'static str) -> Option<T> {
        let text = self.text(name)?;
        let id = parse_uuid(&text);
        if id.is_none() {
            self.found.push(name, format!("must be a UUID, this is `{}`", shown(&text)));
        }
        id.map(T::from)
    }

    /// A list of ids.
    pub(crate) fn ids<T: From<Uuid> + Ord>(&mut self, name: &'static str) -> BTreeSet<T> {
        let texts = self.list(name);
        let read = |text: &String| {
            let id = parse_uuid(text);
            if id.is_none() {
                self.found.push(name, format!("must be UUIDs, this is `{}`", shown(text)));
            }
            id.map(T::from)
        };
        texts.iter().filter_map(read).collect()
    }

    /// A list of what `T` can read.
    pub(crate) fn parsed_list<T: FromStr<Err: std::fmt::Display> + Ord>(&mut self, name: &'static str) -> BTreeSet<T> {
        let texts = self.list(name);
        let read = |text: &String| text.parse().map_err(|error: T::Err| self.found.push(name, error.to_string())).ok();
        texts.iter().filter_map(read).collect()
    }

    /// A phone number. A `+` that was not written as `%2B` has become a space on the way.
    pub(crate) fn phone(&mut self, name: &'static str) -> Option<PhoneNumber> {
        let text = restore_plus(self.text(name)?);
        PhoneNumber::parse(&text).map_err(|error| self.found.push(name, error.to_string())).ok()
    }

    /// An RFC 3339 date and time. Here, too, a `+` can have become a space.
    pub(crate) fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let text = self.text(name)?;
        let read = text.parse::<Timestamp>().or_else(|error| text.replace(' ', "+").parse().map_err(|_| error));
        read.map_err(|error| self.found.push(name, error.to_string())).ok()
    }

    /// Refuses parameters that were never asked for: a filter with a typing error must not silently filter nothing.
    pub(crate) fn finish(mut self) -> Result<(), ApiError> {
        let mut told = BTreeSet::new();
        for (name, _) in &self.pairs {
            if !self.known.contains(&name.as_str()) && told.insert(name) {
                self.found.push(shown(name), "is not a known parameter");
            }
        }
        self.found.or(|| ()).map_err(Into::into)
    }
}

/// A leading `+` that form encoding has turned into a space.
pub(crate) fn restore_plus(text: String) -> String {
    match text.strip_prefix(' ') {
        Some(rest) if rest.starts_with(|c: char| c.is_ascii_digit()) => format!("+{rest}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_violations_at_once() {
        let mut query = Query::parse("page=0&limit=101&from=x&page=2&stauts=active&empty=&ids=a,b");
        query.page(25);
        query.time("from");
        query.ids::<splitter_core::CampaignId>("ids");
        let paths: Vec<String> = {
            query.known.push("x");
            let mut found = std::mem::take(&mut query.found);
            query.finish().unwrap_err();
            found.0.drain(..).map(|violation| violation.path).collect()
        };
        assert_eq!(paths, ["page", "page", "limit", "from", "ids", "ids"]);
    }

    #[test]
    fn a_plus_that_became_a_space_is_restored() {
        let mut query = Query::parse("phone=+15551234567&from=2026-05-13T14:30:00+02:00");
        assert_eq!(query.phone("phone"), PhoneNumber::parse("+15551234567").ok());
        assert_eq!(query.time("from"), "2026-05-13T12:30:00Z".parse().ok());
        assert!(query.finish().is_ok());
    }

    #[test]
    fn lists_are_repeated_or_separated_by_commas() {
        let mut query = Query::parse("a=x,y&a=z,&b=1");
        assert_eq!(query.list("a"), ["x", "y", "z"]);
        assert!(query.finish().is_err());
    }
}
