//! The steps of testing and linting, as data, and the session that runs them and sums them up.

use std::collections::BTreeSet;
use std::env;
use std::ffi::OsString;
use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};
use std::time::{Duration, Instant};

use crate::Result;
use crate::process::{self, Ended, Signals};

/// Where tests find their PostgreSQL server.
pub(crate) const URL: &str = "TEST_DATABASE_URL";

/// A test that needs PostgreSQL has this in its path (in its own name or a module's); `--no-postgres` goes by it. One that
/// has not is run nevertheless, and fails for want of [`URL`].
const NEEDS_POSTGRES: &str = "postgres";

/// Which command a step belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Group {
    Test,
    Lint,
}

/// One call of cargo.
struct Step {
    name: &'static str,
    group: Group,
    arguments: &'static [&'static str],
    env: &'static [(&'static str, &'static str)],
}

/// To add a step, add a line. They run in this order, and one that fails does not keep the others from running.
const STEPS: &[Step] = &[
    Step {
        // Alone, so that no sibling's features hide a clock or a runtime in it.
        name: "test the core alone",
        group: Group::Test,
        arguments: &["test", "--locked", "--no-fail-fast", "--package", "splitter-core"],
        env: &[],
    },
    Step {
        name: "test everything",
        group: Group::Test,
        arguments: &["test", "--locked", "--no-fail-fast", "--workspace", "--all-features"],
        env: &[],
    },
    Step { name: "formatting", group: Group::Lint, arguments: &["fmt", "--all", "--check"], env: &[] },
    Step {
        name: "clippy",
        group: Group::Lint,
        arguments: &[
            "clippy",
            "--locked",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "--deny",
            "warnings",
        ],
        env: &[],
    },
    Step {
        name: "documentation",
        group: Group::Lint,
        arguments: &["doc", "--locked", "--workspace", "--no-deps", "--all-features"],
        env: &[("RUSTDOCFLAGS", "-D warnings")],
    },
];

/// What the tests get for a database.
enum Postgres {
    /// What the environment says.
    Inherited,
    Own(String),
    Without,
}

/// A run of some steps.
pub(crate) struct Session<'a> {
    cargo: OsString,
    root: PathBuf,
    postgres: Postgres,
    signals: &'a Signals,
}

impl<'a> Session<'a> {
    pub(crate) fn new(root: PathBuf, signals: &'a Signals) -> Self {
        let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        Self { cargo, root, postgres: Postgres::Inherited, signals }
    }

    pub(crate) fn with_postgres(self, url: String) -> Self {
        Self { postgres: Postgres::Own(url), ..self }
    }

    pub(crate) fn without_postgres(self) -> Self {
        Self { postgres: Postgres::Without, ..self }
    }

