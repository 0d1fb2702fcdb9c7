//! What a measurement is: CPU time and wall time for a number of bytes.

use std::fs;
use std::io::Write;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::time::{Duration, Instant};

use super::Anything;

/// What it took to read so many bytes of bodies.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Cost {
    pub(crate) bytes: usize,
    pub(crate) cpu: Duration,
    pub(crate) wall: Duration,
}

impl Cost {
    /// What `work` takes of this thread, its output going into a pipe.
    pub(crate) fn of(
        bytes: usize,
        work: impl FnOnce(&mut ChildStdin) -> Anything<()>,
    ) -> Anything<Self> {
        let (mut reader, mut pipe) = reader()?;
        let (cpu, wall) = (thread_cpu()?, Instant::now());
        work(&mut pipe)?;
        pipe.flush()?;
        let cost = Self { bytes, cpu: thread_cpu()?.saturating_sub(cpu), wall: wall.elapsed() };
        drop(pipe);
        reader.wait()?;
        Ok(cost)
    }

    /// Throughput in MB/s.
    pub(crate) fn speed(&self) -> f64 {
        1e3 / (nanoseconds(self.wall) / size(self.bytes))
    }

    /// CPU time of a byte in nanoseconds.
    pub(crate) fn nanoseconds(&self) -> f64 {
        nanoseconds(self.cpu) / size(self.bytes)
    }
}

/// The median of CPU time, and of wall time the least: whatever else runs can only make a round slower, and
/// one that mostly waits for a reader much more than one that computes.
pub(crate) fn typical(costs: &[Cost]) -> Option<Cost> {
    let mut times = costs.iter().map(|cost| cost.cpu).collect::<Vec<_>>();
    times.sort_unstable();
    let wall = costs.iter().map(|cost| cost.wall).min()?;
    Some(Cost { bytes: costs.first()?.bytes, cpu: times.get(times.len() / 2).copied()?, wall })
}

/// Something that takes whatever is written to it, as a target would, at no cost of ours.
pub(crate) fn reader() -> Anything<(Child, ChildStdin)> {
    let mut reader = Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn()?;
    let pipe = reader.stdin.take().ok_or("cat has no stdin")?;
    Ok((reader, pipe))
}

/// CPU time of this thread so far.
fn thread_cpu() -> Anything<Duration> {
    // The kernel counts when a thread gives way.
    std::thread::yield_now();
    let statistics = fs::read_to_string("/proc/thread-self/schedstat")?;
    let nanoseconds = statistics.split(' ').next().ok_or("schedstat is empty")?;
    Ok(Duration::from_nanos(nanoseconds.parse()?))
}

fn nanoseconds(time: Duration) -> f64 {
    time.as_secs_f64() * 1e9
}

#[expect(clippy::cast_precision_loss, reason = "no measurement has 2^52 bytes")]
fn size(bytes: usize) -> f64 {
    bytes as f64
}
