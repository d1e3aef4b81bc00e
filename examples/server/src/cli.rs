//! The command line.

use std::{net::SocketAddr, path::PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};
use splitter_axum::webhook::Network;
use splitter_core::{AdminId, SplitterId};

/// Splits contacts over campaigns: exact shares, explained decisions, nothing lost.
#[derive(Debug, Parser)]
#[command(name = "splitter-server", version, about)]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try it: a temporary database with an admin, campaigns, splitters and an API key, and `curl` lines to paste
    Demo(DemoOptions),
    /// Serve the HTTP API
    Serve(ServeOptions),
    /// Manage admins
    #[command(subcommand)]
    Admin(AdminCommand),
    /// Manage API keys
    #[command(subcommand, name = "api-key")]
    ApiKey(ApiKeyCommand),
    /// Print a token that lets an admin manage
    Token(TokenOptions),
    /// Check a splitter's distribution log: its hash chain, its numbering, every choice made again
    VerifyLog(VerifyLogOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum AdminCommand {
    /// Create an admin
    Create(CreateAdminOptions),
}

#[derive(Debug, Subcommand)]
pub(crate) enum ApiKeyCommand {
    /// Create an API key; it is shown this once
    Create(CreateApiKeyOptions),
}

#[derive(Debug, Args)]
pub(crate) struct Database {
    /// `sqlite://splitter.db`, `sqlite:///absolute/path.db` or `postgres://user:password@host/database`
    #[arg(long, env = "DATABASE_URL", default_value = "sqlite://splitter.db", hide_env_values = true)]
    pub(crate) database_url: String,
}

#[derive(Debug, Args)]
pub(crate) struct DemoOptions {
    /// Where to listen; if the port is taken, another one is chosen
    #[arg(long, env = "SPLITTER_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Print one line of JSON instead of text
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Keys {
    /// The secret that tokens are signed with (HS256), at least 32 bytes
    #[arg(long = "jwt-secret", env = "SPLITTER_JWT_SECRET", hide_env_values = true, conflicts_with = "public_key")]
    pub(crate) secret: Option<String>,
    /// A file with the public key that tokens are verified with (PEM: RS256, ES256 or `EdDSA`)
    #[arg(long = "jwt-public-key", env = "SPLITTER_JWT_PUBLIC_KEY")]
    pub(crate) public_key: Option<PathBuf>,
    /// The issuer that tokens have to name
    #[arg(long = "jwt-issuer", env = "SPLITTER_JWT_ISSUER")]
    pub(crate) issuer: Option<String>,
    /// The audience that tokens have to name
    #[arg(long = "jwt-audience", env = "SPLITTER_JWT_AUDIENCE")]
    pub(crate) audience: Option<String>,
}

/// What a server's connections to its database may be told. What is not given stays as the store has it.
#[derive(Debug, Default, Args)]
pub(crate) struct Tuning {
    /// Connections that commit (`PostgreSQL`); 2 unless given
    #[arg(long = "database-writers", env = "SPLITTER_DATABASE_WRITERS", value_parser = clap::value_parser!(u32).range(1..=64))]
    pub(crate) writers: Option<u32>,
    /// Connections that read, at most; `PostgreSQL` 8, `SQLite` 4 unless given
    #[arg(long = "database-readers", env = "SPLITTER_DATABASE_READERS", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub(crate) readers: Option<u32>,
    /// Requests that may wait for each writer before 503 is answered; 1024 unless given
    #[arg(long = "database-queue", env = "SPLITTER_DATABASE_QUEUE", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub(crate) queue: Option<u32>,
    /// Seconds to wait for a connection; 5 unless given
    #[arg(long = "database-acquire-timeout", env = "SPLITTER_DATABASE_ACQUIRE_TIMEOUT", value_parser = seconds())]
    pub(crate) acquire_timeout: Option<u32>,
    /// Seconds to wait for a lock before trying again; `PostgreSQL` 1, `SQLite` 5 unless given
    #[arg(long = "database-lock-timeout", env = "SPLITTER_DATABASE_LOCK_TIMEOUT", value_parser = seconds())]
    pub(crate) lock_timeout: Option<u32>,
    /// Seconds that one statement may take (`PostgreSQL`); 30 unless given
    #[arg(long = "database-statement-timeout", env = "SPLITTER_DATABASE_STATEMENT_TIMEOUT", value_parser = seconds())]
    pub(crate) statement_timeout: Option<u32>,
}

fn seconds() -> clap::builder::RangedI64ValueParser<u32> {
    clap::value_parser!(u32).range(1..=3600)
}

#[derive(Debug, Args)]
pub(crate) struct ServeOptions {
    #[command(flatten)]
    pub(crate) database: Database,
    #[command(flatten)]
    pub(crate) tuning: Tuning,
    /// Where to listen
    #[arg(long, env = "SPLITTER_LISTEN", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    #[command(flatten)]
    pub(crate) keys: Keys,
    /// What API keys begin with, before the first `_`
    #[arg(long, env = "SPLITTER_KEY_PREFIX", default_value = "spl")]
    pub(crate) key_prefix: String,
    /// Where due calls and messages go
    #[arg(long, env = "SPLITTER_SENDER", value_enum, default_value_t = SenderKind::Webhook)]
    pub(crate) sender: SenderKind,
    /// Let webhooks be `http://`
    #[arg(long)]
    pub(crate) webhook_allow_http: bool,
    /// Let webhooks be in this network although it is not public, as `10.1.0.0/16`; may be given several times
    #[arg(long)]
    pub(crate) webhook_allow_network: Vec<Network>,
    /// Where to serve `/metrics` (Prometheus' text format); nowhere unless given
    #[arg(long, env = "SPLITTER_METRICS_LISTEN")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// A bug to build in, for the torture command: skip-lock, skip-contact-lock or early-answer
    #[cfg(feature = "plant")]
    #[arg(long)]
    pub(crate) plant: Option<splitter_sqlx::Plant>,
}

/// Where due calls and messages go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum SenderKind {
    /// To the admin's webhook, signed
    Webhook,
    /// To standard output
    Console,
    /// Nowhere: other processes of the same database send
    None,
}

#[derive(Debug, Args)]
pub(crate) struct CreateAdminOptions {
    #[command(flatten)]
    pub(crate) database: Database,
    /// The admin's e-mail address
    #[arg(long)]
    pub(crate) email: String,
    /// Read the dashboard password from standard input (at least 12 characters)
    #[arg(long)]
    pub(crate) password_stdin: bool,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct CreateApiKeyOptions {
    #[command(flatten)]
    pub(crate) database: Database,
    /// The admin in whose name the key acts
    #[arg(long)]
    pub(crate) admin: AdminId,
    /// What people call it
    #[arg(long)]
    pub(crate) name: String,
    /// What the key begins with, before the first `_`
    #[arg(long, env = "SPLITTER_KEY_PREFIX", default_value = "spl")]
    pub(crate) key_prefix: String,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TokenOptions {
    #[command(flatten)]
    pub(crate) database: Database,
    /// The admin
    #[arg(long)]
    pub(crate) admin: AdminId,
    /// How many seconds the token is good for
    #[arg(long, default_value_t = 3600, value_parser = clap::value_parser!(u32).range(1..=31_536_000))]
    pub(crate) expires_in: u32,
    #[command(flatten)]
    pub(crate) keys: Keys,
}

#[derive(Debug, Args)]
pub(crate) struct VerifyLogOptions {
    #[command(flatten)]
    pub(crate) database: Database,
    /// The admin that the splitter belongs to
    #[arg(long)]
    pub(crate) admin: AdminId,
    /// The splitter
    #[arg(long)]
    pub(crate) splitter: SplitterId,
}
