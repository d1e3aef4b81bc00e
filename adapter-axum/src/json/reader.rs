//! Takes the fields out of a tree and collects everything that is wrong on the way, each with its dotted path.

use std::{borrow::Cow, collections::BTreeSet};

use splitter_core::{Violation, Violations};
use uuid::Uuid;

use super::tree::{Json, join};

/// A value and where it stands.
#[derive(Debug, Clone)]
pub(crate) struct Value<'t, 'j> {
    /// The value.
    pub(crate) json: &'t Json<'j>,
    /// Its dotted path.
    pub(crate) path: String,
}

/// An object whose fields are being read. A field that was asked for is known; [`Fields::finish`] refuses the others.
#[derive(Debug)]
pub(crate) struct Fields<'t, 'j> {
    entries: &'t [(Cow<'j, str>, Json<'j>)],
    path: String,
    known: Vec<&'static str>,
}

/// What a body says about a field that can be cleared.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Sent<T> {
    #[default]
    Absent,
    /// It is to be cleared.
    Null,
    Value(T),
}

impl<T> Sent<T> {
    /// Reads the value, if there is one. One that can not be read has been noted, and counts as absent from then on.
    pub(crate) fn read<U>(self, read: impl FnOnce(T) -> Option<U>) -> Sent<U> {
        match self {
            Self::Absent => Sent::Absent,
            Self::Null => Sent::Null,
            Self::Value(value) => read(value).map_or(Sent::Absent, Sent::Value),
        }
    }
}

impl<T: Clone> Sent<T> {
    /// Changes a field accordingly.
    pub(crate) fn apply(&self, field: &mut Option<T>) {
        match self {
            Self::Absent => {}
            Self::Null => *field = None,
            Self::Value(value) => *field = Some(value.clone()),
        }
    }
}

/// Characters of a value that a message repeats.
const SHOWN: usize = 40;

/// A text as it may stand in a message: escaped and cut.
pub(crate) fn shown(text: &str) -> String {
    let mut shown: String = text.chars().take(SHOWN).collect::<String>().escape_debug().to_string();
    if text.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    shown
}

/// What a value is, and what would be right if a text is wanted.
fn instead_of_text(json: &Json<'_>) -> String {
    match json {
        Json::Null => "this is null: leave it out".to_owned(),
        Json::Bool(value) => format!("this is a boolean: write \"{value}\""),
        Json::Number(text) => format!("this is a number: write \"{}\"", shown(text)),
        Json::String(_) => "this is a string".to_owned(),
        Json::Array(_) => "this is an array".to_owned(),
        Json::Object(_) => "this is an object".to_owned(),
    }
}

