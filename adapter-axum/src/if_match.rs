//! `If-Match`: which version a change is meant for.

use splitter_core::Violations;

/// Reads `If-Match: "<version>"`. `Ok(None)`: the header is missing.
pub(crate) fn read_if_match(value: Option<&[u8]>) -> Result<Option<IfMatch>, Violations> {
    let Some(value) = value else { return Ok(None) };
    let text = std::str::from_utf8(value).unwrap_or_default().trim_ascii();
    let tag = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')).filter(|tag| !tag.contains('"'));
    match tag {
        Some(tag) => Ok(Some(tag.parse().map_or(IfMatch::Never, IfMatch::Version))),
        // A weak tag is well-formed but never matches here (RFC 9110, section 13.1.1).
        None if text.starts_with("W/\"") => Ok(Some(IfMatch::Never)),
        None => Err(Violations::one("If-Match", "must be one version in double quotes, such as `\"3\"`")),
    }
}

/// What `If-Match` asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMatch {
    /// This version.
    Version(u32),
    /// A tag that no splitter ever had.
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn if_match() {
        assert_eq!(read_if_match(None), Ok(None));
        for (text, expected) in [
            ("\"3\"", IfMatch::Version(3)),
            (" \"3\" ", IfMatch::Version(3)),
            ("\"99999999999\"", IfMatch::Never),
            ("\"abc\"", IfMatch::Never),
            ("W/\"3\"", IfMatch::Never),
        ] {
            assert_eq!(read_if_match(Some(text.as_bytes())), Ok(Some(expected)), "{text}");
        }
        for text in ["3", "*", "", "\"3\", \"4\"", "\"3", "\""] {
            assert!(read_if_match(Some(text.as_bytes())).is_err(), "{text}");
        }
    }
}
