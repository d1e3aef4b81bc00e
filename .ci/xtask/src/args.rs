//! The command line: plain words in, a [`Task`] out.

use crate::Result;

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Task {
    Help,
    Test { options: Options, extra: Vec<String> },
    Lint,
    Ci { options: Options, extra: Vec<String> },
    Pg { durable: bool, command: Vec<String> },
}

/// How the tests' database is to be had.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Options {
    pub(crate) durable: bool,
    pub(crate) no_postgres: bool,
}

/// Reads the words after `cargo xtask`. What follows the first `--` belongs to somebody else and is not looked at.
pub(crate) fn parse(words: impl IntoIterator<Item = String>) -> Result<Task> {
    let mut own: Vec<String> = words.into_iter().collect();
    let rest = own.iter().position(|word| word == "--").map(|at| own.split_off(at).split_off(1));
    let Some((name, flags)) = own.split_first() else { return Ok(Task::Help) };
    if own.iter().any(|word| matches!(word.as_str(), "help" | "--help" | "-h")) {
        return Ok(Task::Help);
    }
    let mut options = Options::default();
    for word in flags {
        match (name.as_str(), word.as_str()) {
            ("test" | "ci" | "pg", "--durable") => options.durable = true,
            ("test" | "ci", "--no-postgres") => options.no_postgres = true,
            _ => return Err(format!("`{name}` does not know `{word}` (arguments for others come after `--`)")),
        }
    }
    match (name.as_str(), rest) {
        ("test", rest) => Ok(Task::Test { options, extra: rest.unwrap_or_default() }),
        ("ci", rest) => Ok(Task::Ci { options, extra: rest.unwrap_or_default() }),
        ("lint", None) => Ok(Task::Lint),
        ("lint", Some(_)) => Err("`lint` takes no arguments".into()),
        ("pg", Some(command)) if !command.is_empty() => Ok(Task::Pg { durable: options.durable, command }),
        ("pg", _) => Err("`pg` wants a command: cargo xtask pg -- COMMAND…".into()),
        (name, _) => Err(format!("there is no command `{name}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Result<Task> {
        parse(line.split_whitespace().map(String::from))
    }

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn commands_and_their_options() {
        let plain = Options::default;
        let cases = [
            ("", Task::Help),
            ("test --help", Task::Help),
            ("lint", Task::Lint),
            ("test", Task::Test { options: plain(), extra: vec![] }),
            ("test -- plan -- --nocapture", Task::Test { options: plain(), extra: words("plan -- --nocapture") }),
            (
                "test --no-postgres --durable",
                Task::Test { options: Options { durable: true, no_postgres: true }, extra: vec![] },
            ),
            ("ci", Task::Ci { options: plain(), extra: vec![] }),
            ("pg -- psql --help", Task::Pg { durable: false, command: words("psql --help") }),
            ("pg --durable -- cargo bench", Task::Pg { durable: true, command: words("cargo bench") }),
        ];
        for (line, task) in cases {
            assert_eq!(read(line), Ok(task), "{line}");
        }
    }

    #[test]
    fn mistakes_are_refused() {
        for line in ["tset", "test --fast", "test plan", "lint -- x", "lint --durable", "pg", "pg --", "pg psql"] {
            assert!(read(line).is_err(), "{line}");
        }
    }
}
