//! The contact splitter's reference server. `splitter-server help` lists its commands.

mod accounts;
mod backend;
mod cli;
mod demo;
mod failure;
mod http;
mod serve;
mod token;

use std::process::ExitCode;

use clap::Parser as _;

use crate::cli::{AdminCommand, ApiKeyCommand, Cli, Command};

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    start_logging(&cli.command);
    let result = match cli.command {
        Command::Demo(options) => demo::run(options).await,
        Command::Serve(options) => serve::run(options).await,
        Command::Admin(AdminCommand::Create(options)) => accounts::create_admin(options).await,
        Command::ApiKey(ApiKeyCommand::Create(options)) => accounts::create_api_key(options).await,
        Command::Token(options) => accounts::print_token(options).await,
        Command::VerifyLog(options) => accounts::verify_log(options).await,
    };
    match result {
        Ok(code) => code,
        Err(failure) => {
            eprintln!("splitter-server: {failure}");
            ExitCode::FAILURE
        }
    }
}

/// Logs go to standard error, so that what commands print can be piped. `RUST_LOG` sets the level.
fn start_logging(command: &Command) {
    let level = match command {
        Command::Serve(_) => "info",
        _ => "warn",
    };
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new(level));
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr).init();
}
