//! A JSON document as it was written: keys keep their order, repeated keys are found at every level, numbers keep their
//! source text (`1.50` stays `1.50`).

use std::{borrow::Cow, collections::BTreeSet, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use splitter_core::{Violation, Violations};

/// The deepest nesting that is read. The deepest body of the API, a splitter with windows, has five levels.
pub(crate) const MAX_DEPTH: usize = 16;

/// Characters of a key that are shown in a path.
const SHOWN_KEY: usize = 128;

/// One value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    /// The source text.
    Number(&'a str),
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// In the order of the source, repeated keys included.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

/// A whole body.
#[derive(Debug)]
pub(crate) struct Document<'a> {
    /// Its value.
    pub(crate) root: Json<'a>,
    /// One violation for every repeated key, whatever the level.
    pub(crate) repeated: Violations,
}

/// Reads a body. The error says why it is no JSON text.
pub(crate) fn parse(bytes: &[u8]) -> Result<Document<'_>, Violation> {
    let text = std::str::from_utf8(bytes)
        .map_err(|error| body(format!("is not valid UTF-8 at byte {}", error.valid_up_to())))?;
    if text.trim_ascii().is_empty() {
        return Err(body("is empty: send a JSON object"));
    }
    // Finds every error of syntax, with its position, before anything is built. Does not recurse.
    let raw: &RawValue = serde_json::from_str(text).map_err(|error| body(format!("is not valid JSON: {error}")))?;
    let mut builder = Builder { path: String::new(), repeated: Violations::new() };
    let root = builder.build(raw.get(), 0)?;
    Ok(Document { root, repeated: builder.repeated })
}

fn body(message: impl Into<String>) -> Violation {
    Violation { path: String::new(), message: format!("the body {}", message.into()) }
}

/// A key as it is shown in a path.
pub(crate) fn shown_key(key: &str) -> Cow<'_, str> {
    match key.char_indices().nth(SHOWN_KEY) {
        Some((end, _)) => Cow::Owned(format!("{}…", &key[..end])),
        None => Cow::Borrowed(key),
    }
}

/// `key` below `path`.
pub(crate) fn join(path: &str, key: &str) -> String {
    let key = shown_key(key);
    if path.is_empty() { key.into_owned() } else { format!("{path}.{key}") }
}

struct Builder {
    path: String,
    repeated: Violations,
}

