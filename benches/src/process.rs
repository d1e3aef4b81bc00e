//! What is measured in a process of its own: first calls and resident memory.

use std::process::Command;

/// Runs this program again with `arguments` and returns what it prints.
#[must_use]
pub fn again(arguments: &[&str]) -> Option<String> {
    let output = Command::new(std::env::current_exe().ok()?).args(arguments).output().ok()?;
    output.status.success().then(|| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The most memory that this process has had resident, in KiB; `None` where the system does not say.
#[must_use]
pub fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}
