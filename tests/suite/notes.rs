//! What the log says of a run that went well: what may be missing, and how far it is.

use std::sync::Arc;
use std::time::Duration;

use crate::support::{Ran, Tap, count, stand_in, stand_in_with};
use serde_json::json;
use stand_in::{NOW, Options, Workspace};
use tap_incident::base::clock::{Clock, StandingClock};

#[test]
fn a_stream_that_knows_none_of_the_modes_is_not_asked_for_and_the_log_says_so() {
    let stand_in = stand_in();
    let tap = Tap::of(&stand_in).set("incident_modes", "stream");
    let ran = tap.only(&["incidents"]).run().ok();
    assert_eq!((count(&stand_in, "/v2/incidents"), ran.records("incidents").len()), (1, 0));
    assert!(ran.stderr.contains("stream=incidents it has none of the incident_modes"));
}

#[test]
fn rows_deleted_while_the_list_is_read_are_not_missing() {
    let mut pages = 0;
    let stand_in = stand_in_with(Options {
        page_cap: Some(10),
        on_request: Some(Box::new(move |target: &str, workspace: &mut Workspace| {
            pages += usize::from(target.starts_with("/v2/incidents"));
            if pages == 2 {
                workspace.edit("/v2/incidents", |rows| drop(rows.drain(22..24)));
                pages += 1;
            }
        })),
        ..Options::default()
    });
    let ran = Tap::of(&stand_in).only(&["incidents"]).run().ok();
    assert_eq!(ran.records("incidents").len(), 27);
    assert!(!ran.stderr.contains("where the API counts"), "{}", ran.stderr);
}

#[test]
fn a_key_without_global_access_is_warned_about() {
    let stand_in = stand_in();
    let warned = |ran: Ran| ran.stderr.contains("WARNING the key has no role");
    assert!(!warned(Tap::of(&stand_in).only(&["severities"]).run().ok()));
    stand_in.edit(|workspace| {
        workspace.edit("/v1/identity", |rows| rows[0]["roles"] = json!(["viewer"]));
    });
    assert!(warned(Tap::of(&stand_in).only(&["severities"]).run().ok()));
}

#[test]
fn a_long_stream_says_how_far_it_is_every_minute() {
    let clock = Arc::new(StandingClock::at(NOW));
    let slow = Arc::clone(&clock);
    let stand_in = stand_in_with(Options {
        page_cap: Some(8),
        on_request: Some(Box::new(move |_: &str, _: &mut Workspace| {
            slow.sleep(Duration::from_secs(25));
        })),
        ..Options::default()
    });
    let ran = Tap::of(&stand_in).clock(clock).only(&["incident_updates"]).run().ok();
    let start = "INFO reading stream=incident_updates records=";
    let said = ran.stderr.lines().filter(|line| line.starts_with(start)).collect::<Vec<_>>();
    // Ten pages in 250 seconds; when each is written is not the clock's affair.
    assert!((1..=5).contains(&said.len()), "{said:?}");
}
