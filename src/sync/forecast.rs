//! What a run will cost: told before it begins as far as the plan says it; of the streams that ask once for
//! each of their parents in one line for all of them, as soon as these are known; and of a sample in its table.

use std::collections::BTreeSet;
use std::io::Write;

use super::{Sync, feeds};
use crate::base::event;
use crate::plan::{Extent, Plan, Planned};
use crate::singer::catalog::Method;
use crate::source::Quota;
use crate::sync::fetch::Fetch;
use crate::sync::summary::Summary;
use crate::sync::test_report::Least;

/// The lists that were told of.
#[derive(Debug, Default)]
pub(super) struct Forecast(BTreeSet<usize>);

impl Forecast {
    /// Says what lists will cost from `next` on, which is read now; those whose parents are not all known
    /// yet come later.
    pub(super) fn tell<W: Write>(
        &mut self,
        (next, plan): (usize, &Plan),
        (fetch, summary): (&Fetch, &Summary),
        sync: &Sync<W>,
    ) {
        let is_due = plan.lists.get(next).is_some_and(is_costly) && !self.0.contains(&next);
        if !is_due || sync.extent != Extent::Whole {
            return;
        }
        let mut costs = Vec::new();
        for (number, planned) in plan.lists.iter().enumerate().skip(next) {
            let is_known = feeds(planned, &plan.lists).all(|(parent, _)| summary.has_read(parent));
            if is_costly(planned) && is_known && self.0.insert(number) {
                let requests = fetch.parents(number) * planned.asked.series.len();
                costs.push((planned.stream.name, requests));
            }
        }
        let a_minute = usize::try_from(a_minute(sync)).unwrap_or(usize::MAX);
        let requests = costs.iter().map(|(_, requests)| requests).sum::<usize>();
        sync.tools.log.tell(&event::forecast(&costs, requests.div_ceil(a_minute)));
    }
}

/// Requests a minute that are the run's share of the key's quota.
pub(super) fn a_minute<W: Write>(sync: &Sync<W>) -> u32 {
    let Quota(known) = sync.config.source.quotas.key;
    let requests = sync.config.requests_per_minute.unwrap_or(known);
    let share = 100 - u32::from(sync.config.rate_limit_reserve_percent.min(99));
    (requests.saturating_mul(share) / 100).max(1)
}

/// Says what the plan says of the costs.
pub(super) fn tell_plan<W: Write>(plan: &Plan, sync: &Sync<W>) {
    let (mut full, mut by_change, mut of_parents, mut requests) = (0, 0, 0, 0);
    for planned in &plan.lists {
        if !planned.asked.parents.is_empty() {
            of_parents += usize::from(planned.emitted.is_some());
        } else if planned.is_first() {
            requests += planned.asked.series.len();
        }
        match &planned.emitted {
            Some(emitted) if planned.is_first() && emitted.is_full => full += 1,
            Some(_) if planned.is_first() => by_change += 1,
            _ => {}
        }
    }
    sync.tools.log.tell(&event::planned((full, by_change), requests, of_parents));
}

/// Says once what streams have cost that were read in full and need not be, and the word that saves it.
pub(super) fn tell_savings<W: Write>(plan: &Plan, fetch: &Fetch, sync: &Sync<W>) {
    let mut costs = Vec::new();
    for (number, planned) in plan.lists.iter().enumerate() {
        let selected = planned.emitted.as_ref().map(|emitted| &emitted.selected);
        let is_full = selected.is_some_and(|selected| selected.method == Method::FullTable);
        let requests = fetch.costs(number).requests;
        if is_full && planned.stream.replication_key().is_some() && requests >= NOTABLE {
            costs.push((planned.stream.name, requests));
        }
    }
    if !costs.is_empty() {
        sync.tools.log.tell(&event::could_be_incremental(&costs));
    }
}

/// Puts into the table of a sample what a run costs.
pub(super) fn fill_table<W: Write>(
    plan: &Plan,
    fetch: &Fetch,
    summary: &mut Summary,
    sync: &Sync<W>,
) {
    let mut requests = 0;
    for (number, planned) in plan.lists.iter().enumerate() {
        let least = least(number, plan, fetch);
        requests += least.requests;
        for access in &mut summary.access {
            access.charge(planned.stream, least);
        }
    }
    let a_minute = u64::from(a_minute(sync));
    let minutes = requests.div_ceil(a_minute);
    summary.costs = format!(
        "a run makes {requests} requests or more, {minutes} minutes at {a_minute} a minute; a list that \
         does not say how long it is counts as one page, a `+` marks it"
    );
}

/// What a list costs of which a sample was read.
fn least(number: usize, plan: &Plan, fetch: &Fetch) -> Least {
    let Some(planned) = plan.lists.get(number) else { return Least::default() };
    let series = planned.asked.series.len() as u64;
    let is_full = planned.emitted.as_ref().is_none_or(|emitted| emitted.is_full);
    let total = fetch.costs(number).total.filter(|_| is_full);
    if planned.asked.parents.is_empty() {
        let size = planned.stream.page_size.map(u64::from);
        let pages = total.zip(size).map(|(total, size)| total.div_ceil(size).max(1));
        let requests = (series + pages.unwrap_or(1)).saturating_sub(1);
        return Least { requests, may_be_more: size.is_some() && pages.is_none() };
    }
    let mut parents = 0;
    for (_, feed) in feeds(planned, &plan.lists) {
        let known = fetch.costs(feed.list).total.unwrap_or_default();
        parents += known.max(fetch.fed(feed) as u64);
    }
    Least { requests: if is_full { parents * series } else { 0 }, may_be_more: true }
}

/// A stream that costs fewer requests is not worth a word.
const NOTABLE: u64 = 10;

/// Whether a list costs a request for each record of another stream, for the first time.
fn is_costly(planned: &Planned) -> bool {
    let is_from_start = planned.asked.parents_changed.is_none() && !planned.position.is_inside();
    !planned.stream.is_default && !planned.asked.parents.is_empty() && is_from_start
}
