//! What a person at a terminal sees of the lists that are being fetched: a line for the run, and one for
//! each list under way. Pure.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use super::costs::Costs;

/// So many lists have a line of their own at most.
const MOST_LINES: usize = 8;
/// Before that much of a list has come nobody can tell how long the rest takes.
const LEAST_PART: f64 = 0.02;
const LEAST_TIME: Duration = Duration::from_secs(2);

/// A list, as far as it has been fetched.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Whose records it has.
    pub stream: &'static str,
    /// Whether they are written.
    pub is_emitted: bool,
    /// Whether nothing more of it is wanted.
    pub is_closed: bool,
    /// For how many parents it is read, as far as they are known; none of a top-level list.
    pub parents: Option<usize>,
    /// What it has cost.
    pub costs: Costs,
}

/// The run at one moment.
#[derive(Debug, Clone)]
pub struct Look {
    /// Its lists.
    pub lists: Vec<Seen>,
    /// How long it has been fetching.
    pub elapsed: Duration,
    /// What is waited for, and how long still.
    pub waiting: Option<(String, Duration)>,
}

impl Seen {
    /// How much of it has come, where that can be told.
    fn part(&self) -> Option<f64> {
        let (done, all) = match (self.costs.total, self.parents) {
            (Some(total), None) => (self.costs.received, total),
            (_, Some(parents)) => (self.costs.pages, parents as u64),
            (None, None) => return None,
        };
        (all > 0).then(|| (float(done) / float(all)).min(1.0))
    }

    /// How long the rest takes, where that can be told.
    fn left(&self, now: Duration) -> Option<Duration> {
        let took = now.saturating_sub(self.costs.began?);
        let part = self.part().filter(|part| *part >= LEAST_PART && took >= LEAST_TIME)?;
        Some(took.mul_f64((1.0 - part) / part))
    }

    fn is_under_way(&self) -> bool {
        !self.is_closed && self.costs.running > 0
    }

    fn line(&self, now: Duration) -> String {
        let Costs { received, pages, total, .. } = self.costs;
        let mut line = format!("  {:<34} {}", self.stream, grouped(received));
        // Writing to a String does not fail.
        if let Some(total) = total.filter(|total| *total >= received) {
            let _ = write!(line, " of {}", grouped(total));
        }
        let _ = write!(line, " records, {} pages", grouped(pages));
        if let Some(parents) = self.parents {
            let _ = write!(line, " of {} parents", grouped(parents as u64));
        }
        if let Some(left) = self.left(now) {
            let _ = write!(line, ", about {} left", lasting(left));
        }
        line
    }
}

impl Look {
    /// The lines of a terminal.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let under_way = self.lists.iter().filter(|seen| seen.is_under_way()).collect::<Vec<_>>();
        let mut lines = vec![self.of_the_run()];
        lines.extend(under_way.iter().take(MOST_LINES).map(|seen| seen.line(self.elapsed)));
        if let Some(more) = under_way.len().checked_sub(MOST_LINES).filter(|more| *more > 0) {
            lines.push(format!("  and {more} more"));
        }
        lines
    }

    fn of_the_run(&self) -> String {
        let mut streams: BTreeMap<&str, bool> = BTreeMap::new();
        let (mut records, mut requests, mut bytes) = (0, 0, 0);
        for seen in &self.lists {
            requests += seen.costs.requests;
            bytes += seen.costs.bytes;
            if seen.is_emitted {
                records += seen.costs.received;
                *streams.entry(seen.stream).or_insert(true) &= seen.is_closed;
            }
        }
        let done = streams.values().filter(|is_done| **is_done).count();
        let mut line = format!(
            "{done} of {} streams, {} records, {} requests, {}, {}",
            streams.len(),
            grouped(records),
            grouped(requests),
            megabytes(bytes),
            lasting(self.elapsed),
        );
        if let Some((what, left)) = &self.waiting {
            let _ = write!(line, ", waiting {what}: {} left", lasting(*left));
        } else if let Some(left) = self.left() {
            let _ = write!(line, ", about {} left", lasting(left));
        }
        line
    }

    /// How long all of it takes, where that can be told of each list that has not ended.
    fn left(&self) -> Option<Duration> {
        let open = self.lists.iter().filter(|seen| !seen.is_closed);
        let left = open.map(|seen| seen.left(self.elapsed)).collect::<Option<Vec<_>>>()?;
        left.into_iter().max()
    }
}

/// A number with a comma after each three digits, as people read it.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    format!("{}.{} MB", grouped(tenths / 10), tenths % 10)
}

/// A time as people say it: the two largest units.
fn lasting(time: Duration) -> String {
    let seconds = time.as_secs();
    let (hours, minutes) = (seconds / 3600, seconds / 60 % 60);
    match (hours, minutes) {
        (0, 0) => format!("{seconds} s"),
        (0, minutes) => format!("{minutes} min {} s", seconds % 60),
        (hours, minutes) => format!("{hours} h {minutes} min"),
    }
}

#[expect(clippy::cast_precision_loss, reason = "a share of it is enough")]
fn float(number: u64) -> f64 {
    number as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(stream: &'static str, costs: Costs) -> Seen {
        Seen { stream, is_emitted: true, is_closed: false, parents: None, costs }
    }

    #[test]
    fn a_run_is_shown_with_its_lists() {
        let began = Some(Duration::from_secs(10));
        let running = Costs { requests: 3, running: 1, pages: 2, began, ..Costs::default() };
        let users = Costs { received: 1_000, total: Some(4_000), bytes: 2_345_678, ..running };
        let children = Seen {
            parents: Some(8),
            ..seen("incident_participants", Costs { received: 70, ..running })
        };
        let ended = Seen { is_closed: true, ..seen("severities", Costs::default()) };
        let idle = Seen { is_emitted: false, ..seen("alerts", Costs::default()) };
        let mut look = Look {
            lists: vec![ended, seen("users", users), children],
            elapsed: Duration::from_secs(30),
            waiting: None,
        };
        assert_eq!(
            look.lines(),
            [
                "1 of 3 streams, 1,070 records, 6 requests, 2.3 MB, 30 s, about 1 min 0 s left",
                "  users                              1,000 of 4,000 records, 2 pages, about 1 min 0 s left",
                "  incident_participants              70 records, 2 pages of 8 parents, about 1 min 0 s left",
            ]
        );
        // One that has not begun may take any time.
        look.lists.push(idle);
        assert_eq!(look.lines()[0], "1 of 3 streams, 1,070 records, 6 requests, 2.3 MB, 30 s");
        look.waiting = Some(("for the rate limit of /v2/incidents".into(), Duration::from_secs(7)));
        assert!(look.lines()[0].ends_with("waiting for the rate limit of /v2/incidents: 7 s left"));
        let many = (0..11).map(|_| seen("users", users)).collect();
        let lines = Look { lists: many, ..look }.lines();
        assert_eq!((lines.len(), lines[9].as_str()), (10, "  and 3 more"));
    }

    #[test]
    fn numbers_and_times_are_as_people_say_them() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(grouped), ["0", "999", "1,000", "1,234,567"]);
        let times = [59, 60, 3_599, 3_600, 90_061].map(|s| lasting(Duration::from_secs(s)));
        assert_eq!(times, ["59 s", "1 min 0 s", "59 min 59 s", "1 h 0 min", "25 h 1 min"]);
    }
}