impl Builder {
    fn build<'a>(&mut self, raw: &'a str, depth: usize) -> Result<Json<'a>, Violation> {
        if depth >= MAX_DEPTH && raw.starts_with(['{', '[']) {
            return Err(body(format!("is nested deeper than {MAX_DEPTH} levels")));
        }
        // The syntax is known to be right, so the first byte tells the type.
        Ok(match raw.as_bytes().first() {
            Some(b'n') => Json::Null,
            Some(b't') => Json::Bool(true),
            Some(b'f') => Json::Bool(false),
            Some(b'"') => Json::String(serde_json::from_str::<Text<'a>>(raw).map_err(|_| self.surrogate())?.0),
            Some(b'[') => {
                let items: Vec<&'a RawValue> = serde_json::from_str(raw).map_err(|_| self.surrogate())?;
                let mut array = Vec::with_capacity(items.len());
                for (n, item) in items.into_iter().enumerate() {
                    array.push(self.below(&n.to_string(), item, depth)?);
                }
                Json::Array(array)
            }
            Some(b'{') => {
                let Entries(entries) = serde_json::from_str(raw).map_err(|_| self.surrogate())?;
                self.find_repeated(&entries);
                let mut object = Vec::with_capacity(entries.len());
                for (key, value) in entries {
                    let value = self.below(&key, value, depth)?;
                    object.push((key, value));
                }
                Json::Object(object)
            }
            _ => Json::Number(raw),
        })
    }

    fn below<'a>(&mut self, key: &str, raw: &'a RawValue, depth: usize) -> Result<Json<'a>, Violation> {
        let length = self.path.len();
        if length > 0 {
            self.path.push('.');
        }
        self.path.push_str(&shown_key(key));
        let value = self.build(raw.get(), depth + 1);
        if value.is_ok() {
            self.path.truncate(length);
        }
        value
    }

    fn find_repeated(&mut self, entries: &[(Cow<'_, str>, &RawValue)]) {
        let (mut seen, mut told) = (BTreeSet::new(), BTreeSet::new());
        for (key, _) in entries {
            if !seen.insert(key.as_ref()) && told.insert(key.as_ref()) {
                self.repeated.push(join(&self.path, key), "is given twice");
            }
        }
    }

    /// Escapes are the only thing that the check of the syntax leaves open.
    fn surrogate(&mut self) -> Violation {
        Violation {
            path: std::mem::take(&mut self.path),
            message: "holds a `\\u` escape that is only half of a surrogate pair".to_owned(),
        }
    }
}

/// A string, borrowed from the body unless it holds escapes.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

struct Entries<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> Visitor<'de> for Collect {
            type Value = Entries<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }
            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some((Text(key), value)) = map.next_entry()? {
                    entries.push((key, value));
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn error(body: &[u8]) -> String {
        let violation = parse(body).expect_err("refused");
        format!("{}: {}", violation.path, violation.message)
    }

    #[test]
    fn numbers_keep_their_text_and_objects_their_order() {
        let document = parse(br#" {"b":1.50,"a":[true,null,-0e1],"c":"x\n\u00e9"} "#).unwrap();
        let expected = Json::Object(vec![
            ("b".into(), Json::Number("1.50")),
            ("a".into(), Json::Array(vec![Json::Bool(true), Json::Null, Json::Number("-0e1")])),
            ("c".into(), Json::String("x\né".into())),
        ]);
        assert_eq!(document.root, expected);
        assert!(document.repeated.is_empty());
    }

    #[test]
    fn repeated_keys_are_found_at_every_level_once_each_and_behind_escapes() {
        let document = parse(br#"{"a":1,"\u0061":2,"a":3,"b":[{"c":{"d":1,"d":2}}]}"#).unwrap();
        let paths: Vec<&str> = document.repeated.0.iter().map(|violation| violation.path.as_str()).collect();
        assert_eq!(paths, ["a", "b.0.c.d"]);
    }

    #[test]
    fn what_is_no_json_text_is_refused_with_its_position() {
        let deep = format!("{}{}", "[".repeat(MAX_DEPTH + 1), "]".repeat(MAX_DEPTH + 1));
        let very_deep = "[".repeat(60_000) + &"]".repeat(60_000);
        for (text, expected) in [
            (&b""[..], ": the body is empty: send a JSON object"),
            (b" \n", ": the body is empty: send a JSON object"),
            (b"{\"a\":\xff}", ": the body is not valid UTF-8 at byte 5"),
            (b"{} x", ": the body is not valid JSON: trailing characters at line 1 column 4"),
            (b"{\"a\":1,}", ": the body is not valid JSON: key must be a string at line 1 column 8"),
            (b"{'a':1}", ": the body is not valid JSON: key must be a string at line 1 column 2"),
            (b"[01]", ": the body is not valid JSON: invalid number at line 1 column 3"),
            (b"NaN", ": the body is not valid JSON: expected value at line 1 column 1"),
            (br#"{"a":{"b":"\ud800"}}"#, "a.b: holds a `\\u` escape that is only half of a surrogate pair"),
            (br#"{"a":["x","\udc00\ud800"]}"#, "a.1: holds a `\\u` escape that is only half of a surrogate pair"),
            (br#"{"a":{"\ud800":1}}"#, "a: holds a `\\u` escape that is only half of a surrogate pair"),
            (deep.as_bytes(), ": the body is nested deeper than 16 levels"),
            (very_deep.as_bytes(), ": the body is nested deeper than 16 levels"),
        ] {
            assert_eq!(error(text), expected);
        }
        assert!(parse(br#""\ud83d\ude00""#).is_ok());
        assert!(parse(&deep.as_bytes()[1..deep.len() - 1]).is_ok());
    }

    #[test]
    fn long_keys_are_cut_in_paths_only() {
        let key = "é".repeat(1000);
        let text = format!(r#"{{"{key}":1,"{key}":2}}"#);
        let document = parse(text.as_bytes()).unwrap();
        assert_eq!(document.repeated.0[0].path, "é".repeat(128) + "…");
        let Json::Object(entries) = document.root else { panic!("an object") };
        assert_eq!(entries[0].0, key);
    }

    /// The same value as another reader of JSON sees it, where that is one to one.
    fn plain(json: &Json<'_>) -> serde_json::Value {
        match json {
            Json::Null => serde_json::Value::Null,
            Json::Bool(value) => (*value).into(),
            Json::Number(text) => serde_json::from_str(text).expect("a number"),
            Json::String(text) => text.as_ref().into(),
            Json::Array(items) => items.iter().map(plain).collect(),
            Json::Object(entries) => entries.iter().map(|(key, value)| (key.to_string(), plain(value))).collect(),
        }
    }

    fn agrees(bytes: &[u8]) -> Result<(), TestCaseError> {
        let other: Result<serde_json::Value, _> = serde_json::from_slice(bytes);
        match (parse(bytes), other) {
            // Of repeated keys the other one keeps the last.
            (Ok(document), Ok(other)) if document.repeated.is_empty() => prop_assert_eq!(plain(&document.root), other),
            (Ok(_), Ok(_)) | (Err(_), Err(_)) => {}
            (Ok(_), Err(error)) => prop_assert!(error.to_string().contains("number out of range"), "{}", error),
            (Err(violation), Ok(_)) => prop_assert!(violation.message.contains("nested deeper"), "{violation:?}"),
        }
        Ok(())
    }

    proptest! {
        #[test]
        fn accepts_and_reads_what_another_reader_does(text in r#"[\[\]{}:,"\\u0-9a-f. \-+eEtrulsn\x00é]{0,40}"#) {
            agrees(text.as_bytes())?;
        }

        #[test]
        fn strings_with_any_escape(body in r#"(\\u[dD][89a-fA-F][0-9a-f]{2}|\\[a-z"/\\]|[ -~é\x01]){0,6}"#) {
            agrees(format!("\"{body}\"").as_bytes())?;
            agrees(format!("{{\"{body}\":[\"{body}\"]}}").as_bytes())?;
        }

        #[test]
        fn any_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            agrees(&bytes)?;
        }
    }
}
