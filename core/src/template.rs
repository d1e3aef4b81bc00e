//! Message templates: text with `{{variable}}` placeholders.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};
use thiserror::Error;

/// The most characters (Unicode scalar values) of a template's source: as many as a variable's value can have, and far
/// more than an SMS.
pub const MAX_TEMPLATE_CHARS: usize = 4_096;

/// The most characters of a variable's name.
pub const MAX_NAME_CHARS: usize = 128;

/// A checked message template.
///
/// # Grammar
///
/// ```text
/// template    = { "\{" | "\}" | "\\" | placeholder | any other character }
/// placeholder = "{{" name [ "|" default ] "}}"
/// ```
///
/// **Outside placeholders** everything stands for itself, a single `{` or `}` too. `{{` opens a placeholder; `}}` is an
/// error. `\{`, `\}` and `\\` are the character after the backslash; any other backslash is itself.
///
/// ```
/// # use splitter_core::template::Template;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let lookup = |name: &str| (name == "first name").then_some("Ann");
/// assert_eq!(Template::parse("Hi {{ first name }}, {1} C:\\dir \\{{x\\}}")?.render(lookup)?, "Hi Ann, {1} C:\\dir {{x}}");
/// # Ok(()) }
/// ```
///
/// **Inside a placeholder** a backslash makes the next character literal, whichever it is. Without one, the first `|`
/// ends the name, `}}` ends the placeholder, and a second `|`, a `{` or a single `}` is an error: so a forgotten `}}`
/// and a nested placeholder are found. White space (Unicode `White_Space`) around name and default is cut off, unless
/// a backslash stands before it. A name has 1 to [`MAX_NAME_CHARS`] characters, none of them a control character, `{`
/// or `}`; spaces inside are part of it. A default can be empty. It is used if there is no value; an empty value is a
/// value.
///
/// ```
/// # use splitter_core::template::Template;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let nothing = |_: &str| None;
/// assert_eq!(Template::parse("{{company | our team }}!")?.render(nothing)?, "our team!");
/// assert_eq!(Template::parse(r"Hi{{name|\ {you\}}}!").unwrap_err().position, 12);
/// assert_eq!(Template::parse(r"Hi{{name|\ \{you\}}}!")?.render(nothing)?, "Hi {you}!");
/// assert_eq!(Template::parse("Hi{{name|}}!")?.render(nothing)?, "Hi!");
/// assert_eq!(Template::parse("{{name}}")?.render(|_| Some(""))?, "");
/// # Ok(()) }
/// ```
///
/// Values are data. They are neither searched for placeholders nor escaped:
///
/// ```
/// # use splitter_core::template::Template;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// assert_eq!(Template::parse("{{a}}")?.render(|_| Some(r"{{b}} \{ <i>"))?, r"{{b}} \{ <i>");
/// # Ok(()) }
/// ```
///
/// Two templates are equal if their sources are. In JSON a template is its source.
#[derive(Debug, Clone)]
pub struct Template(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    source: String,
    parts: Vec<Part>,
    variables: Vec<Variable>,
}

#[derive(Debug)]
enum Part {
    Text(String),
    /// `variable` is an index into [`Parsed::variables`].
    Placeholder {
        variable: usize,
        default: Option<String>,
    },
}

/// A variable that a template uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// The name, without the white space around it and with escapes resolved.
    pub name: String,
    /// Whether every placeholder of this variable has a default, so that the template can be rendered without a value.
    pub has_default: bool,
}

/// Why a text is no template.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{problem} at character {position}: `{excerpt}`")]
pub struct TemplateError {
    /// What is wrong.
    pub problem: TemplateProblem,
    /// Where, in characters of the source, the first being 1.
    pub position: usize,
    /// Up to 20 characters of the source from there, control characters replaced by U+FFFD, with `…` if there are more.
    pub excerpt: String,
}

/// What can be wrong with a template.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TemplateProblem {
    /// The source has more than [`MAX_TEMPLATE_CHARS`] characters. The position is that of the first one too many.
    #[error("a template can have at most {MAX_TEMPLATE_CHARS} characters, and there are more")]
    TooLong,
    /// A placeholder is not closed. The position is that of its `{{`.
    #[error("a placeholder is not closed with `}}}}`")]
    Unclosed,
    /// A `}}` that closes nothing.
    #[error("`}}}}` closes nothing (write `\\}}\\}}` for the characters themselves)")]
    UnmatchedEnd,
    /// A placeholder without a name. The position is that of its `{{`.
    #[error("a placeholder has no variable name")]
    EmptyName,
    /// A name of more than [`MAX_NAME_CHARS`] characters. The position is that of the placeholder's `{{`.
    #[error("a variable name has more than {MAX_NAME_CHARS} characters")]
    NameTooLong,
    /// A control character, `{` or `}` in a name.
    #[error("a variable name can not contain `{}`", .0.escape_debug())]
    ForbiddenInName(char),
    /// A `|`, `{` or `}` in a default without a backslash.
    #[error("a default needs a backslash before `{0}`")]
    NotEscaped(char),
}

