//! Histories to be told: any sequence of runs, with whatever happens before and during them.

use proptest::prelude::*;

use crate::clocks::Wait;
use crate::rows::{Access, KINDS, SESSIONS, SMALL_PAGES, TEAMS, may_be_incremental};
use crate::target::{Cut, any_cut};
use crate::world::{Change, What};

/// What a run reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reading {
    /// What has changed, where that can be said.
    Changes,
    /// Everything of each stream.
    FullTable,
    /// What has changed in a window: from so many half days ago on, so many long or without end.
    Backfill { ago: u32, length: Option<u32> },
}

/// A run, and what happens around it.
#[derive(Debug, Clone)]
pub struct Round {
    pub reading: Reading,
    /// How long after the last run, and what changes before it.
    pub wait: Wait,
    pub before: Vec<Change>,
    /// What changes while it reads, each at the request before which so many others come.
    pub during: Vec<(usize, Change)>,
    /// By how many microseconds the tap's clock is ahead of the API's.
    pub off: i64,
    pub concurrency: u8,
    /// Where it is killed, if it is.
    pub cut: Option<Cut>,
}

impl Round {
    /// A run of what has changed that nobody disturbs.
    pub fn calm(off: i64, concurrency: u8) -> Self {
        let (before, during, cut) = Default::default();
        let (reading, wait) = (Reading::Changes, Wait::Micros(0));
        Self { reading, wait, before, during, off, concurrency, cut }
    }

    /// Whether its clock is wrong by more than anybody expects.
    pub fn is_far_off(&self) -> bool {
        self.off.abs() > YEAR / 2
    }

    fn is_far_ahead(&self) -> bool {
        self.is_far_off() && self.off > 0
    }
}

/// A sequence of runs.
#[derive(Debug, Clone)]
pub struct History {
    /// The streams that are selected, as numbers of [`KINDS`].
    pub kinds: Vec<usize>,
    /// Those of them that are read in full every time.
    pub full: Vec<usize>,
    /// The number of a stage.
    pub stage: usize,
    /// What the key sees at the beginning.
    pub access: Access,
    /// The rows at the beginning: stream, age in half days, salt.
    pub rows: Vec<(usize, u32, u8)>,
    /// So many rows more of each stream.
    pub crowd: u32,
    pub rounds: Vec<Round>,
}

impl History {
    /// The rows at the beginning.
    pub fn all_rows(&self) -> Vec<(usize, u32, u8)> {
        let of = |kind: usize| (0..self.crowd).map(move |n| (kind, n * 7 % 47, (n % 4) as u8 * 85));
        let crowd = self.kinds.iter().flat_map(|kind| of(*kind));
        self.rows.iter().copied().chain(crowd).collect()
    }

    /// The last run, which nobody disturbs, goes by a clock that is about right.
    pub fn last(&self) -> Round {
        let last = self.rounds.last().unwrap();
        Round::calm(if last.is_far_off() { 0 } else { last.off }, last.concurrency)
    }
}

/// What kind of histories are told.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// How late rows may be and how wrong clocks, in microseconds.
    pub most_late: i64,
    /// How many requests at a time runs may send.
    pub concurrency: &'static [u8],
    /// Which of [`KINDS`] there are.
    pub kinds: &'static [usize],
    /// How many half days old rows are at the beginning.
    pub most_old: u32,
    /// Whether there are backfills and full tables in between.
    pub has_readings: bool,
    /// Whether the key sees more or less from time to time.
    pub has_access: bool,
    /// Whether clocks may be a year off.
    pub has_years: bool,
}

impl Plot {
    pub fn of(kinds: &'static [usize], most_late: i64, concurrency: &'static [u8]) -> Self {
        let (has_readings, has_access, has_years) = (false, false, false);
        Self { most_late, concurrency, kinds, most_old: 5, has_readings, has_access, has_years }
    }
}

/// In microseconds.
pub const YEAR: i64 = 365 * 24 * 3_600_000_000;

