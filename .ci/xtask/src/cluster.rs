//! A throw-away PostgreSQL cluster: its own folder, its own port on 127.0.0.1, its own password; gone when dropped.

use std::env;
use std::fs::{self, DirBuilder};
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Instant;

use crate::Result;
use crate::locate::{Account, Binaries};
use crate::process::{self, Signals};

/// The superuser, and the database that every cluster begins with.
const USER: &str = "postgres";

/// Enough for a full run of parallel tests, each with a small pool.
const MAX_CONNECTIONS: u32 = 200;

/// Between our choosing a free port and the server's taking it, somebody else may.
const PORT_ATTEMPTS: u32 = 5;

/// A Unix socket's path has to fit into 104 bytes (108 on Linux), with `/.s.PGSQL.65535` behind the folder.
const LONGEST_SOCKET_FOLDER: usize = 80;

/// Waits until our end of its input is closed, which also happens when we are killed without any chance to act, and then
/// stops the server and deletes its folder. `immediate`: the data is about to be deleted. Arguments: `pg_ctl`, the folder.
const KEEPER: &str = r#"
trap '' HUP INT TERM
read -r _
if [ -f "$2/data/postmaster.pid" ]; then
    "$1" -D "$2/data" -m immediate -w -t 10 stop || kill -s KILL "$(head -n 1 "$2/data/postmaster.pid")"
fi
rm -rf "$2" || { sleep 1; rm -rf "$2"; }
"#;

/// A running server.
pub(crate) struct Cluster {
    folder: PathBuf,
    port: u16,
    password: String,
    /// Where its programs are.
    programs: PathBuf,
    keeper: Child,
}

impl Cluster {
    /// A new cluster, ready for connections. Unless `durable`, it does not wait for the disk.
    pub(crate) fn start(binaries: &Binaries, durable: bool, signals: &Signals) -> Result<Self> {
        let started = Instant::now();
        let folder = new_folder(binaries.account, durable)?;
        let keeper = keeper(binaries, &folder)?;
        // From here on, every way out passes through `drop`.
        let mut cluster = Self { folder, port: 0, password: random()?, programs: binaries.path(""), keeper };
        cluster.create(binaries, durable, signals)?;
        cluster.listen(binaries, signals)?;
        say!(
            "PostgreSQL: {} on 127.0.0.1:{}{}, started in {:.1} s, to be deleted afterwards",
            binaries.version,
            cluster.port,
            if durable { ", durable" } else { "" },
            started.elapsed().as_secs_f64()
        );
        Ok(cluster)
    }

    /// The superuser's address of the server.
    pub(crate) fn url(&self) -> String {
        format!("postgres://{USER}:{}@127.0.0.1:{}/{USER}", self.password, self.port)
    }

    /// The same for `psql` and other programs on libpq, and where the server's own ones are found.
    pub(crate) fn client_variables(&self) -> Vec<(&'static str, String)> {
        let path = env::var("PATH").unwrap_or_default();
        vec![
            ("PATH", format!("{}:{path}", self.programs.display())),
            ("PGHOST", "127.0.0.1".into()),
            ("PGPORT", self.port.to_string()),
            ("PGUSER", USER.into()),
            ("PGPASSWORD", self.password.clone()),
            ("PGDATABASE", USER.into()),
        ]
    }

    fn create(&self, binaries: &Binaries, durable: bool, signals: &Signals) -> Result<()> {
        let password_file = self.folder.join("password");
        fs::write(&password_file, &self.password)
            .and_then(|()| binaries.account.own(&password_file))
            .map_err(|e| format!("cannot write the password file: {e}"))?;
        let mut initdb = binaries.command("initdb");
        initdb.arg("-D").arg(self.data()).arg("--pwfile").arg(&password_file);
        // The folder is private, so whoever reaches the socket may enter. On the port, which every account of this machine
        // reaches, a password is asked for; in clear, since it stays on the loopback and SCRAM costs unoptimised clients
        // tens of milliseconds for each connection.
        initdb.args(["--username", USER, "--auth-local=trust", "--auth-host=password"]);
        // The same sorting and messages everywhere, whatever locales a machine has.
        initdb.args(["--encoding=UTF8", "--no-locale"]);
        if !durable {
            initdb.arg("--no-sync");
        }
        self.run(&mut initdb, "initdb", signals)?;

        let path = self.data().join("postgresql.conf");
        let defaults = fs::read_to_string(&path).map_err(|e| format!("cannot read {}: {e}", path.display()))?;
        fs::write(&path, defaults + &settings(&self.folder, durable))
            .map_err(|e| format!("cannot write {}: {e}", path.display()))
    }

    fn listen(&mut self, binaries: &Binaries, signals: &Signals) -> Result<()> {
        for attempt in 1.. {
            self.port = free_port()?;
            let log = self.folder.join("server.log");
            let _ = fs::remove_file(&log);
            let mut pg_ctl = binaries.command("pg_ctl");
            pg_ctl.arg("-D").arg(self.data()).arg("-l").arg(&log).args(["-w", "-t", "60"]);
            pg_ctl.args(["-o", &format!("-p {}", self.port), "start"]);
            let Err(problem) = self.run(&mut pg_ctl, "pg_ctl start", signals) else { return Ok(()) };
            let log = fs::read_to_string(&log).unwrap_or_default();
            if attempt == PORT_ATTEMPTS || !log.contains("Address already in use") {
                return Err(format!("{problem}\n{log}"));
            }
        }
        unreachable!("the loop ends by returning")
    }

