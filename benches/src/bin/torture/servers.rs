//! The processes that serve: started, killed, replaced, and stopped in the end whatever happens.

use std::{
    env,
    fs::{self, File},
    net::{Ipv4Addr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::{Duration, Instant},
};

use crate::{Result, options::Options};

/// What tokens are signed with.
pub(crate) const SECRET: &str = "nobody but this torture uses this secret";

/// How long a server may take to be ready at first.
const START: Duration = Duration::from_secs(30);

pub(crate) struct Servers {
    program: PathBuf,
    plant: Option<String>,
    pub(crate) database: String,
    folder: PathBuf,
    pub(crate) ports: Vec<u16>,
    children: Vec<Child>,
    started: u32,
}

impl Servers {
    pub(crate) async fn start(options: &Options, database: &str) -> Result<Self> {
        let folder = env::temp_dir().join(format!("torture-{}", std::process::id()));
        fs::create_dir_all(&folder)?;
        let mut servers = Self {
            program: options.program.clone(),
            plant: options.plant.clone(),
            database: database.to_owned(),
            folder,
            ports: Vec::new(),
            children: Vec::new(),
            started: 0,
        };
        for n in 0..options.servers {
            let free = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
            servers.ports.push(free.local_addr()?.port());
            drop(free);
            let child = servers.spawn(n)?;
            servers.children.push(child);
        }
        servers.ready().await?;
        Ok(servers)
    }

    /// A command of the server's program on our database.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.env("DATABASE_URL", &self.database).env("SPLITTER_JWT_SECRET", SECRET).env("RUST_LOG", "warn");
        command.stdin(Stdio::null());
        command
    }

    fn spawn(&mut self, n: usize) -> Result<Child> {
        self.started += 1;
        let log = File::create(self.folder.join(format!("server-{}.log", self.started)))?;
        let mut command = self.command();
        command.args(["serve", "--sender", "none", "--listen", &format!("127.0.0.1:{}", self.ports[n])]);
        if let Some(plant) = &self.plant {
            command.args(["--plant", plant]);
        }
        Ok(command.stdout(Stdio::null()).stderr(log).spawn()?)
    }

    async fn ready(&mut self) -> Result<()> {
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build()?;
        let begun = Instant::now();
        for (n, port) in self.ports.clone().into_iter().enumerate() {
            let url = format!("http://127.0.0.1:{port}/readyz");
            while !http.get(&url).send().await.is_ok_and(|answer| answer.status().is_success()) {
                let ended = self.children[n].try_wait()?.is_some();
                if ended || begun.elapsed() > START {
                    let log = fs::read_to_string(self.folder.join(format!("server-{}.log", n + 1)))?;
                    return Err(
                        format!("a server did not start; with --plant it needs its feature `plant`\n{log}").into()
                    );
                }
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
        Ok(())
    }

    /// SIGKILL, and a new one.
    pub(crate) fn kill(&mut self, n: usize) -> Result<()> {
        self.children[n].kill()?;
        self.children[n].wait()?;
        self.children[n] = self.spawn(n)?;
        Ok(())
    }

    /// Replaces those that have ended by themselves, as they may when they do not find the database. Says how many.
    pub(crate) fn replace_ended(&mut self) -> Result<u32> {
        let mut ended = 0;
        for n in 0..self.children.len() {
            if self.children[n].try_wait()?.is_some() {
                ended += 1;
                self.children[n] = self.spawn(n)?;
            }
        }
        Ok(ended)
    }

    /// Ends all, and reads what they had to say.
    pub(crate) fn stop(&mut self) -> Vec<String> {
        self.end();
        (1..=self.started).filter_map(|n| panicked(&self.folder.join(format!("server-{n}.log")))).collect()
    }

    fn end(&mut self) {
        for child in &mut self.children {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.end();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn panicked(log: &Path) -> Option<String> {
    let text = fs::read_to_string(log).ok()?;
    let line = text.lines().find(|line| line.contains("panicked") || line.contains("nobody knows whether"))?;
    Some(format!("a server says: {line}"))
}
