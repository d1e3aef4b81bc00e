//! What can be said on the command line.

use std::{env, path::PathBuf};

use crate::Result;

#[derive(Debug, Clone)]
pub(crate) struct Options {
    pub(crate) servers: usize,
    pub(crate) clients: usize,
    pub(crate) kills: u32,
    pub(crate) restarts: u32,
    /// How long the load lasts.
    pub(crate) seconds: u64,
    /// The bug that the servers have.
    pub(crate) plant: Option<String>,
    /// What the clients and the trouble draw from. The interleaving stays random.
    pub(crate) seed: u64,
    /// The program that serves.
    pub(crate) program: PathBuf,
}

const USAGE: &str = "torture [--servers 3] [--clients 32] [--kills 20] [--restarts 3] [--seconds 45] [--seed N] \
                     [--plant skip-lock|skip-contact-lock|early-answer] [--server-program PATH]";

impl Options {
    pub(crate) fn read() -> Result<Self> {
        let own = env::current_exe()?;
        let mut options = Self {
            servers: 3,
            clients: 32,
            kills: 20,
            restarts: 3,
            seconds: 45,
            plant: None,
            seed: rand::random(),
            program: own.with_file_name(format!("splitter-server{}", env::consts::EXE_SUFFIX)),
        };
        let mut arguments = env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(USAGE)?;
            match name.as_str() {
                "--servers" => options.servers = value.parse()?,
                "--clients" => options.clients = value.parse()?,
                "--kills" => options.kills = value.parse()?,
                "--restarts" => options.restarts = value.parse()?,
                "--seconds" => options.seconds = value.parse()?,
                "--seed" => options.seed = value.parse()?,
                "--plant" => options.plant = Some(value),
                "--server-program" => options.program = value.into(),
                _ => return Err(USAGE.into()),
            }
        }
        if options.servers == 0 || !(4..=1_000).contains(&options.clients) || options.seconds == 0 {
            return Err("at least one server, one second and 4 to 1,000 clients are needed".into());
        }
        if !options.program.is_file() {
            let build =
                "build it with `cargo build --release -p splitter-server` (and `--features plant` for `--plant`)";
            return Err(format!("there is no {}: {build}", options.program.display()).into());
        }
        Ok(options)
    }
}