/// Histories on these stages, each of so many rows a page and with answers that are dated or not.
/// All numbers of streams are those of the ones that there are.
pub fn any_history(plot: Plot, stages: &'static [(usize, bool)]) -> impl Strategy<Value = History> {
    let rows = prop::collection::vec((any::<u8>(), 0..plot.most_old, any::<u8>()), 0..12);
    let rounds = prop::collection::vec(any_round(plot), 1..=4);
    let crowd = prop_oneof![16 => Just(0), 1 => 51..110_u32];
    let full = prop::sample::subsequence(KINDS.map(|kind| kind.stream).to_vec(), 0..KINDS.len());
    let access = any_access(plot);
    let all = (any_kinds(plot), full, 0..stages.len(), access, (rows, crowd), rounds);
    all.prop_map(move |(mut kinds, full, mut stage, access, (rows, mut crowd), mut rounds)| {
        // Where pages are as large as asked, it takes a crowd to fill one of the smaller ones.
        if crowd > 0 && kinds.iter().any(|kind| SMALL_PAGES.contains(kind)) {
            kinds.retain(|kind| SMALL_PAGES.contains(kind));
            stage = stages.len() - 1;
        } else {
            crowd = 0;
        }
        let all = with_parents(&kinds);
        let choose = |number: usize| all[number % all.len()];
        let rows = rows.into_iter().map(|(number, age, salt)| (choose(number.into()), age, salt));
        let mut rows = rows.collect::<Vec<_>>();
        // Parents come before their children.
        rows.sort_by_key(|(kind, ..)| *kind);
        for round in &mut rounds {
            let during = round.during.iter_mut().map(|(_, change)| change);
            for change in during.chain(&mut round.before) {
                change.kind = choose(change.kind);
            }
        }
        if !stages[stage].1 {
            go_easy(&mut rounds);
        }
        // Of calls and their incidents, some are read in full that need not be.
        let is_full = |kind: &usize| {
            let is_chosen = full.contains(&KINDS[*kind].stream) && plot.kinds.contains(&SESSIONS);
            is_chosen || !may_be_incremental(*kind)
        };
        let full = kinds.iter().copied().filter(is_full).collect();
        History { kinds, full, stage, access, rows, crowd, rounds }
    })
}

/// These and those to which they belong.
fn with_parents(kinds: &[usize]) -> Vec<usize> {
    let mut all = kinds.to_vec();
    let mut number = 0;
    while let Some(kind) = all.get(number) {
        for (parent, _) in KINDS[*kind].parents {
            if !all.contains(parent) {
                all.push(*parent);
            }
        }
        number += 1;
    }
    all
}

/// Where answers have no date, a clock that is far ahead is all that there is to go by, and what
/// changes behind the cursor is not promised to arrive: nothing changes while such a run reads, and it
/// is not gone on with by another one.
fn go_easy(rounds: &mut [Round]) {
    for place in 0..rounds.len() {
        let has_other = rounds[place + 1..].iter().any(Round::is_far_ahead);
        let round = &mut rounds[place];
        if round.is_far_ahead() {
            let during = std::mem::take(&mut round.during);
            round.before.extend(during.into_iter().map(|(_, change)| change));
            round.cut = round.cut.take().filter(|_| !has_other);
        }
    }
}

fn any_round(plot: Plot) -> impl Strategy<Value = Round> {
    let before = prop::collection::vec(any_change(plot, any_access(plot)), 0..5);
    let scene = prop_oneof![
        1 => (0..16_usize, any_change(plot, Just(Access::EVERYTHING))).prop_map(|one| vec![one]),
        1 => any_pincer(plot),
    ];
    let during = prop::collection::vec(scene, 0..5).prop_map(|scenes| scenes.concat());
    let concurrency = prop::sample::select(plot.concurrency);
    let cut = prop::option::weighted(0.4, any_cut());
    let all = (any_reading(plot), any_pause(), before, during, any_off(plot), concurrency, cut);
    all.prop_map(|(reading, wait, before, during, off, mut concurrency, cut)| {
        // With many requests at a time, rows may be read before the API is asked what the key sees.
        let is_see = |(_, change): &(usize, Change)| matches!(change.what, What::See(_));
        if during.iter().any(is_see) {
            concurrency = 1;
        }
        Round { reading, wait, before, during, off, concurrency, cut }
    })
}

