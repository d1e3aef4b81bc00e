//! What the Zapier endpoint does to a body before it is an ordinary one.
//!
//! Forms and spreadsheets send flat objects of texts and numbers. Fields that the API does not know become custom variables,
//! numbers and booleans become their source text, `null` and empty optional fields count as absent, and phone numbers are
//! read as people write them. An explicit `customVariables` entry wins over a flat field of the same name.

use std::collections::BTreeSet;

use splitter_core::{
    CampaignId, ContactInput, SplitterId, Target, Violations,
    phone::{Region, lenient},
};

use crate::{
    dto::contact::read_variables,
    error::ApiError,
    json::{Document, Fields, Json, Value},
};

/// The fields of a contact, and what is wrong with them so far. `region` is the one that national numbers are read in.
pub(crate) fn transform(
    document: &Document<'_>,
    region: Option<Region>,
) -> Result<(ContactInput, Violations), ApiError> {
    let (mut fields, mut violations) = document.fields()?;
    let found = &mut violations;
    let phone_number = fields.get("phoneNumber").and_then(|value| read_phone(&value, region, found));
    let campaign = filled(&mut fields, "campaignId");
    let target = if let Some(campaign) = campaign {
        fields.ignore("splitterId");
        campaign.id::<CampaignId>(found).map(Target::Campaign)
    } else {
        filled(&mut fields, "splitterId").and_then(|value| value.id::<SplitterId>(found)).map(Target::Splitter)
    };
    let name = filled(&mut fields, "name").and_then(|value| scalar(&value, found));
    let timezone = filled(&mut fields, "timezone").and_then(|value| value.text(found)).map(str::to_owned);
    // Explicit variables keep to the rule of the API: texts.
    let explicit = filled(&mut fields, "customVariables").and_then(|value| read_variables(&value, found));
    let mut seen: BTreeSet<String> = explicit.iter().flatten().map(|(name, _)| name.clone()).collect();
    let mut flat = Vec::new();
    for (name, value) in fields.unknown() {
        if value.json != &Json::Null
            && seen.insert(name.to_owned())
            && let Some(text) = scalar(&value, found)
        {
            flat.push((name.to_owned(), text));
        }
    }
    // Nothing sent leaves the stored variables alone; an empty object empties them.
    let custom_variables =
        (explicit.is_some() || !flat.is_empty()).then(|| explicit.into_iter().flatten().chain(flat).collect());
    Ok((ContactInput { phone_number, target, name, timezone, custom_variables }, violations))
}

/// An optional field that is not empty.
fn filled<'t, 'j>(fields: &mut Fields<'t, 'j>, name: &'static str) -> Option<Value<'t, 'j>> {
    let blank = |value: &Value<'_, '_>| matches!(value.json, Json::String(text) if text.trim().is_empty());
    fields.get(name).filter(|value| !blank(value))
}

/// A text, or the source text of a number or a boolean.
fn scalar(value: &Value<'_, '_>, found: &mut Violations) -> Option<String> {
    match value.json {
        Json::String(text) => Some(text.clone().into_owned()),
        Json::Number(text) => Some((*text).to_owned()),
        Json::Bool(value) => Some(value.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => {
            value.refuse(found, "must be a text, a number or a boolean: flat fields can hold nothing else");
            None
        }
    }
}

/// The number in E.164, for the rules to be applied to it.
fn read_phone(value: &Value<'_, '_>, region: Option<Region>, found: &mut Violations) -> Option<String> {
    let text = scalar(value, found)?;
    // What is E.164 already keeps its own messages, which are more to the point.
    if splitter_core::PhoneNumber::parse(&text).is_ok() {
        return Some(text);
    }
    let read = lenient::parse(&text, region).map_err(|error| value.refuse(found, error.to_string()));
    read.ok().map(|read| read.number.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::parse;

    fn transformed(body: &str) -> (ContactInput, String) {
        let document = parse(body.as_bytes()).unwrap();
        let (input, found) = transform(&document, "US".parse().ok()).unwrap();
        (input, found.to_string())
    }

    fn variables(body: &str) -> Vec<(String, String)> {
        let (input, found) = transformed(body);
        assert_eq!(found, "");
        input.custom_variables.unwrap_or_default()
    }

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        list.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect()
    }

    #[test]
    fn unknown_fields_become_variables_with_their_source_text() {
        assert_eq!(
            variables(r#"{"a":"x","b":1.50,"c":true,"d":null,"e":-0e1,"f":"","name":"Jane"}"#),
            pairs(&[("a", "x"), ("b", "1.50"), ("c", "true"), ("e", "-0e1"), ("f", "")])
        );
    }

    #[test]
    fn an_explicit_entry_wins() {
        assert_eq!(
            variables(r#"{"company":"flat","customVariables":{"company":"explicit"},"more":"1"}"#),
            pairs(&[("company", "explicit"), ("more", "1")])
        );
    }

    #[test]
    fn arrays_and_objects_are_refused_by_name_all_at_once() {
        let (_, found) = transformed(r#"{"a":[1],"b":{"c":1},"customVariables":{"n":5},"name":{}}"#);
        for path in ["a: ", "b: ", "customVariables.n: ", "name: "] {
            assert!(found.contains(path), "{found}");
        }
    }

    #[test]
    fn empty_optional_fields_count_as_absent() {
        let id = "01890a5d-ac96-774b-bcce-b302099a8057";
        let body = format!(r#"{{"name":"","timezone":" ","campaignId":"","customVariables":"","splitterId":"{id}"}}"#);
        let (input, found) = transformed(&body);
        assert_eq!(found, "");
        let target = Some(Target::Splitter(SplitterId(id.parse().unwrap())));
        assert_eq!(input, ContactInput { target, ..ContactInput::default() });
    }

    #[test]
    fn phone_numbers_are_read_leniently() {
        for (json, expected) in [
            (r#""+15551234567""#, "+15551234567"),
            (r#""(555) 123-4567""#, "+15551234567"),
            ("15551234567", "+15551234567"),
            ("5551234567", "+15551234567"),
            (r#""0044 20 7946 0000""#, "+442079460000"),
        ] {
            let (input, found) = transformed(&format!(r#"{{"phoneNumber":{json}}}"#));
            assert_eq!((input.phone_number.as_deref(), found.as_str()), (Some(expected), ""), "{json}");
        }
        for json in [r#""call me""#, "{}", "true", "1.5e3"] {
            let (input, found) = transformed(&format!(r#"{{"phoneNumber":{json}}}"#));
            assert_eq!(input.phone_number, None);
            assert!(found.starts_with("phoneNumber: "), "{json}: {found}");
        }
    }

    #[test]
    fn the_campaign_wins_even_over_a_malformed_splitter() {
        let (input, found) =
            transformed(r#"{"campaignId":"01890a5d-ac96-774b-bcce-b302099a8057","splitterId":{"x":1}}"#);
        assert_eq!(found, "");
        assert!(matches!(input.target, Some(Target::Campaign(_))));
    }
}
