//! Finding PostgreSQL's server programs, and installing them on Debian and Ubuntu.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::fs::chown;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::Result;
use crate::process::{self, Signals};

/// Folders whose entries are one installation per version: the folder, what an entry's name has before the version, and
/// where in the entry the programs are. Distributions keep these programs out of `PATH`.
const INSTALLATIONS: &[(&str, &str, &str)] = &[
    ("/usr/lib/postgresql", "", "bin"),          // Debian, Ubuntu
    ("/usr", "pgsql-", "bin"),                   // PostgreSQL's own packages for Fedora and Red Hat
    ("/opt/homebrew/opt", "postgresql@", "bin"), // Homebrew
    ("/usr/local/opt", "postgresql@", "bin"),    // Homebrew on Intel
    ("/usr/libexec", "postgresql", ""),          // Alpine
];

/// All three have to be in one folder, run, and agree on the version.
const PROGRAMS: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Run as root. It installs the server without creating a cluster or starting a service: neither a new one nor one that
/// an earlier installation left behind. What it changes for that it takes back.
const INSTALL: &str = r#"
export DEBIAN_FRONTEND=noninteractive
no_cluster=/etc/postgresql-common/createcluster.d/zz-contact-splitter.conf
no_service=/usr/sbin/policy-rc.d
own_service_policy=
clean_up() {
    rm -f "$no_cluster"
    rmdir "${no_cluster%/*}" 2>/dev/null
    [ -z "$own_service_policy" ] || rm -f "$no_service"
}
trap clean_up EXIT
trap 'exit 130' HUP INT TERM
mkdir -p "${no_cluster%/*}" && echo "create_main_cluster = false" >"$no_cluster" || exit 1
if [ ! -e "$no_service" ]; then
    own_service_policy=yes
    printf '#!/bin/sh\nexit 101\n' >"$no_service" && chmod 755 "$no_service" || exit 1
fi
apt-get -o DPkg::Lock::Timeout=120 update || echo "apt-get update failed; trying with the lists there are" >&2
apt-get -o DPkg::Lock::Timeout=120 install -y --no-install-recommends postgresql
"#;

/// A folder with working server programs, and the account to run them as.
pub(crate) struct Binaries {
    folder: PathBuf,
    pub(crate) version: Version,
    pub(crate) account: Account,
}

impl Binaries {
    /// One of the programs, ready for arguments.
    pub(crate) fn command(&self, program: &str) -> Command {
        self.account.command(&self.path(program))
    }

    pub(crate) fn path(&self, program: &str) -> PathBuf {
        self.folder.join(program)
    }
}

/// Whom PostgreSQL runs as: it refuses root, so root lends it the account `nobody`.
#[derive(Clone, Copy)]
pub(crate) struct Account {
    /// User and group, if they are not simply ours.
    other: Option<(u32, u32)>,
}

impl Account {
    fn choose() -> Result<Self> {
        let id = |arguments: &[&str]| -> Result<u32> {
            let output = Command::new("id").args(arguments).output().map_err(|e| format!("cannot run `id`: {e}"))?;
            let text = String::from_utf8_lossy(&output.stdout);
            text.trim().parse().map_err(|_| format!("`id {}` does not answer with a number", arguments.join(" ")))
        };
        let other = if id(&["-u"])? == 0 { Some((id(&["-u", "nobody"])?, id(&["-g", "nobody"])?)) } else { None };
        Ok(Self { other })
    }

    /// Gives a file or folder of ours to this account.
    pub(crate) fn own(self, path: &Path) -> io::Result<()> {
        self.other.map_or(Ok(()), |(user, group)| chown(path, Some(user), Some(group)))
    }

    /// A command under this account, untouched by the libpq variables of whoever calls us.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        process::forget_pg_variables(&mut command);
        if let Some((user, group)) = self.other {
            // The standard library then drops root's supplementary groups as well.
            command.uid(user).gid(group);
        }
        command.stdin(Stdio::null()).current_dir("/");
        command
    }
}

/// The programs, from wherever they are or from a package; otherwise a list of what was tried.
pub(crate) fn find_or_install(signals: &Signals) -> Result<Binaries> {
    let account = Account::choose()?;
    if let Some(folder) = env::var_os("XTASK_PG_BIN").filter(|folder| !folder.is_empty()) {
        return check(Path::new(&folder), account).map_err(|problem| format!("XTASK_PG_BIN: {problem}"));
    }
    find(account).or_else(|tried| {
        install(signals).map_err(|problem| format!("{tried}{problem}"))?;
        find(account).map_err(|tried| format!("the package is installed, but:\n{tried}"))
    })
}

fn find(account: Account) -> Result<Binaries> {
    let mut tried = String::new();
    for folder in candidates() {
        match check(&folder, account) {
            Ok(binaries) => return Ok(binaries),
            Err(problem) => {
                tried.push_str(&problem);
                tried.push('\n');
            }
        }
    }
    Err(tried)
}