fn kind(json: &Json<'_>) -> &'static str {
    match json {
        Json::Null => "null",
        Json::Bool(_) => "a boolean",
        Json::Number(_) => "a number",
        Json::String(_) => "a string",
        Json::Array(_) => "an array",
        Json::Object(_) => "an object",
    }
}

impl<'t, 'j> Fields<'t, 'j> {
    /// The fields of a body, which has to be an object.
    pub(crate) fn of_body(json: &'t Json<'j>) -> Result<Self, Violation> {
        match json {
            Json::Object(entries) => Ok(Self { entries, path: String::new(), known: Vec::new() }),
            other => Err(Violation {
                path: String::new(),
                message: format!("the body must be a JSON object, this is {}", kind(other)),
            }),
        }
    }

    /// Makes a field known without looking at it.
    pub(crate) fn ignore(&mut self, name: &'static str) {
        self.known.push(name);
    }

    /// A field, `null` told apart from absence. Of repeated ones the first: the repetition has been refused already.
    pub(crate) fn sent(&mut self, name: &'static str) -> Sent<Value<'t, 'j>> {
        self.known.push(name);
        match self.entries.iter().find(|(key, _)| key == name) {
            None => Sent::Absent,
            Some((_, Json::Null)) => Sent::Null,
            Some((_, json)) => Sent::Value(Value { json, path: join(&self.path, name) }),
        }
    }

    /// An optional field; `null` counts as absent.
    pub(crate) fn get(&mut self, name: &'static str) -> Option<Value<'t, 'j>> {
        match self.sent(name) {
            Sent::Value(value) => Some(value),
            Sent::Absent | Sent::Null => None,
        }
    }

    /// A required field.
    pub(crate) fn required(&mut self, found: &mut Violations, name: &'static str) -> Option<Value<'t, 'j>> {
        let value = self.get(name);
        if value.is_none() {
            found.push(join(&self.path, name), "is required");
        }
        value
    }

    /// All entries, with their paths.
    pub(crate) fn entries(&self) -> impl Iterator<Item = (&'t str, Value<'t, 'j>)> {
        let path = self.path.clone();
        self.entries.iter().map(move |(key, json)| (key.as_ref(), Value { json, path: join(&path, key) }))
    }

    /// The entries that were never asked for.
    pub(crate) fn unknown(&self) -> impl Iterator<Item = (&'t str, Value<'t, 'j>)> {
        self.entries().filter(|(key, _)| !self.known.contains(key))
    }

    /// Refuses the entries that were never asked for, by name.
    pub(crate) fn finish(self, found: &mut Violations, hint: &str) {
        let mut told = BTreeSet::new();
        for (name, value) in self.unknown() {
            if told.insert(name) {
                found.push(value.path, format!("is not a known field{hint}"));
            }
        }
    }
}

impl<'t, 'j> Value<'t, 'j> {
    /// Notes what is wrong with this value.
    pub(crate) fn refuse(&self, found: &mut Violations, message: impl Into<String>) {
        found.push(self.path.clone(), message);
    }

    /// A string.
    pub(crate) fn text(&self, found: &mut Violations) -> Option<&'t str> {
        if let Json::String(text) = self.json {
            return Some(text);
        }
        self.refuse(found, format!("must be a string, {}", instead_of_text(self.json)));
        None
    }

    /// `true` or `false`.
    pub(crate) fn boolean(&self, found: &mut Violations) -> Option<bool> {
        if let Json::Bool(value) = self.json {
            return Some(*value);
        }
        self.refuse(found, format!("must be true or false, this is {}", kind(self.json)));
        None
    }

    /// The source text of a number.
    pub(crate) fn number(&self, found: &mut Violations) -> Option<&'j str> {
        if let Json::Number(text) = self.json {
            return Some(text);
        }
        self.refuse(found, format!("must be a number, this is {}", kind(self.json)));
        None
    }

    /// A whole number from 0 to `max`.
    pub(crate) fn integer(&self, found: &mut Violations, max: u64) -> Option<u64> {
        /// Up to here every whole number has a floating-point form of its own.
        const EXACT: f64 = 9_007_199_254_740_992.0;
        let text = self.number(found)?;
        let value = text.parse().ok().or_else(|| {
            // `60.0` and `6e1` are whole numbers too.
            let value: f64 = text.parse().ok()?;
            let whole = value.fract() == 0.0 && (0.0..=EXACT).contains(&value);
            // The range was checked, and there is no fraction to lose.
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked right above")]
            whole.then_some(value as u64)
        });
        let value = value.filter(|value| *value <= max);
        if value.is_none() {
            self.refuse(found, format!("must be a whole number from 0 to {max}, this is `{}`", shown(text)));
        }
        value
    }

    /// A percentage from 0 to 100 with at most two decimals, in basis points.
    pub(crate) fn percentage(&self, found: &mut Violations) -> Option<u32> {
        let text = self.number(found)?;
        let hundredfold = text.parse::<f64>().unwrap_or(f64::NAN) * 100.0;
        if !(0.0..=10_000.0).contains(&hundredfold) {
            self.refuse(found, format!("must be a percentage from 0 to 100, this is `{}`", shown(text)));
            return None;
        }
        if (hundredfold - hundredfold.round()).abs() > 1e-6 {
            self.refuse(found, format!("must have at most two decimals, this is `{}`", shown(text)));
            return None;
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 10,000, and rounded")]
        Some(hundredfold.round() as u32)
    }

    /// An id.
    pub(crate) fn id<T: From<Uuid>>(&self, found: &mut Violations) -> Option<T> {
        let text = self.text(found)?;
        let id = parse_uuid(text);
        if id.is_none() {
            self.refuse(
                found,
                format!("must be a UUID such as `01890a5d-ac96-774b-bcce-b302099a8057`, this is `{}`", shown(text)),
            );
        }
        id.map(T::from)
    }

    /// A string that `T` can read; its error is the message.
    pub(crate) fn parsed<T: std::str::FromStr<Err: std::fmt::Display>>(&self, found: &mut Violations) -> Option<T> {
        let text = self.text(found)?;
        text.parse().map_err(|error: T::Err| self.refuse(found, error.to_string())).ok()
    }

    /// One of the names.
    pub(crate) fn one_of<T: Copy>(&self, found: &mut Violations, names: &[(&str, T)]) -> Option<T> {
        let text = self.text(found)?;
        let known = names.iter().find(|(name, _)| *name == text);
        if known.is_none() {
            self.refuse(found, not_one_of(text, names.iter().map(|(name, _)| *name)));
        }
        known.map(|(_, value)| *value)
    }

    /// An object.
    pub(crate) fn fields(&self, found: &mut Violations) -> Option<Fields<'t, 'j>> {
        if let Json::Object(entries) = self.json {
            return Some(Fields { entries, path: self.path.clone(), known: Vec::new() });
        }
        self.refuse(found, format!("must be an object, this is {}", kind(self.json)));
        None
    }

    /// The items of an array, with their paths.
    pub(crate) fn items(&self, found: &mut Violations) -> Option<Vec<Value<'t, 'j>>> {
        if let Json::Array(items) = self.json {
            let item = |(n, json)| Value { json, path: join(&self.path, &usize::to_string(&n)) };
            return Some(items.iter().enumerate().map(item).collect());
        }
        self.refuse(found, format!("must be an array, this is {}", kind(self.json)));
        None
    }
}

