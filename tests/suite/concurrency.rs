//! However many requests are under way, the output is the same.

use std::time::Duration;

use crate::support::{Tap, serve, text};
use stand_in::{Action, Fault, Options, StandIn, Workspace};

/// A workspace whose histories are long enough to be cut, with answers that overtake each other.
fn long_histories() -> StandIn {
    let workspace = Workspace::with_months(9).unwrap();
    let stand_in = serve(workspace, Options { page_cap: Some(7), ..Options::default() });
    for (path, millis) in [("/v2/users", 9), ("/v2/alerts", 5), ("/v1/severities", 20)] {
        let action = Action::Delay(Duration::from_millis(millis));
        stand_in.fault(Fault { path: path.into(), skip: 2, times: 6, action });
    }
    stand_in
}

/// The output, without the moments at which pages came, and without the STATE lines in between: a
/// second that passed is a reason for one.
fn output(concurrency: usize) -> Vec<String> {
    let stand_in = long_histories();
    let tap = Tap::of(&stand_in).set("concurrency", &concurrency.to_string());
    let mut lines = tap.arg("--select").arg("*").run().ok().lines;
    let last = lines.pop();
    lines.retain(|line| !line.starts_with(r#"{"type":"STATE""#));
    lines.extend(last);
    for line in &mut lines {
        let end = line.rfind(",\"time_extracted\":").unwrap_or(line.len());
        line.truncate(end);
    }
    lines
}

#[test]
fn the_output_is_the_same_whatever_the_concurrency() {
    let whole = output(1);
    assert!(whole.len() > 4_000);
    for concurrency in [2, 8, 32] {
        let lines = output(concurrency);
        let other = lines.iter().zip(&whole).find(|(one, other)| one != other);
        assert!(lines == whole, "at {concurrency}: {other:#?}");
    }
}

#[test]
fn slices_lose_and_double_nothing() {
    let paths = ["/v2/incidents", "/v2/alerts", "/v2/escalations", "/v3/actions", "/v3/follow_ups"];
    let streams = paths.map(|path| path.rsplit('/').next().unwrap());
    let is_cut = |stand_in: &StandIn, path: &str| {
        let requests = stand_in.requests();
        let mut targets = requests.iter().map(|seen| &seen.target);
        targets.any(|target| target.starts_with(path) && target.contains("created_at%5B"))
    };
    // The same rows in one piece: as many as may be on a page.
    let whole = serve(Workspace::with_months(9).unwrap(), Options::default());
    let sliced = long_histories();
    let (expected, got) =
        (Tap::of(&whole).only(&streams).run().ok(), Tap::of(&sliced).only(&streams).run().ok());
    for (path, stream) in paths.into_iter().zip(streams) {
        assert!(is_cut(&sliced, path), "{stream}");
        let mut ids = expected.column(stream, "id");
        // Newest first and of unknown length, so cut in any case: but no row of these is hidden.
        if is_cut(&whole, path) {
            whole.edit(|workspace| {
                ids = workspace.rows(path).iter().map(|row| text(&row["id"])).collect();
            });
            ids.sort();
        }
        assert_eq!(got.column(stream, "id"), ids, "{stream}");
    }
}
