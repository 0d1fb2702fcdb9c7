//! Plays back what is in the corpus, so that no target breaks unnoticed where nobody runs a fuzzer.

use std::fs;
use std::path::Path;

use tap_incident_fuzz::targets::{body, catalog, config, headers, select, state};

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let mut played = 0;
    for entry in fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let bytes = fs::read(&path).unwrap();
        // A panic shows what was compared; this shows where it came from.
        println!("{}", path.display());
        check(&bytes);
        played += 1;
    }
    assert!(played >= 10, "{} has only {played} files", folder.display());
}

#[test]
fn bodies_are_read_as_a_plain_reader_reads_them() {
    replay("body", body::check);
}

#[test]
fn states_are_planned_with_and_come_out_as_they_went_in() {
    replay("state", state::check);
}

#[test]
fn catalogs_select_streams_with_their_keys_or_are_refused() {
    replay("catalog", catalog::check);
}

#[test]
fn configs_are_read_or_refused() {
    replay("config", config::check);
}

#[test]
fn no_header_makes_anybody_wait_longer_than_an_hour() {
    replay("headers", headers::check);
}

#[test]
fn patterns_select_or_are_refused() {
    replay("select", select::check);
}
