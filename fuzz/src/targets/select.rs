//! The patterns of `--select`: laid on a catalog they select, or are refused; laid on what they made
//! they change nothing.

use std::cell::RefCell;
use std::collections::HashMap;

use serde_json::Value;
use tap_incident::base::error::Error;
use tap_incident::singer::catalog::{Incremental, discover_with, selection};
use tap_incident::singer::select::Patterns;
use tap_incident::source::schema;
use tap_incident::sources::SOURCES;

use super::catalog::check_selection;
use crate::made::split;

/// A catalog has so many streams here, with which the whole one differs in time only.
const STREAMS: usize = 8;

/// The first bytes say which source and from which stream on; the rest are the patterns.
pub fn check(bytes: &[u8]) {
    let ([source, first], rest) = split(bytes);
    let catalog = catalog(source, first);
    let source = SOURCES[usize::from(source) % SOURCES.len()];
    let texts = String::from_utf8_lossy(rest).split('\n').map(str::to_owned).collect::<Vec<_>>();
    let patterns = Patterns::parse(&texts);
    match patterns.lay_on(source, catalog) {
        Ok(laid) => {
            let again = patterns.lay_on(source, laid.clone()).unwrap();
            assert_eq!(again, laid, "{texts:?} laid on twice");
            match selection(source, laid, &Incremental::default()) {
                Ok(selection) => check_selection(&selection),
                Err(Error::Selection(_)) => {}
                Err(other) => panic!("{texts:?}: {other}"),
            }
        }
        Err(Error::Selection(_)) => {}
        Err(other) => panic!("{texts:?}: {other}"),
    }
}

/// The catalog of some streams of a source, the smallest of which are those with few fields.
fn catalog(source: u8, first: u8) -> Value {
    thread_local! {
        static MADE: RefCell<HashMap<(usize, usize), Value>> = RefCell::default();
    }
    let source = usize::from(source) % SOURCES.len();
    let streams = SOURCES[source].streams;
    let first = usize::from(first) % streams.len() / STREAMS * STREAMS;
    let new = || {
        let streams = streams.iter().skip(first).take(STREAMS);
        discover_with(streams, schema::embedded).unwrap()
    };
    MADE.with_borrow_mut(|made| made.entry((source, first)).or_insert_with(new).clone())
}