/// `PATH` first, as the caller's own choice, then the known places, the newest version of each first.
fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for folder in env::split_paths(&env::var_os("PATH").unwrap_or_default()) {
        let program = folder.join("initdb");
        if program.is_file() {
            // A link usually leads to the installation, where the other programs are.
            let real = fs::canonicalize(&program).ok().and_then(|path| path.parent().map(Path::to_path_buf));
            folders.extend(real);
            folders.push(folder);
        }
    }
    for (parent, prefix, inside) in INSTALLATIONS {
        let Ok(entries) = fs::read_dir(parent) else { continue };
        let names = entries.flatten().map(|entry| entry.file_name()).collect::<Vec<_>>();
        let sorted = newest_first(names.iter().map(OsString::as_os_str), prefix);
        folders.extend(sorted.into_iter().map(|name| Path::new(parent).join(name).join(inside)));
    }
    let mut seen = Vec::new();
    folders.retain(|folder| {
        let new = !seen.contains(folder);
        seen.push(folder.clone());
        new
    });
    folders
}

/// The entries that are `prefix` and a version, the newest first.
fn newest_first<'a>(names: impl Iterator<Item = &'a OsStr>, prefix: &str) -> Vec<&'a str> {
    let mut versions: Vec<(Version, &str)> = names
        .filter_map(OsStr::to_str)
        .filter_map(|name| Some((Version::parse(name.strip_prefix(prefix)?)?, name)))
        .collect();
    versions.sort();
    versions.into_iter().rev().map(|(_, name)| name).collect()
}

/// Runs the programs, as the account that will run them: a script in `PATH` that only looks like PostgreSQL, or half an
/// installation, shows itself here.
fn check(folder: &Path, account: Account) -> Result<Binaries> {
    let mut versions = Vec::new();
    for program in PROGRAMS {
        let path = folder.join(program);
        let output = account.command(&path).arg("--version").output();
        let output = output.map_err(|error| format!("{}: {error}", path.display()))?;
        let text = String::from_utf8_lossy(&output.stdout);
        let version = Version::of_program(&text).filter(|_| output.status.success());
        versions.push(version.ok_or_else(|| format!("{}: does not run as PostgreSQL's program", path.display()))?);
    }
    versions.dedup();
    match versions.pop() {
        Some(version) if versions.is_empty() => Ok(Binaries { folder: folder.into(), version, account }),
        _ => Err(format!("{}: programs of different versions", folder.display())),
    }
}

fn install(signals: &Signals) -> Result<()> {
    if crate::flag("XTASK_NO_INSTALL") {
        return Err("not installing it, as XTASK_NO_INSTALL says".into());
    }
    let works = |command: &mut Command| {
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().is_ok_and(|s| s.success())
    };
    if !works(Command::new("apt-get").arg("--version")) {
        return Err("this is not Debian or Ubuntu (no apt-get), so it cannot be installed from here".into());
    }
    let mut command = if Account::choose()?.other.is_some() {
        Command::new("sh")
    } else if works(Command::new("sudo").args(["-n", "true"])) {
        let mut sudo = Command::new("sudo");
        sudo.args(["-n", "sh"]);
        sudo
    } else {
        return Err("installing it takes root, or sudo without a password".into());
    };
    say!("PostgreSQL: not found; installing the package `postgresql` with apt-get (no cluster, no service)");
    let ended = process::run(command.args(["-c", INSTALL]), signals).map_err(|e| format!("cannot run apt-get: {e}"))?;
    if ended.success() { Ok(()) } else { Err("apt-get could not install the package `postgresql`".into()) }
}

/// A version as its numbers, so that 16 is newer than 9.6.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Version(Vec<u32>);

impl Version {
    fn parse(text: &str) -> Option<Self> {
        text.split('.').map(|part| part.parse().ok()).collect::<Option<_>>().map(Self)
    }

    /// From a line such as `postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)`. A pre-release such as `18beta1`
    /// counts as its number.
    fn of_program(output: &str) -> Option<Self> {
        let (_, rest) = output.split_once("(PostgreSQL) ")?;
        let word = rest.split_whitespace().next()?;
        let end = word.find(|c: char| c != '.' && !c.is_ascii_digit()).unwrap_or(word.len());
        Self::parse(&word[..end])
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> = self.0.iter().map(u32::to_string).collect();
        f.write_str(&parts.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_sort_as_numbers() {
        let names = ["9.6", "15", "postgresql-16", "16", "10", "9.10", "README"].map(OsStr::new);
        assert_eq!(newest_first(names.into_iter(), ""), ["16", "15", "10", "9.10", "9.6"]);
        let names = ["pgsql-9.6", "local", "pgsql-17", "pgsql-", "18"].map(OsStr::new);
        assert_eq!(newest_first(names.into_iter(), "pgsql-"), ["pgsql-17", "pgsql-9.6"]);
    }

    #[test]
    fn programs_tell_their_version() {
        let version = |text| Version::of_program(text).map(|version| version.to_string());
        assert_eq!(version("postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n").as_deref(), Some("15.18"));
        assert_eq!(version("pg_ctl (PostgreSQL) 18beta1\n").as_deref(), Some("18"));
        for other in ["", "psql 15", "(PostgreSQL) ", "(PostgreSQL) devel"] {
            assert_eq!(version(other), None, "{other}");
        }
    }

    #[test]
    fn a_folder_without_the_programs_is_no_installation() {
        let problem = check(Path::new("/nonexistent"), Account { other: None }).err();
        assert!(problem.is_some_and(|problem| problem.contains("/nonexistent/initdb")));
    }
}
