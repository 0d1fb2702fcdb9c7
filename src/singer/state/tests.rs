use super::*;
use crate::sources::incident_io::INCIDENT_IO;

const TIME: &str = "2026-01-02T03:04:05.678Z";

fn incidents() -> &'static Stream {
    INCIDENT_IO.named("incidents").unwrap()
}

fn bookmark(text: &str) -> Option<String> {
    State::parse(&INCIDENT_IO, (text, "state.json"), &mut Vec::new())
        .unwrap()
        .bookmark(incidents())
        .map(format_time)
}

#[test]
fn every_form_of_state_is_read() {
    let ours = format!(r#"{{"bookmarks": {{"incidents": {{"updated_at": "{TIME}"}}}}}}"#);
    let sdk = ours.replace("updated_at", "replication_key_value");
    let message = format!(r#"{{"type": "STATE", "value": {ours}}}"#);
    let export = format!(r#"{{"singer_state": {ours}}}"#);
    let lines = format!("{{\"bookmarks\": {{}}}}\n{ours}\n");
    let pretty = serde_json::from_str::<Value>(&ours).unwrap();
    let pretty = serde_json::to_string_pretty(&pretty).unwrap();
    for form in [ours, sdk, message, export, lines, pretty] {
        assert_eq!(bookmark(&form).as_deref(), Some(TIME), "{form}");
    }
    for form in ["", " \n", "{}", r#"{"bookmarks": null}"#, r#"{"bookmarks": {"incidents": {}}}"#] {
        assert_eq!(bookmark(form), None, "{form}");
    }
}

#[test]
fn our_bookmark_wins_over_the_sdks_which_is_then_cleared() {
    let text = r#"{"bookmarks": {"incidents": {"updated_at": "2026-03-01T00:00:00Z",
        "replication_key": "updated_at", "replication_key_value": "2026-02-01T00:00:00Z"}}}"#;
    let mut state = State::parse(&INCIDENT_IO, (text, "state.json"), &mut Vec::new()).unwrap();
    assert_eq!(state.bookmark(incidents()), parse_time("2026-03-01"));
    let time = parse_time("2026-04-01").unwrap();
    state.advance(incidents(), time, Cap::at(time));
    let expected = json!({"updated_at": "2026-04-01T00:00:00Z",
        "replication_key": null, "replication_key_value": null});
    assert_eq!(state.as_map()["bookmarks"]["incidents"], expected);
}

#[test]
fn a_bookmark_keeps_its_digits_and_never_moves_back() {
    let mut state = State::of(&INCIDENT_IO);
    for time in ["2026-01-02T03:04:05.123456Z", "2026-01-01T00:00:00Z"] {
        let time = parse_time(time).unwrap();
        state.advance(incidents(), time, Cap::at(time));
    }
    assert_eq!(
        state.as_map()["bookmarks"]["incidents"]["updated_at"],
        "2026-01-02T03:04:05.123456Z"
    );
}
