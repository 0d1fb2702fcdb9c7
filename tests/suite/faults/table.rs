//! Each kind of fault on each page of a list, on a list of a parent, and on what the key is, once and for as
//! long as the run lasts: the same records come as without it, or the run ends with the exit code that is
//! documented, and the next one brings the rest.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;
use stand_in::{Action, Fault, NOW, Options, StandIn};
use tap_incident::base::clock::{Clock, StandingClock};

use super::kind::{Fate, Kind};
use super::{bodies, statuses, wire};
use crate::arrived::Arrived;
use crate::support::{Ran, Tap, stand_in_with, unlimited};

/// Where faults happen.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    FirstPage,
    MiddlePage,
    LastPage,
    /// The first page of what belongs to a parent that is not the first.
    Child,
    /// An answer that is one record, of a parent that is not the first.
    Record,
    Identity,
}

/// What is to come of a run.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    /// The records that come without the fault.
    Whole,
    /// All but those of one parent, and the log says so.
    WithoutParent,
    Failed(u8),
}

impl Place {
    fn stream(self) -> &'static str {
        match self {
            Self::FirstPage | Self::MiddlePage | Self::LastPage => "incidents",
            Self::Child => "catalog_entries",
            Self::Record => "user_paging_providers",
            Self::Identity => "severities",
        }
    }

    fn fault(self, times: usize, action: Action) -> Fault {
        let (path, skip) = match self {
            Self::FirstPage => ("/v2/incidents", 0),
            Self::MiddlePage => ("/v2/incidents*after=", 0),
            Self::LastPage => ("/v2/incidents*after=", 2),
            Self::Child => ("/v3/catalog_entries*catalog_type_id=01JCTYP0000000000000000003", 0),
            Self::Record => ("/v2/users/01JUSER0000000000000000004/paging_provider", 0),
            Self::Identity => ("/v1/identity", 0),
        };
        Fault { path: path.to_owned(), skip, times, action }
    }
}

/// A clock that shows one time however long one has waited: states are then the same, too.
struct Stopped(StandingClock);

impl Clock for Stopped {
    fn now(&self) -> DateTime<Utc> {
        NOW
    }

    fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }

    fn sleep(&self, wait: Duration) {
        self.0.sleep(wait);
    }
}

/// What the README and the API's document promise.
fn expected(fate: Fate, place: Place, is_lasting: bool) -> Outcome {
    use Outcome::{Failed, Whole, WithoutParent};
    let has_cursor = matches!(place, Place::MiddlePage | Place::LastPage);
    match (fate, place) {
        (Fate::Unknown, _) => Failed(3),
        // What the API does not tell of the key is unknown, and the run goes on.
        (Fate::Harmless, _) | (_, Place::Identity) => Whole,
        (Fate::Passing(_), _) if !is_lasting => Whole,
        (Fate::Passing(code) | Fate::Final(code), _) => Failed(code),
        // A parent that is gone, or that the key may not read, is counted.
        (Fate::Gone | Fate::Forbidden, Place::Child | Place::Record) => WithoutParent,
        (Fate::Forbidden, _) => Failed(3),
        // A cursor that is not taken any more: the list is read again, once.
        (Fate::Gone | Fate::NotTaken, _) if has_cursor && !is_lasting => Whole,
        (Fate::Gone | Fate::NotTaken, _) => Failed(4),
    }
}

/// A place, with what comes of its stream in calm weather, from the start and from states.
struct Bench {
    place: Place,
    stand_in: StandIn,
    calm: Arrived,
    resumed: HashMap<String, Arrived>,
}

impl Bench {
    fn new(place: Place) -> Self {
        let options = Options { page_cap: Some(8), gzip: false, ..Options::default() };
        let stand_in = unlimited(stand_in_with(options));
        let (calm, resumed) = Default::default();
        let mut bench = Self { place, stand_in, calm, resumed };
        bench.calm = Arrived::of(&bench.tap().run().ok().lines);
        bench
    }

    fn tap(&self) -> Tap {
        let clock = Arc::new(Stopped(StandingClock::at(NOW)));
        let tap = Tap::of(&self.stand_in).clock(clock).documented().set("max_retries", "2");
        tap.arg("--select").arg(self.place.stream())
    }

