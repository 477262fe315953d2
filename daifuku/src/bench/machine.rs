use std::fs;

use super::run::BenchOptions;

/// Describes the machine, so that figures can be compared.
pub(super) fn describe(options: &BenchOptions) -> Vec<String> {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let memory = memory.lines().next().unwrap_or_default().replace("MemTotal:", "");
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    vec![
        format!("{model}, {cores} cores, {} memory, Linux {}", memory.trim(), kernel.trim()),
        format!("load before the run: {}", load.split(' ').take(3).collect::<Vec<_>>().join(" ")),
        format!(
            "database: {}",
            options
                .database
                .as_deref()
                .map_or("SQLite, synchronous=FULL", |_| "server, as configured")
        ),
    ]
}

/// The most that this process ever held in memory, in MiB.
pub(super) fn peak_memory_mib() -> u64 {
    status_kilobytes("VmHWM:").div_euclid(1_024)
}

fn status_kilobytes(name: &str) -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kilobytes = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kilobytes.unwrap_or(0)
}

/// What this process holds in memory.
pub(super) fn resident_bytes() -> u64 {
    status_kilobytes("VmRSS:") * 1_024
}
