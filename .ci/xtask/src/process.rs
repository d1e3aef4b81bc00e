//! Children and signals: a child runs until it ends or until a signal arrives, which then ends the child's whole group.

use std::io::{self, IsTerminal};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitCode, ExitStatus, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

/// How often a waiting parent looks up; short beside any test run, long beside a system call.
const POLL: Duration = Duration::from_millis(20);

/// How long an interrupted child may take to end by itself.
const GRACE: Duration = Duration::from_secs(5);

/// Remembers the last of SIGINT, SIGTERM and SIGHUP instead of dying from it, so that every `Drop` still runs.
#[derive(Clone)]
pub(crate) struct Signals(Arc<AtomicUsize>);

impl Signals {
    pub(crate) fn install() -> io::Result<Self> {
        let seen = Arc::new(AtomicUsize::new(0));
        for signal in [SIGINT, SIGTERM, SIGHUP] {
            let number = usize::try_from(signal).map_err(io::Error::other)?;
            signal_hook::flag::register_usize(signal, Arc::clone(&seen), number)?;
        }
        Ok(Self(seen))
    }

    /// The signal that arrived, if one did.
    pub(crate) fn pending(&self) -> Option<i32> {
        i32::try_from(self.0.load(Ordering::SeqCst)).ok().filter(|signal| *signal != 0)
    }

    /// Forgets a Ctrl-C that was meant for the child in the foreground, which has it too.
    fn forget_interrupt(&self) {
        let interrupt = usize::try_from(SIGINT).unwrap_or_default();
        let _ = self.0.compare_exchange(interrupt, 0, Ordering::SeqCst, Ordering::SeqCst);
    }
}

/// How a child came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    Exited(ExitStatus),
    Interrupted(i32),
}

impl Ended {
    pub(crate) fn success(self) -> bool {
        matches!(self, Self::Exited(status) if status.success())
    }
}

/// Runs a child without any input, in a group of its own, so that a signal can end its children too.
pub(crate) fn run(command: &mut Command, signals: &Signals) -> io::Result<Ended> {
    supervise(command.stdin(Stdio::null()), signals)
}

fn supervise(command: &mut Command, signals: &Signals) -> io::Result<Ended> {
    if let Some(signal) = signals.pending() {
        return Ok(Ended::Interrupted(signal));
    }
    let mut child = command.process_group(0).spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            return Ok(Ended::Exited(status));
        }
        if let Some(signal) = signals.pending() {
            end_group(&mut child)?;
            return Ok(Ended::Interrupted(signal));
        }
        thread::sleep(POLL);
    }
}

/// Runs a child that may read from the terminal. It then has to stay in our group, gets Ctrl-C from the terminal itself,
/// and decides what that means.
pub(crate) fn run_in_foreground(command: &mut Command, signals: &Signals) -> io::Result<Ended> {
    if !io::stdin().is_terminal() {
        return supervise(command, signals);
    }
    let mut child = command.spawn()?;
    loop {
        if let Some(status) = child.try_wait()? {
            signals.forget_interrupt();
            return Ok(Ended::Exited(status));
        }
        signals.forget_interrupt();
        if let Some(signal) = signals.pending() {
            kill("TERM", &child.id().to_string());
            wait_until(&mut child, Instant::now() + GRACE)?;
            let _ = child.kill();
            child.wait()?;
            return Ok(Ended::Interrupted(signal));
        }
        thread::sleep(POLL);
    }
}

/// Asks the group to end, then insists: nothing of it may outlive the database that it uses.
fn end_group(child: &mut Child) -> io::Result<()> {
    let group = format!("-{}", child.id());
    kill("TERM", &group);
    wait_until(child, Instant::now() + GRACE)?;
    kill("KILL", &group);
    child.wait()?;
    Ok(())
}

fn wait_until(child: &mut Child, deadline: Instant) -> io::Result<()> {
    while child.try_wait()?.is_none() && Instant::now() < deadline {
        thread::sleep(POLL);
    }
    Ok(())
}

/// The standard library can only send SIGKILL, and only to one process; every shell can do more.
fn kill(signal: &str, target: &str) {
    let _ = Command::new("sh")
        .args(["-c", "kill -s \"$1\" -- \"$2\"", "sh", signal, target])
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .status();
}

/// Removes libpq's variables (`PGHOST`, `PGOPTIONS`, …), which would steer the child to another server.
pub(crate) fn forget_pg_variables(command: &mut Command) {
    for (name, _) in std::env::vars_os() {
        if name.to_str().is_some_and(|name| name.starts_with("PG")) {
            command.env_remove(name);
        }
    }
}

/// A child's exit code as ours.
pub(crate) fn exit_code(status: ExitStatus) -> ExitCode {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitCode::from(u8::try_from(code).unwrap_or(1)),
        (None, Some(signal)) => exit_code_of_signal(signal),
        (None, None) => ExitCode::FAILURE,
    }
}

/// The shell's convention for the end by a signal.
pub(crate) fn exit_code_of_signal(signal: i32) -> ExitCode {
    ExitCode::from(u8::try_from(128 + signal).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn signals() -> Signals {
        Signals(Arc::new(AtomicUsize::new(0)))
    }

    #[test]
    fn a_child_that_ends_by_itself() {
        let ended = run(Command::new("sh").args(["-c", "exit 3"]), &signals()).unwrap();
        assert!(matches!(ended, Ended::Exited(status) if status.code() == Some(3)));
        assert!(!ended.success());
    }

    #[test]
    fn a_signal_ends_the_child_and_its_children() {
        let (mut reader, writer) = io::pipe().unwrap();
        let signals = signals();
        let later = signals.clone();
        let all_output = thread::spawn(move || {
            reader.read_exact(&mut [0]).unwrap();
            later.0.store(15, Ordering::SeqCst);
            // Ends only when nobody can write any more: neither the shell nor the `sleep` that it left behind.
            io::copy(&mut reader, &mut io::sink()).unwrap()
        });
        let mut command = Command::new("sh");
        command.args(["-c", "sleep 300 & echo; wait"]).stdout(writer);
        assert_eq!(run(&mut command, &signals).unwrap(), Ended::Interrupted(15));
        drop(command);
        all_output.join().unwrap();
        // What follows an interruption is not started at all.
        assert_eq!(run(&mut Command::new("/nowhere"), &signals).unwrap(), Ended::Interrupted(15));
    }
}
