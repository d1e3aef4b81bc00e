//! A database of our own on a throw-away server, which can be restarted.

use std::{
    env, fs,
    os::unix::{fs::MetadataExt as _, process::CommandExt as _},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

use crate::Result;

/// How long connections may take to notice that nobody is at their other end.
const GONE: Duration = Duration::from_secs(20);

pub(crate) struct Database {
    pub(crate) url: String,
    server: String,
    name: String,
    restarter: Restarter,
}

/// What restarts the server.
#[derive(Debug, Clone)]
pub(crate) struct Restarter {
    pg_ctl: PathBuf,
    data: PathBuf,
    /// Whose server it is, if it is not ours.
    account: Option<(u32, u32)>,
}

impl Database {
    /// On the server at `TEST_DATABASE_URL`.
    pub(crate) async fn new() -> Result<Self> {
        let server = env::var("TEST_DATABASE_URL").map_err(|_| "TEST_DATABASE_URL is not set: see `cargo xtask pg`")?;
        let mut connection = PgConnection::connect(&server).await?;
        let data: String = sqlx::query_scalar("SHOW data_directory").fetch_one(&mut connection).await?;
        let restarter = Restarter::of(Path::new(&data))?;
        let synchronous: String = sqlx::query_scalar("SHOW synchronous_commit").fetch_one(&mut connection).await?;
        if synchronous == "off" {
            return Err(
                "a server that is not durable loses what it has acknowledged: `cargo xtask pg --durable -- …`".into()
            );
        }
        let name = format!("torture_{}", std::process::id());
        sqlx::raw_sql(AssertSqlSafe(format!("CREATE DATABASE {name}"))).execute(&mut connection).await?;
        let (base, query) = server.split_once('?').unwrap_or((&server, ""));
        let (base, _) = base.rsplit_once('/').ok_or("TEST_DATABASE_URL names no database")?;
        let url = format!("{base}/{name}?{query}");
        Ok(Self { url, server, name, restarter })
    }

    pub(crate) fn restarter(&self) -> Restarter {
        self.restarter.clone()
    }

    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        Ok(PgConnection::connect(&self.url).await?)
    }

    /// Connections of servers that rest in a transaction, after everything was answered.
    pub(crate) async fn resting(&self, when: &str) -> Result<Option<String>> {
        tokio::time::sleep(Duration::from_secs(2)).await;
        let count = self
            .count(
                "state LIKE 'idle in transaction%' AND state_change < clock_timestamp() - interval '1 second' \
                 AND application_name = 'splitter'",
            )
            .await?;
        Ok((count > 0).then(|| format!("{count} connections rest in a transaction before {when}")))
    }

    /// Connections that outlive their servers.
    pub(crate) async fn left_open(&self) -> Result<Option<String>> {
        let begun = Instant::now();
        loop {
            let count = self.count("application_name = 'splitter'").await?;
            if count == 0 {
                return Ok(None);
            }
            if begun.elapsed() > GONE {
                return Ok(Some(format!("{count} connections of dead servers are still open")));
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    async fn count(&self, filter: &str) -> Result<i64> {
        let sql = format!("SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND {filter}");
        Ok(sqlx::query_scalar(AssertSqlSafe(sql)).fetch_one(&mut self.connect().await?).await?)
    }

    pub(crate) async fn drop(self) -> Result<()> {
        let mut connection = PgConnection::connect(&self.server).await?;
        let sql = format!("DROP DATABASE {} WITH (FORCE)", self.name);
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
        Ok(())
    }
}

impl Restarter {
    fn of(data: &Path) -> Result<Self> {
        let name = data.parent().and_then(Path::file_name).and_then(|name| name.to_str()).unwrap_or_default();
        if !name.starts_with("contact-splitter-pg-") {
            return Err("this restarts the database server, so it takes none but that of `cargo xtask pg -- …`".into());
        }
        // How the server was started: its program and its arguments.
        let started = fs::read_to_string(data.join("postmaster.opts"))?;
        let program = started.split_whitespace().next().map(Path::new).ok_or("nobody started the server")?;
        let pg_ctl = program.with_file_name("pg_ctl");
        let owner = fs::metadata(data)?;
        let ours = fs::metadata(env::current_exe()?)?.uid() == owner.uid();
        let account = (!ours).then(|| (owner.uid(), owner.gid()));
        Ok(Self { pg_ctl, data: data.to_owned(), account })
    }

    /// `immediate` is what a crash is: nothing is written any more, and the server recovers when it starts.
    pub(crate) fn restart(&self, crash: bool) -> Result<()> {
        let mut command = Command::new(&self.pg_ctl);
        command.arg("-D").arg(&self.data).args(["-m", if crash { "immediate" } else { "fast" }]);
        command.arg("-l").arg(self.data.with_file_name("server.log")).args(["-w", "-t", "60", "restart"]);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).current_dir("/").process_group(0);
        if let Some((user, group)) = self.account {
            command.uid(user).gid(group);
        }
        let status = command.status()?;
        if status.success() { Ok(()) } else { Err(format!("the database could not be restarted: {status}").into()) }
    }
}