    /// Runs one of PostgreSQL's programs, silent unless it fails.
    fn run(&self, command: &mut Command, name: &str, signals: &Signals) -> Result<()> {
        let path = self.folder.join("output.log");
        let output = fs::File::create(&path).map_err(|e| format!("cannot write {}: {e}", path.display()))?;
        let errors = output.try_clone().map_err(|e| format!("cannot share {}: {e}", path.display()))?;
        let ended = process::run(command.stdout(output).stderr(errors), signals);
        match ended.map_err(|e| format!("cannot run `{name}`: {e}"))? {
            ended if ended.success() => Ok(()),
            ended => Err(format!("`{name}` failed ({ended:?})\n{}", fs::read_to_string(&path).unwrap_or_default())),
        }
    }

    fn data(&self) -> PathBuf {
        self.folder.join("data")
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let done = self.keeper.wait().is_ok_and(|status| status.success());
        if !done || self.folder.exists() {
            say!("warning: could not stop and delete the PostgreSQL cluster in {}", self.folder.display());
        }
    }
}

/// In a group of its own, so that neither Ctrl-C nor the end of a step reaches it.
fn keeper(binaries: &Binaries, folder: &Path) -> Result<Child> {
    let mut command = binaries.account.command(Path::new("/bin/sh"));
    command.args(["-c", KEEPER, "sh"]).arg(binaries.path("pg_ctl")).arg(folder);
    command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
    command.spawn().map_err(|error| {
        let _ = fs::remove_dir_all(folder);
        format!("cannot start the cluster's keeper: {error}")
    })
}

/// What follows the defaults in `postgresql.conf`; a later setting wins.
fn settings(folder: &Path, durable: bool) -> String {
    let sockets = folder.to_str().filter(|path| path.len() <= LONGEST_SOCKET_FOLDER).unwrap_or_default();
    let mut text = format!(
        "\n# added by cargo xtask\n\
         listen_addresses = '127.0.0.1'\n\
         unix_socket_directories = '{sockets}'\n\
         max_connections = {MAX_CONNECTIONS}\n\
         timezone = 'UTC'\n\
         log_timezone = 'UTC'\n"
    );
    if !durable {
        text += "fsync = off\nsynchronous_commit = off\nfull_page_writes = off\n";
    }
    text
}

/// A new private folder that the account can use. `/tmp` is often memory, where durability would cost nothing and mean
/// nothing; `/var/tmp` outlives a restart, so it is on a disk.
fn new_folder(account: Account, durable: bool) -> Result<PathBuf> {
    let own = env::var_os("TMPDIR").filter(|folder| !folder.is_empty()).map(PathBuf::from);
    let usual = if durable { ["/var/tmp", "/tmp"] } else { ["/tmp", "/var/tmp"] };
    let mut problems = Vec::new();
    for parent in own.into_iter().chain(usual.map(PathBuf::from)) {
        match try_folder(&parent, account) {
            Ok(folder) => return Ok(folder),
            Err(problem) => problems.push(format!("{}: {problem}", parent.display())),
        }
    }
    Err(format!("there is no place for a temporary cluster\n{}", problems.join("\n")))
}

fn try_folder(parent: &Path, account: Account) -> Result<PathBuf> {
    let folder = parent.join(format!("contact-splitter-pg-{}", &random()?[..12]));
    // A quote or a line break would end the value in the settings file.
    if !folder.is_absolute() || folder.as_os_str().as_bytes().iter().any(|byte| matches!(byte, b'\'' | b'\n' | b'\\')) {
        return Err("not a usable path".into());
    }
    DirBuilder::new().mode(0o700).create(&folder).map_err(|e| e.to_string())?;
    let usable = (|| {
        account.own(&folder)?;
        // The folder may be ours and yet out of reach, behind a parent that is closed to the account.
        account.command(Path::new("/bin/sh")).args(["-c", "cd \"$1\"", "sh"]).arg(&folder).output()
    })();
    match usable {
        Ok(output) if output.status.success() => Ok(folder),
        other => {
            let _ = fs::remove_dir(&folder);
            Err(other.map_or_else(|e| e.to_string(), |_| "out of reach for the account that runs PostgreSQL".into()))
        }
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(listener.map_err(|e| format!("there is no free port on 127.0.0.1: {e}"))?.port())
}

/// 128 random bits as hexadecimal digits.
fn random() -> Result<String> {
    let mut bytes = [0_u8; 16];
    fs::File::open("/dev/urandom")
        .and_then(|mut file| file.read_exact(&mut bytes))
        .map_err(|e| format!("cannot read /dev/urandom: {e}"))?;
    Ok(format!("{:032x}", u128::from_ne_bytes(bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_throw_away_cluster_skips_the_disk() {
        let folder = Path::new("/tmp/x");
        assert!(settings(folder, false).contains("fsync = off"));
        assert!(!settings(folder, true).contains("off"));
        assert!(settings(folder, true).contains("unix_socket_directories = '/tmp/x'"));
    }

    #[test]
    fn a_long_path_means_no_socket_instead_of_no_server() {
        let folder = PathBuf::from(format!("/{}", "x".repeat(LONGEST_SOCKET_FOLDER)));
        assert!(settings(&folder, false).contains("unix_socket_directories = ''"));
    }

    #[test]
    fn random_texts_differ() {
        let (one, other) = (random().unwrap(), random().unwrap());
        assert_eq!(one.len(), 32);
        assert_ne!(one, other);
    }
}
