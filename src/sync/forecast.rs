//! What the streams that ask once for each of their parents will cost: told in one line for all of them, as
//! soon as their parents are known.

use std::collections::BTreeSet;
use std::io::Write;

use super::{Sync, feeds};
use crate::base::event;
use crate::plan::{Extent, Plan, Planned};
use crate::source::Quota;
use crate::sync::fetch::Fetch;
use crate::sync::summary::Summary;

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
        let Quota(a_minute) = sync.config.source.quotas.key;
        let a_minute = usize::try_from(a_minute).unwrap_or(usize::MAX).max(1);
        let requests = costs.iter().map(|(_, requests)| requests).sum::<usize>();
        sync.tools.log.tell(&event::forecast(&costs, requests.div_ceil(a_minute)));
    }
}

/// Whether a list costs a request for each record of another stream, for the first time.
fn is_costly(planned: &Planned) -> bool {
    let is_from_start = planned.asked.parents_changed.is_none() && !planned.position.is_inside();
    !planned.stream.is_default && !planned.asked.parents.is_empty() && is_from_start
}
