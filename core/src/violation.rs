//! What is wrong with an input: every violation at once, each with the path of the field.

use serde::Serialize;

/// One rule that an input breaks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Dotted path of the field, as `customVariables.loanAmount` or `campaigns.0.percentage`; empty for the whole body.
    pub path: String,
    /// What is wrong and what would be right: lowercase, without a final full stop.
    pub message: String,
}

/// Violations in the order in which they were found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
#[serde(transparent)]
pub struct Violations(pub Vec<Violation>);

impl Violations {
    /// No violation yet.
    #[must_use]
    pub const fn new() -> Self {
        Self(Vec::new())
    }

    /// A list of one.
    #[must_use]
    pub fn one(path: impl Into<String>, message: impl Into<String>) -> Self {
        let mut list = Self::new();
        list.push(path, message);
        list
    }

    /// Adds a violation.
    pub fn push(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Violation { path: path.into(), message: message.into() });
    }

    /// Whether nothing is wrong.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether the field at `path` is among them.
    #[must_use]
    pub fn names(&self, path: &str) -> bool {
        self.0.iter().any(|violation| violation.path == path)
    }

    /// `Ok(value)` if nothing is wrong.
    pub fn or<T>(self, value: impl FnOnce() -> T) -> Result<T, Self> {
        if self.is_empty() { Ok(value()) } else { Err(self) }
    }
}

impl std::fmt::Display for Violations {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (n, violation) in self.0.iter().enumerate() {
            if n > 0 {
                f.write_str("; ")?;
            }
            if !violation.path.is_empty() {
                write!(f, "{}: ", violation.path)?;
            }
            f.write_str(&violation.message)?;
        }
        Ok(())
    }
}

impl std::error::Error for Violations {}

/// Pushes a violation if `text` has more than `max` characters or a U+0000.
pub fn check_text(violations: &mut Violations, path: &str, text: &str, max: usize) {
    // A character has at most four bytes, so most texts need no counting.
    if text.len() > max && text.chars().count() > max {
        violations.push(path, format!("must have at most {max} characters"));
    }
    if text.contains('\0') {
        violations.push(path, "must not contain the character U+0000");
    }
}

/// A name that people see: 1 to `max` characters, not only white space, no control characters.
pub fn check_label(violations: &mut Violations, path: &str, text: &str, max: usize) {
    if text.trim().is_empty() {
        violations.push(path, "must not be empty");
    } else if text.chars().count() > max {
        violations.push(path, format!("must have at most {max} characters"));
    }
    if text.chars().any(char::is_control) {
        violations.push(path, "must not contain control characters");
    }
}
