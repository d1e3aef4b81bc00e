//! The project's own commands: `cargo xtask test`, `cargo xtask lint`, `cargo xtask ci`, `cargo xtask pg -- COMMAND…`.
//!
//! It compiles in seconds (the standard library and one crate for signals), because every build server and every
//! newcomer waits for it before anything else happens.

#[cfg(not(unix))]
compile_error!("the project's commands run on Linux and macOS; on Windows, use them inside WSL");

/// Like `eprintln!`, except that it does not panic when nobody listens any more (a closed terminal, `| head`): the steps and
/// their clean-up go on.
macro_rules! say {
    ($($arguments:tt)*) => {{
        let _ = std::io::Write::write_fmt(&mut std::io::stderr().lock(), format_args!("{}\n", format_args!($($arguments)*)));
    }};
}

mod args;
mod cluster;
mod locate;
mod process;
mod steps;

use std::env;
use std::path::PathBuf;
use std::process::{Command, ExitCode};

use args::{Options, Task};
use cluster::Cluster;
use process::{Ended, Signals};
use steps::{Group, Session};

const HELP: &str = "\
cargo xtask COMMAND

  test [OPTIONS] [-- ARGS…]      all tests, PostgreSQL included; ARGS go to every `cargo test`
  lint                           formatting, clippy and rustdoc, warnings denied
  ci   [OPTIONS] [-- ARGS…]      test, then lint
  pg   [--durable] -- COMMAND…   run COMMAND with a throw-away PostgreSQL, its address in TEST_DATABASE_URL

  --durable       leave fsync on (for benchmarks); the same as XTASK_PG_DURABLE=1
  --no-postgres   leave out the tests that need PostgreSQL and list them at the end; refused when CI is set

  TEST_DATABASE_URL    use this server instead of a throw-away one
  XTASK_PG_BIN         use the PostgreSQL programs in this folder only
  XTASK_NO_INSTALL=1   never install PostgreSQL, fail if there is none
";

/// What went wrong, as a sentence for the person at the terminal.
type Result<T> = std::result::Result<T, String>;

fn main() -> ExitCode {
    let task = match args::parse(env::args().skip(1)) {
        Ok(task) => task,
        Err(problem) => {
            say!("error: {problem}\n\n{HELP}");
            return ExitCode::from(2);
        }
    };
    // Installed before anything is started: from here on a signal ends the children and unwinds through every `Drop`.
    let signals = match Signals::install() {
        Ok(signals) => signals,
        Err(error) => {
            say!("error: cannot listen for signals: {error}");
            return ExitCode::FAILURE;
        }
    };
    let outcome = run(task, &signals);
    if let Some(signal) = signals.pending() {
        say!("interrupted by signal {signal}");
        return process::exit_code_of_signal(signal);
    }
    outcome.unwrap_or_else(|problem| {
        say!("error: {problem}");
        ExitCode::FAILURE
    })
}

fn run(task: Task, signals: &Signals) -> Result<ExitCode> {
    match task {
        Task::Help => {
            print!("{HELP}");
            Ok(ExitCode::SUCCESS)
        }
        Task::Lint => Session::new(root(), signals).finish(&[Group::Lint], &[]),
        Task::Test { options, extra } => check(&options, &extra, &[Group::Test], signals),
        Task::Ci { options, extra } => check(&options, &extra, &[Group::Test, Group::Lint], signals),
        Task::Pg { durable, command } => with_postgres(durable, &command, signals),
    }
}

/// The steps of `groups`, with a database for the tests or, if that was asked for, an account of what is missing.
fn check(options: &Options, extra: &[String], groups: &[Group], signals: &Signals) -> Result<ExitCode> {
    let mut session = Session::new(root(), signals);
    if options.no_postgres {
        if flag("CI") {
            return Err("`--no-postgres` is refused because CI is set: there, every test runs".into());
        }
        return session.without_postgres().finish(groups, extra);
    }
    let database = Database::get(options.durable, signals)?;
    if let Database::Own(cluster) = &database {
        session = session.with_postgres(cluster.url());
    }
    session.finish(groups, extra)
}

/// The command of `cargo xtask pg`. It keeps the terminal, so that `cargo xtask pg -- psql` works.
fn with_postgres(durable: bool, command: &[String], signals: &Signals) -> Result<ExitCode> {
    let database = Database::get(durable, signals)?;
    let [program, arguments @ ..] = command else { return Err("there is no command to run".into()) };
    let mut child = Command::new(program);
    child.args(arguments);
    if let Database::Own(cluster) = &database {
        process::forget_pg_variables(&mut child);
        child.env(steps::URL, cluster.url()).envs(cluster.client_variables());
    }
    match process::run_in_foreground(&mut child, signals).map_err(|e| format!("cannot run `{program}`: {e}"))? {
        Ended::Exited(status) => Ok(process::exit_code(status)),
        Ended::Interrupted(signal) => Ok(process::exit_code_of_signal(signal)),
    }
}

/// The server that the tests talk to.
enum Database {
    /// Somebody else's, at `TEST_DATABASE_URL`; children inherit the variable.
    Given,
    /// Ours: gone when this value is dropped.
    Own(Cluster),
}

impl Database {
    fn get(durable: bool, signals: &Signals) -> Result<Self> {
        if env::var_os(steps::URL).is_some_and(|url| !url.is_empty()) {
            say!("PostgreSQL: the server at {} (as set by you)", steps::URL);
            return Ok(Self::Given);
        }
        let binaries = locate::find_or_install(signals).map_err(|problem| {
            format!(
                "there is no PostgreSQL, and the tests need it\n{problem}\n\n\
                 Install PostgreSQL's server programs (Debian, Ubuntu: postgresql; Fedora: postgresql-server; \
                 Homebrew: postgresql@17),\nor set {} to a server with a role that may create databases.\n\
                 NOTHING WAS TESTED.",
                steps::URL
            )
        })?;
        Cluster::start(&binaries, durable || flag("XTASK_PG_DURABLE"), signals).map(Self::Own)
    }
}

/// Whether an environment variable says yes.
fn flag(name: &str) -> bool {
    env::var(name).is_ok_and(|value| !matches!(value.as_str(), "" | "0" | "false"))
}

/// The workspace's folder, two above this package's.
fn root() -> PathBuf {
    let package = env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    PathBuf::from(package).ancestors().nth(2).map(PathBuf::from).unwrap_or_default()
}