/// The variables without a value or a default that kept a template from being rendered, in order of their first use.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("no value for {}", .0.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "))]
pub struct MissingVariables(pub Vec<String>);

/// Why a template could not be rendered within a bound.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum RenderError {
    /// Variables have neither a value nor a default.
    #[error(transparent)]
    Missing(#[from] MissingVariables),
    /// The text would be longer than allowed.
    #[error("the text would have more than {max_chars} characters")]
    TooLong {
        /// The bound.
        max_chars: usize,
    },
}

impl Template {
    /// Checks a template and prepares it for rendering.
    pub fn parse(source: &str) -> Result<Self, TemplateError> {
        if source.chars().nth(MAX_TEMPLATE_CHARS).is_some() {
            return Err(error(source, TemplateProblem::TooLong, MAX_TEMPLATE_CHARS + 1));
        }
        let (mut parts, mut variables, mut text) = (Vec::new(), Vec::<Variable>::new(), String::new());
        let mut known = BTreeMap::new();
        let mut reader = Reader { source, rest: source.chars(), position: 0 };
        while let Some(c) = reader.next() {
            match c {
                '\\' => text.push(reader.next_if(|c| matches!(c, '{' | '}' | '\\')).unwrap_or('\\')),
                '{' if reader.next_if(|c| c == '{').is_some() => {
                    let (name, default) = reader.placeholder()?;
                    let variable = *known.entry(name).or_insert_with_key(|name| {
                        variables.push(Variable { name: name.clone(), has_default: true });
                        variables.len() - 1
                    });
                    variables[variable].has_default &= default.is_some();
                    if !text.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut text)));
                    }
                    parts.push(Part::Placeholder { variable, default });
                }
                '}' if reader.next_if(|c| c == '}').is_some() => {
                    return Err(error(source, TemplateProblem::UnmatchedEnd, reader.position - 1));
                }
                c => text.push(c),
            }
        }
        if !text.is_empty() {
            parts.push(Part::Text(text));
        }
        Ok(Self(Arc::new(Parsed { source: source.to_owned(), parts, variables })))
    }

    /// The text with a backslash before every `{`, `}` and `\`: a template that renders to exactly this text, provided
    /// it keeps within [`MAX_TEMPLATE_CHARS`].
    ///
    /// ```
    /// # use splitter_core::template::Template;
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// assert_eq!(Template::escape("{{name}}"), r"\{\{name\}\}");
    /// assert_eq!(Template::parse(&Template::escape("{{name}}"))?.render(|_| None)?, "{{name}}");
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn escape(text: &str) -> String {
        let mut escaped = String::with_capacity(text.len());
        for c in text.chars() {
            if matches!(c, '{' | '}' | '\\') {
                escaped.push('\\');
            }
            escaped.push(c);
        }
        escaped
    }

    /// The text that the template was parsed from, unchanged.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.0.source
    }

    /// The variables used, each once, in order of their first use.
    #[must_use]
    pub fn variables(&self) -> &[Variable] {
        &self.0.variables
    }

    /// The text with every placeholder replaced by its variable's value, or else its default.
    ///
    /// `lookup` is asked once per variable, in order of first use. The time needed is linear in the lengths of template
    /// and result; a value is copied as often as it is used.
    pub fn render<'a>(&self, lookup: impl Fn(&str) -> Option<&'a str>) -> Result<String, MissingVariables> {
        let values = self.values(lookup)?;
        Ok(self.pieces(&values).collect())
    }

    /// As [`Self::render`], but no text of more than `max_chars` characters is put together: values can be long, and a
    /// template can use each of them hundreds of times.
    pub fn render_within<'a>(
        &self,
        max_chars: usize,
        lookup: impl Fn(&str) -> Option<&'a str>,
    ) -> Result<String, RenderError> {
        let values = self.values(lookup)?;
        // A character has at most four bytes, so most texts need no counting.
        let bytes: usize = self.pieces(&values).map(str::len).sum();
        if bytes > max_chars && self.pieces(&values).map(|piece| piece.chars().count()).sum::<usize>() > max_chars {
            return Err(RenderError::TooLong { max_chars });
        }
        Ok(self.pieces(&values).collect())
    }

    /// The values of [`Self::variables`].
    fn values<'a>(&self, lookup: impl Fn(&str) -> Option<&'a str>) -> Result<Vec<Option<&'a str>>, MissingVariables> {
        let variables = &self.0.variables;
        let values: Vec<Option<&str>> = variables.iter().map(|variable| lookup(&variable.name)).collect();
        let missing: Vec<String> = variables
            .iter()
            .zip(&values)
            .filter(|(variable, value)| value.is_none() && !variable.has_default)
            .map(|(variable, _)| variable.name.clone())
            .collect();
        if missing.is_empty() { Ok(values) } else { Err(MissingVariables(missing)) }
    }

    /// The rendered text, piece by piece.
    fn pieces<'t>(&'t self, values: &'t [Option<&'t str>]) -> impl Iterator<Item = &'t str> {
        self.0.parts.iter().map(|part| match part {
            Part::Text(text) => text.as_str(),
            Part::Placeholder { variable, default } => {
                values[*variable].or(default.as_deref()).unwrap_or_default() // no value: there is a default
            }
        })
    }
}

