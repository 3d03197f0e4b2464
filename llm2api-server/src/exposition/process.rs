//! What the operating system knows of this process. Only Linux is asked; elsewhere these families
//! are left out.

use std::fmt;

use super::families::Families;
use super::names::process as names;

/// The figures of this process.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Process {
    /// Seconds.
    cpu: f64,
    /// Bytes.
    resident: u64,
    /// Bytes.
    mapped: u64,
    /// Seconds since 1970.
    started: f64,
    open_fds: u64,
    max_fds: Option<u64>,
}

/// What the system's figures are counted in.
#[cfg_attr(not(any(target_os = "linux", test)), expect(dead_code, reason = "only Linux is asked"))]
struct Measure {
    ticks_a_second: u64,
    page: u64,
    /// When the machine began, in seconds since 1970.
    boot: u64,
}

impl Process {
    /// Writes them.
    pub(super) fn write(&self, families: &mut Families<'_>) -> fmt::Result {
        families.seconds(&names::CPU, self.cpu)?;
        families.gauge(&names::RESIDENT, self.resident)?;
        families.gauge(&names::VIRTUAL, self.mapped)?;
        families.gauge(&names::OPEN_FDS, self.open_fds)?;
        if let Some(max) = self.max_fds {
            families.gauge(&names::MAX_FDS, max)?;
        }
        families.gauge(&names::START, self.started)
    }

    /// Asks the system; none where it says nothing.
    #[cfg(target_os = "linux")]
    pub(super) fn read() -> Option<Self> {
        let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
        let machine = std::fs::read_to_string("/proc/stat").ok()?;
        let boot = machine.lines().find_map(|line| line.strip_prefix("btime "))?;
        let measure = Measure {
            ticks_a_second: rustix::param::clock_ticks_per_second(),
            page: rustix::param::page_size() as u64,
            boot: boot.trim().parse().ok()?,
        };
        let open_fds = std::fs::read_dir("/proc/self/fd").ok()?.count() as u64;
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile);
        Some(Self { open_fds, max_fds: limit.current, ..Self::parse(&stat, &measure)? })
    }

    #[cfg(not(target_os = "linux"))]
    pub(super) fn read() -> Option<Self> {
        None
    }

    /// Reads the line that Linux writes of a process; a program's name may hold blanks and brackets.
    #[cfg(any(target_os = "linux", test))]
    #[expect(clippy::cast_precision_loss, reason = "ticks are far below 2^52")]
    fn parse(stat: &str, measure: &Measure) -> Option<Self> {
        let (_, rest) = stat.rsplit_once(')')?;
        let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
        // The page of the manual counts from 1, and the program's name is the second.
        let field = |number: usize| fields.get(number - 3)?.parse::<u64>().ok();
        let seconds = |ticks: u64| ticks as f64 / measure.ticks_a_second as f64;
        Some(Self {
            cpu: seconds(field(14)? + field(15)?),
            started: measure.boot as f64 + seconds(field(22)?),
            mapped: field(23)?,
            resident: field(24)? * measure.page,
            ..Self::default()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_may_have_any_name() {
        let stat = "42 (odd) name)) S 1 42 42 0 -1 4194560 1 2 3 4 150 50 5 6 20 0 9 0 1000 8192 3 \
                    18446744073709551615 1 1 0";
        let measure = Measure { ticks_a_second: 100, page: 4096, boot: 1_700_000_000 };
        let process = Process::parse(stat, &measure).expect("is one");
        assert_eq!((process.cpu, process.started), (2.0, 1_700_000_010.0));
        assert_eq!((process.mapped, process.resident), (8192, 12288));
        assert_eq!(Process::parse("42 (cut) S 1", &measure), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_system_knows_this_process() {
        let process = Process::read().expect("this is Linux");
        assert!(process.resident > 1 << 20 && process.mapped > process.resident, "{process:?}");
        assert!(process.open_fds > 0, "{process:?}");
        assert!(process.started > 1.6e9, "{process:?}");
    }
}