    /// Runs the steps of `groups`, says how each went, and what was left out. `extra` goes to the tests.
    pub(crate) fn finish(&self, groups: &[Group], extra: &[String]) -> Result<ExitCode> {
        let steps: Vec<&Step> = STEPS.iter().filter(|step| groups.contains(&step.group)).collect();
        let mut results: Vec<(&str, Duration, Ended)> = Vec::new();
        for step in &steps {
            let arguments = self.arguments(step, extra);
            say!("\n=== {}: cargo {}", step.name, arguments.join(" "));
            let started = Instant::now();
            let mut command = self.cargo(&arguments);
            command.envs(step.env.iter().copied());
            let ended = process::run(&mut command, self.signals).map_err(|e| format!("cannot run cargo: {e}"))?;
            results.push((step.name, started.elapsed(), ended));
            if matches!(ended, Ended::Interrupted(_)) {
                break;
            }
        }

        say!("\n=== summary");
        for (name, took, ended) in &results {
            let word = match ended {
                Ended::Interrupted(_) => "INTERRUPTED",
                ended if ended.success() => "passed",
                Ended::Exited(_) => "FAILED",
            };
            say!("{name:<24}{:>8.1} s   {word}", took.as_secs_f64());
        }
        for step in &steps[results.len()..] {
            say!("{:<24}{:>8}     NOT RUN", step.name, "-");
        }
        if matches!(self.postgres, Postgres::Without) && self.signals.pending().is_none() {
            self.report_left_out(&steps);
        }
        let passed = results.len() == steps.len() && results.iter().all(|(_, _, ended)| ended.success());
        Ok(if passed { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }

    fn arguments(&self, step: &Step, extra: &[String]) -> Vec<String> {
        let own = step.arguments.iter().map(|argument| (*argument).to_owned());
        match step.group {
            Group::Lint => own.collect(),
            Group::Test => test_arguments(own, extra, matches!(self.postgres, Postgres::Without)),
        }
    }

    fn cargo(&self, arguments: &[String]) -> Command {
        let mut command = Command::new(&self.cargo);
        command.args(arguments).current_dir(&self.root);
        match &self.postgres {
            Postgres::Inherited => {}
            Postgres::Own(url) => {
                process::forget_pg_variables(&mut command);
                command.env(URL, url);
            }
            Postgres::Without => {
                command.env_remove(URL);
            }
        }
        command
    }

    /// Asks the test programs themselves which tests `--skip` has kept from running.
    fn report_left_out(&self, steps: &[&Step]) {
        say!("\n=== NOT RUN, for want of PostgreSQL (--no-postgres)");
        let mut names = BTreeSet::new();
        for step in steps.iter().filter(|step| step.group == Group::Test) {
            let mut list: Vec<String> = step.arguments.iter().map(|argument| (*argument).to_owned()).collect();
            list.extend(["--quiet", "--", "--list", "--format=terse", NEEDS_POSTGRES].map(String::from));
            match self.cargo(&list).stdin(Stdio::null()).stderr(Stdio::null()).output() {
                Ok(output) if output.status.success() => {
                    names.extend(tests_in(&String::from_utf8_lossy(&output.stdout)));
                }
                _ => say!("({}: all tests with `{NEEDS_POSTGRES}` in their path; no list, it failed)", step.name),
            }
        }
        for name in &names {
            say!("{name}");
        }
        say!("{} tests were left out", names.len());
    }
}

/// A test step's arguments with the caller's, which may hold a `--` of their own.
fn test_arguments(own: impl Iterator<Item = String>, extra: &[String], without_postgres: bool) -> Vec<String> {
    let mut arguments: Vec<String> = own.chain(extra.iter().cloned()).collect();
    if without_postgres {
        if !extra.iter().any(|word| word == "--") {
            arguments.push("--".into());
        }
        arguments.extend(["--skip".into(), NEEDS_POSTGRES.into()]);
    }
    arguments
}

/// The names in a test program's list.
fn tests_in(list: &str) -> Vec<String> {
    list.lines().filter_map(|line| line.strip_suffix(": test")).map(String::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(String::from).collect()
    }

    #[test]
    fn extra_arguments_and_the_filter_share_one_separator() {
        let join = |extra: &str, without| test_arguments(words("test").into_iter(), &words(extra), without).join(" ");
        assert_eq!(join("", false), "test");
        assert_eq!(join("plan -- --nocapture", false), "test plan -- --nocapture");
        assert_eq!(join("", true), "test -- --skip postgres");
        assert_eq!(join("plan", true), "test plan -- --skip postgres");
        assert_eq!(join("plan -- --nocapture", true), "test plan -- --nocapture --skip postgres");
    }

    #[test]
    fn lists_name_tests() {
        assert_eq!(
            tests_in("a::b: test\nc: benchmark\n\nsrc/lib.rs - x (line 3): test\n"),
            ["a::b", "src/lib.rs - x (line 3)"]
        );
    }

    #[test]
    fn every_step_but_formatting_is_locked() {
        for step in STEPS.iter().filter(|step| step.arguments[0] != "fmt") {
            assert!(step.arguments.contains(&"--locked"), "{}", step.name);
        }
    }
}