/// The source, read once from front to end.
struct Reader<'a> {
    source: &'a str,
    rest: std::str::Chars<'a>,
    /// How many characters were read: the 1-based position of the last one.
    position: usize,
}

impl Reader<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.rest.next()?;
        self.position += 1;
        Some(c)
    }

    fn next_if(&mut self, wanted: impl Fn(char) -> bool) -> Option<char> {
        if self.rest.clone().next().is_some_and(wanted) { self.next() } else { None }
    }

    fn fail<T>(&self, problem: TemplateProblem, position: usize) -> Result<T, TemplateError> {
        Err(error(self.source, problem, position))
    }

    /// The name and default of a placeholder of which `{{` was read.
    fn placeholder(&mut self) -> Result<(String, Option<String>), TemplateError> {
        let start = self.position - 1;
        let name = self.field(start)?;
        if let Some((position, c)) = name.forbidden {
            return self.fail(TemplateProblem::ForbiddenInName(c), position);
        }
        if let Some(c) = name.end.filter(|c| *c != '|') {
            return self.fail(TemplateProblem::ForbiddenInName(c), self.position);
        }
        if name.text.is_empty() {
            return self.fail(TemplateProblem::EmptyName, start);
        }
        if name.text.chars().nth(MAX_NAME_CHARS).is_some() {
            return self.fail(TemplateProblem::NameTooLong, start);
        }
        if name.end.is_none() {
            return Ok((name.text, None));
        }
        let default = self.field(start)?;
        match default.end {
            Some(c) => self.fail(TemplateProblem::NotEscaped(c), self.position),
            None => Ok((name.text, Some(default.text))),
        }
    }

    /// Reads up to and with the first `|`, `{`, `}` or `}}` without a backslash.
    fn field(&mut self, start: usize) -> Result<Field, TemplateError> {
        let mut text = String::new();
        let mut trimmed = 0; // the length of `text` without white space at its end
        let mut forbidden = None;
        loop {
            let Some(mut c) = self.next() else { return self.fail(TemplateProblem::Unclosed, start) };
            let mut literal = false;
            match c {
                '\\' => {
                    let Some(next) = self.next() else { return self.fail(TemplateProblem::Unclosed, start) };
                    (c, literal) = (next, true);
                }
                '|' | '{' | '}' => {
                    let closed = c == '}' && self.next_if(|c| c == '}').is_some();
                    text.truncate(trimmed);
                    let forbidden = forbidden.filter(|(length, _, _)| *length < trimmed).map(|(_, at, c)| (at, c));
                    return Ok(Field { text, forbidden, end: (!closed).then_some(c) });
                }
                _ => {}
            }
            if c.is_whitespace() && !literal && text.is_empty() {
                continue;
            }
            if c.is_control() || matches!(c, '{' | '}') {
                forbidden = forbidden.or(Some((text.len(), self.position, c)));
            }
            text.push(c);
            if literal || !c.is_whitespace() {
                trimmed = text.len();
            }
        }
    }
}

/// A name or a default, and what came after it.
struct Field {
    text: String,
    /// The first character that a name can not contain, with its position.
    forbidden: Option<(usize, char)>,
    /// The character that ended the field; `None` for `}}`.
    end: Option<char>,
}

fn error(source: &str, problem: TemplateProblem, position: usize) -> TemplateError {
    const EXCERPT_CHARS: usize = 20;
    let mut rest =
        source.chars().skip(position - 1).map(|c| if c.is_control() { char::REPLACEMENT_CHARACTER } else { c });
    let mut excerpt: String = rest.by_ref().take(EXCERPT_CHARS).collect();
    if rest.next().is_some() {
        excerpt.push('…');
    }
    TemplateError { problem, position, excerpt }
}

impl PartialEq for Template {
    fn eq(&self, other: &Self) -> bool {
        self.source() == other.source()
    }
}

impl Eq for Template {}

impl std::str::FromStr for Template {
    type Err = TemplateError;
    fn from_str(source: &str) -> Result<Self, TemplateError> {
        Self::parse(source)
    }
}

impl Serialize for Template {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.source())
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}