    /// What is wrong with a run in which that happens.
    fn problem(&mut self, kind: &Kind, is_lasting: bool) -> Option<String> {
        let times = if is_lasting { usize::MAX } else { 1 };
        self.stand_in.fault(self.place.fault(times, kind.action.clone()));
        let ran = self.tap().run();
        let hits = self.stand_in.calm();
        let outcome = expected(kind.fate, self.place, is_lasting);
        let problem = self.judge(&ran, outcome).or_else(|| {
            if hits == 0 {
                return Some("it did not happen".to_owned());
            }
            if matches!(kind.fate, Fate::Final(_)) && self.place != Place::Identity && hits > 1 {
                return Some(format!("it was asked for {hits} times"));
            }
            let waited = ran.waited.as_secs();
            let is_right = is_lasting || (kind.waits..kind.waits + 60).contains(&waited);
            (!is_right).then(|| format!("it waited for {waited} seconds"))
        });
        let often = if is_lasting { "always" } else { "once" };
        problem.map(|problem| {
            format!("{}, {often}, {:?}: {outcome:?}, but {problem}", kind.name, self.place)
        })
    }

    fn judge(&mut self, ran: &Ran, outcome: Outcome) -> Option<String> {
        let code = if let Outcome::Failed(code) = outcome { code } else { 0 };
        if ran.code != code || ran.stderr.contains("panicked") {
            return Some(format!("it ended with {}: {}", ran.code, ran.last_line()));
        }
        let arrived = Arrived::of(&ran.lines);
        match outcome {
            Outcome::Whole if arrived.rows != self.calm.rows => {
                Some(format!("rows are missing or others: {:?}", arrived.lacks(&self.calm)))
            }
            Outcome::WithoutParent if !ran.counts().contains(" parents_skipped=1 ") => {
                Some(format!("the log does not say so: {}", ran.counts()))
            }
            Outcome::WithoutParent => None,
            Outcome::Whole | Outcome::Failed(_) => self.ahead(&ran.lines),
        }
    }

    /// Whether a state is ahead of the rows before it: from each of them the rest has to come.
    fn ahead(&mut self, lines: &[String]) -> Option<String> {
        let mut arrived = Arrived::default();
        for line in lines {
            arrived.load(std::slice::from_ref(line));
            if !line.starts_with(r#"{"type":"STATE""#) {
                continue;
            }
            let mut whole = arrived.clone();
            whole.rows.extend(self.resumed(&arrived.state).rows.clone());
            if whole.rows != self.calm.rows {
                return Some(format!("{} loses {:?}", arrived.state, whole.lacks(&self.calm)));
            }
        }
        None
    }

    /// What comes from a state on.
    fn resumed(&mut self, state: &Value) -> &Arrived {
        let text = state.to_string();
        if !self.resumed.contains_key(&text) {
            let arrived = Arrived::of(&self.tap().state(state).run().ok().lines);
            self.resumed.insert(text.clone(), arrived);
        }
        &self.resumed[&text]
    }
}

/// Tries kinds of faults at a place, each once and for as long as the run lasts.
fn try_all(place: Place, kinds: &[Kind]) {
    let mut bench = Bench::new(place);
    let mut problems = Vec::new();
    for kind in kinds {
        for is_lasting in [false, true] {
            problems.extend(bench.problem(kind, is_lasting));
        }
    }
    assert!(problems.is_empty(), "{}:\n{}", problems.len(), problems.join("\n"));
}

/// What may happen to any answer, whatever is asked for.
fn to_record() -> Vec<Kind> {
    let groups = [
        statuses::lasting(),
        statuses::passing(),
        statuses::asking_to_wait(),
        bodies::garbled(),
        bodies::damaged(),
        bodies::named(),
        wire::broken(),
        wire::whole_answers(),
        wire::large_headers(),
    ];
    groups.into_iter().flatten().collect()
}

/// What may happen to an answer around something.
fn to_any() -> Vec<Kind> {
    let mut kinds = to_record();
    kinds.extend(bodies::other());
    kinds
}

/// What may happen to a page of a list.
fn to_pages() -> Vec<Kind> {
    let mut kinds = to_any();
    kinds.extend(bodies::of_lists());
    kinds
}

#[test]
fn a_fault_on_the_first_page_loses_nothing() {
    try_all(Place::FirstPage, &to_pages());
}

#[test]
fn a_fault_in_the_middle_of_a_list_loses_nothing() {
    try_all(Place::MiddlePage, &to_pages());
}

#[test]
fn a_fault_on_the_last_page_loses_nothing() {
    try_all(Place::LastPage, &to_pages());
}

#[test]
fn a_fault_in_a_list_of_a_parent_loses_nothing() {
    try_all(Place::Child, &to_pages());
}

#[test]
fn a_fault_in_a_record_that_is_asked_for_by_itself_loses_nothing() {
    try_all(Place::Record, &to_record());
}

#[test]
fn a_fault_while_the_key_is_looked_up_loses_nothing() {
    try_all(Place::Identity, &to_any());
}