/// ``must be one of `a`, `b`, this is `c` ``
pub(crate) fn not_one_of<'n>(text: &str, names: impl Iterator<Item = &'n str>) -> String {
    let names: Vec<String> = names.map(|name| format!("`{name}`")).collect();
    format!("must be one of {}, this is `{}`", names.join(", "), shown(text))
}

/// A UUID in its one canonical form, hyphenated; not the other forms that exist (braces, `urn:uuid:`, no hyphens).
pub(crate) fn parse_uuid(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| text.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn with<T>(body: &str, read: impl FnOnce(&mut Fields<'_, '_>, &mut Violations) -> T) -> (T, String) {
        let document = parse(body.as_bytes()).unwrap();
        let mut fields = Fields::of_body(&document.root).unwrap();
        let mut found = Violations::new();
        let value = read(&mut fields, &mut found);
        (value, found.to_string())
    }

    #[test]
    fn texts_say_what_would_be_right() {
        for (json, message) in [
            ("50000", r#"a: must be a string, this is a number: write "50000""#),
            ("1.50", r#"a: must be a string, this is a number: write "1.50""#),
            ("true", r#"a: must be a string, this is a boolean: write "true""#),
            ("{}", "a: must be a string, this is an object"),
            ("[]", "a: must be a string, this is an array"),
            ("null", "a: is required"),
        ] {
            let read = |fields: &mut Fields<'_, '_>, found: &mut Violations| {
                fields.required(found, "a").and_then(|value| value.text(found)).map(str::to_owned)
            };
            assert_eq!(with(&format!(r#"{{"a":{json}}}"#), read), (None, message.to_owned()));
        }
    }

    #[test]
    fn percentages_are_read_to_two_decimals() {
        for (json, bp) in [
            ("0", Some(0)),
            ("100", Some(10_000)),
            ("33.33", Some(3333)),
            ("33.330", Some(3333)),
            ("1e1", Some(1000)),
            ("0.07", Some(7)),
            ("99.99", Some(9999)),
            ("14.285714", None),
            ("33.333", None),
            ("100.01", None),
            ("-1", None),
            ("1e400", None),
            ("\"50\"", None),
        ] {
            let read = |fields: &mut Fields<'_, '_>, found: &mut Violations| {
                fields.get("a").and_then(|value| value.percentage(found))
            };
            let (read, found) = with(&format!(r#"{{"a":{json}}}"#), read);
            assert_eq!(read, bp, "{json}");
            assert_eq!(found.is_empty(), bp.is_some(), "{json}");
        }
    }

    #[test]
    fn whole_numbers() {
        for (json, value) in [
            ("0", Some(0)),
            ("60.0", Some(60)),
            ("6e1", Some(60)),
            ("1.5", None),
            ("-1", None),
            ("99", None),
            ("1e99", None),
        ] {
            let read = |fields: &mut Fields<'_, '_>, found: &mut Violations| {
                fields.get("a").and_then(|value| value.integer(found, 60))
            };
            assert_eq!(with(&format!(r#"{{"a":{json}}}"#), read).0, value, "{json}");
        }
    }

    #[test]
    fn unknown_fields_are_named_once() {
        let ((), found) = with(r#"{"a":1,"b":2,"c":{}}"#, |fields, found| {
            fields.ignore("a");
            std::mem::replace(fields, Fields { entries: &[], path: String::new(), known: Vec::new() })
                .finish(found, ": leave it out");
        });
        assert_eq!(found, "b: is not a known field: leave it out; c: is not a known field: leave it out");
    }

    #[test]
    fn only_the_canonical_form_of_a_uuid_is_one() {
        assert!(parse_uuid("01890a5d-ac96-774b-bcce-b302099a8057").is_some());
        for text in [
            "",
            "01890a5dac96774bbcceb302099a8057",
            "{01890a5d-ac96-774b-bcce-b302099a8057}",
            "01890a5d-ac96-774b-bcce-b302099a805g",
        ] {
            assert!(parse_uuid(text).is_none(), "{text}");
        }
    }
}