fn any_reading(plot: Plot) -> impl Strategy<Value = Reading> {
    let some = u32::from(plot.has_readings);
    let length = prop::option::of(1..8_u32);
    prop_oneof![
        3 => Just(Reading::Changes),
        some => Just(Reading::FullTable),
        2 * some => (0..8_u32, length).prop_map(|(ago, length)| Reading::Backfill { ago, length }),
    ]
}

fn any_off(plot: Plot) -> impl Strategy<Value = i64> {
    let some = u32::from(plot.has_years);
    let years = prop_oneof![4 => Just(0), some * 4 => Just(YEAR), some => Just(-YEAR)];
    let off = (up_to(plot.most_late), any::<bool>(), years);
    off.prop_map(|(off, is_behind, years)| years + if is_behind { -off } else { off })
}

fn any_access(plot: Plot) -> BoxedStrategy<Access> {
    if !plot.has_access {
        return Just(Access::EVERYTHING).boxed();
    }
    let any = (any::<bool>(), 0..TEAMS.len());
    let any = any.prop_map(|(is_global, teams)| Access { is_global, teams });
    prop_oneof![1 => Just(Access::EVERYTHING), 3 => any].boxed()
}

/// Mostly one stream alone, so that much happens to it.
fn any_kinds(plot: Plot) -> impl Strategy<Value = Vec<usize>> {
    let all = plot.kinds;
    let sizes = prop_oneof![3 => Just(1), 1 => Just(2), 1 => all.len().min(3)..=all.len()];
    sizes.prop_flat_map(move |size| prop::sample::subsequence(all, size))
}

fn any_change(
    plot: Plot,
    access: impl Strategy<Value = Access> + 'static,
) -> impl Strategy<Value = Change> {
    let what = prop_oneof![
        // Few salts, so that modes and the order of ids vary, and ids have a chance to be near.
        6 => (0..4_u8).prop_map(|salt| What::Create { salt: salt * 85 }),
        8 => any::<u8>().prop_map(What::Edit),
        3 => any::<u8>().prop_map(What::Convert),
        1 => any::<u8>().prop_map(What::Take),
        2 => any::<u8>().prop_map(What::Delete),
        5 * u32::from(plot.has_access) => access.prop_map(What::See),
    ];
    (any_wait(), 0..64_usize, what, up_to(plot.most_late))
        .prop_map(|(wait, kind, what, late)| Change { wait, kind, what, late })
}

/// A row at one end of a list changes, and much later, in the same run, one at the other end: what
/// is read last may not hide that the first has changed since it was read.
fn any_pincer(plot: Plot) -> impl Strategy<Value = Vec<(usize, Change)>> {
    let ends = (0..64_u8, 192..=255_u8, any::<bool>());
    let later = any_pause();
    (0..8_usize, 1..4_usize, 0..64_usize, ends, up_to(plot.most_late), later).prop_map(
        |(request, gap, kind, (old, new, is_oldest_first), late, later)| {
            let (first, last) = if is_oldest_first { (old, new) } else { (new, old) };
            let edit = |wait, place, late| Change { wait, kind, what: What::Edit(place), late };
            let behind = edit(Wait::Micros(0), first, late);
            vec![(request, behind), (request + gap, edit(later, last, 0))]
        },
    )
}

fn any_wait() -> impl Strategy<Value = Wait> {
    prop_oneof![
        4 => Just(Wait::Micros(0)),
        2 => (1..600_i64).prop_map(|seconds| Wait::Micros(seconds * 1_000_000)),
        1 => (1..2_000_000_i64).prop_map(Wait::Micros),
        1 => Just(Wait::Midnight),
    ]
}

/// From moments to more than it takes for a position to be given up.
fn any_pause() -> impl Strategy<Value = Wait> {
    prop_oneof![
        2 => (0..900_i64).prop_map(|seconds| Wait::Micros(seconds * 1_000_000)),
        2 => (1..60_i64).prop_map(|hours| Wait::Micros(hours * 3_600_000_000)),
        1 => Just(Wait::Midnight),
    ]
}

/// Up to so many microseconds, and often none or all of them.
fn up_to(most: i64) -> impl Strategy<Value = i64> {
    let seconds = (0..=most / 1_000_000).prop_map(|seconds| seconds * 1_000_000);
    prop_oneof![2 => Just(0), 2 => Just(most), 1 => 0..=most, 1 => seconds]
}
