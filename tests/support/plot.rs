//! Histories to be told: any sequence of runs, with whatever happens before and during them.

use std::ops::Range;

use proptest::prelude::*;

use crate::target::{Cut, any_cut};
use crate::world::{Change, FIELDS, OPTIONS, SMALL_PAGES, Wait, What};

/// A run, and what happens around it.
#[derive(Debug, Clone)]
pub struct Round {
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

/// A sequence of runs.
#[derive(Debug, Clone)]
pub struct History {
    /// The streams that are selected, as numbers of [`KINDS`].
    pub kinds: Vec<usize>,
    /// The number of a stage.
    pub stage: usize,
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
}

/// What kind of histories are told.
#[derive(Debug, Clone, Copy)]
pub struct Plot {
    /// How late rows may be and how wrong clocks, in microseconds.
    pub most_late: i64,
    /// How many requests at a time runs may send.
    pub concurrency: &'static [u8],
    /// Which of [`KINDS`] there are.
    pub first: usize,
    pub kinds: usize,
}

impl Plot {
    pub fn of(kinds: Range<usize>, most_late: i64, concurrency: &'static [u8]) -> Self {
        Self { most_late, concurrency, first: kinds.start, kinds: kinds.len() }
    }
}

/// Histories on so many stages. All numbers of streams are those of the ones that are selected.
pub fn any_history(plot: Plot, stages: usize) -> impl Strategy<Value = History> {
    let kinds = any_kinds(plot);
    let rows = prop::collection::vec((0..plot.kinds, 0..5_u32, any::<u8>()), 0..12);
    let rounds = prop::collection::vec(any_round(plot), 1..=5);
    let crowd = prop_oneof![12 => Just(0), 1 => 51..120_u32];
    let all = (kinds, 0..stages, rows, crowd, rounds);
    all.prop_map(move |(mut kinds, mut stage, mut rows, mut crowd, mut rounds)| {
        // Where pages are as large as asked, it takes a crowd to fill one of the smaller ones.
        if crowd > 0 && kinds.iter().any(|kind| SMALL_PAGES.contains(kind)) {
            kinds.retain(|kind| SMALL_PAGES.contains(kind));
            stage = stages - 1;
        } else {
            crowd = 0;
        }
        let select = |kind: &mut usize| *kind = kinds[*kind % kinds.len()];
        for (kind, ..) in &mut rows {
            select(kind);
        }
        // Parents come before their children.
        rows.sort_by_key(|(kind, ..)| *kind);
        for round in &mut rounds {
            let during = round.during.iter_mut().map(|(_, change)| change);
            for change in during.chain(&mut round.before) {
                select(&mut change.kind);
            }
        }
        History { kinds, stage, rows, crowd, rounds }
    })
}

fn any_round(plot: Plot) -> impl Strategy<Value = Round> {
    let before = prop::collection::vec(any_change(plot), 0..5);
    let scene = prop_oneof![
        2 => (0..16_usize, any_change(plot)).prop_map(|single| vec![single]),
        1 => any_pincer(plot),
    ];
    let during = prop::collection::vec(scene, 0..5).prop_map(|scenes| scenes.concat());
    let off = (up_to(plot.most_late), any::<bool>());
    let off = off.prop_map(|(off, is_behind)| if is_behind { -off } else { off });
    let concurrency = prop::sample::select(plot.concurrency);
    let cut = prop::option::weighted(0.4, any_cut());
    (any_pause(), before, during, off, concurrency, cut).prop_map(
        |(wait, before, during, off, concurrency, cut)| Round {
            wait,
            before,
            during,
            off,
            concurrency,
            cut,
        },
    )
}

/// Mostly one stream alone, so that much happens to it.
fn any_kinds(plot: Plot) -> impl Strategy<Value = Vec<usize>> {
    let all = (plot.first..plot.first + plot.kinds).collect::<Vec<_>>();
    let sizes = prop_oneof![3 => Just(1), 1 => Just(2), 1 => 3..=plot.kinds];
    let some = sizes.prop_flat_map(move |size| prop::sample::subsequence(all.clone(), size));
    some.prop_map(|mut kinds| {
        if kinds.contains(&OPTIONS) && !kinds.contains(&FIELDS) {
            kinds.push(FIELDS);
        }
        kinds
    })
}

fn any_change(plot: Plot) -> impl Strategy<Value = Change> {
    let what = prop_oneof![
        // Few salts, so that modes and the order of ids vary, and ids have a chance to be near.
        3 => (0..4_u8).prop_map(|salt| What::Create { salt: salt * 85 }),
        4 => any::<u8>().prop_map(What::Edit),
        2 => any::<u8>().prop_map(What::Convert),
        1 => any::<u8>().prop_map(What::Delete),
    ];
    (any_wait(), 0..plot.kinds, what, up_to(plot.most_late))
        .prop_map(|(wait, kind, what, late)| Change { wait, kind, what, late })
}

/// A row at one end of a list changes, and much later, in the same run, one at the other end: what
/// is read last may not hide that the first has changed since it was read.
fn any_pincer(plot: Plot) -> impl Strategy<Value = Vec<(usize, Change)>> {
    let ends = (0..64_u8, 192..=255_u8, any::<bool>());
    let later = any_pause();
    (0..12_usize, 1..4_usize, 0..plot.kinds, ends, up_to(plot.most_late), later).prop_map(
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
