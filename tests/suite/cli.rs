//! The binary as a process: exit codes, pipes, what needs no network, and the sample workspace.

use std::io::{BufRead, BufReader, Read};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use tap_incident::sources::incident_io::INCIDENT_IO;

/// The binary in an empty environment.
fn tap(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tap-incident"));
    command.args(args).env_clear().stdin(Stdio::null());
    command
}

fn run(args: &[&str]) -> Output {
    tap(args).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

#[test]
fn the_sample_workspace_fills_every_stream() {
    let output = run(&["--demo", "--select", "*"]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines =
        text(&output.stdout).lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let messages = lines.collect::<Vec<_>>();
    assert_eq!(messages[0]["type"], "STATE");
    assert_eq!(messages[messages.len() - 1]["type"], "STATE");
    for stream in INCIDENT_IO.streams {
        let is_record =
            |message: &&Value| message["type"] == "RECORD" && message["stream"] == stream.name;
        assert!(messages.iter().any(|message| is_record(&message)), "{}", stream.name);
    }
    let done = format!("INFO done streams={0} of {0}", INCIDENT_IO.streams.len());
    assert!(text(&output.stderr).lines().any(|line| line.starts_with(&done)));
}

#[test]
fn the_sample_workspace_is_the_same_every_time() {
    assert_eq!(run(&["--demo"]).stdout, run(&["--demo"]).stdout);
}

#[test]
fn the_sample_workspace_has_the_incidents_that_a_monitor_opened_and_closed() {
    let output = run(&["--demo"]);
    let opened_by_monitor = |line: &&str| {
        let message: Value = serde_json::from_str(line).unwrap();
        message["stream"] == "incidents"
            && message["record"]["creator"]["api_key"]["name"] == "AnomalyArmor"
            && message["record"]["incident_status"]["category"] == "closed"
    };
    assert!(text(&output.stdout).lines().filter(opened_by_monitor).count() >= 12);
}

#[test]
fn discovery_needs_neither_network_nor_config() {
    let output = run(&["--discover"]);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stderr), "");
    let catalog: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(catalog["streams"].as_array().unwrap().len(), INCIDENT_IO.streams.len());
}

#[test]
fn the_discovered_catalog_can_be_fed_back() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("catalog.json");
    std::fs::write(&path, run(&["--discover"]).stdout).unwrap();
    let output = run(&["--demo", "--catalog", path.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(output.stdout, run(&["--demo"]).stdout);
}

#[test]
fn help_and_version_go_to_stdout() {
    assert_eq!(
        text(&run(&["--version"]).stdout),
        concat!("tap-incident ", env!("CARGO_PKG_VERSION"), "\n")
    );
    insta::assert_snapshot!(text(&run(&["--help"]).stdout));
}

#[test]
fn an_unknown_argument_is_a_usage_error_on_one_line() {
    let output = run(&["--cofnig", "x"]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    insta::assert_snapshot!(text(&output.stderr));
}

#[test]
fn a_missing_key_is_exit_code_2() {
    let output = run(&[]);
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0));
    insta::assert_snapshot!(text(&output.stderr));
}

#[test]
fn the_environment_of_the_vendors_own_tap_is_taken() {
    let output = tap(&[])
        .env("INCIDENT_API_KEY", "k")
        .env("INCIDENT_ENDPOINT", "http://example.com")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    let stderr = text(&output.stderr);
    assert!(stderr.contains("`endpoint` is \"http://example.com\"") && !stderr.contains("missing"));
}

#[test]
fn a_reader_that_goes_away_is_exit_code_6_and_one_line() {
    let mut child = tap(&["--demo"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    let mut reader = BufReader::new(child.stdout.take().unwrap());
    reader.read_line(&mut first).unwrap();
    drop(reader);
    let mut stderr = String::new();
    child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(6), "{stderr}");
    assert!(stderr.lines().last().unwrap().starts_with("ERROR the reader of the output is gone"));
    assert!(!stderr.contains("panicked"));
}

#[test]
fn the_sample_workspace_needs_no_proxy() {
    let proxy = "http://127.0.0.1:1";
    let demo = tap(&["--demo", "--select", "severities"]).env("ALL_PROXY", proxy).output().unwrap();
    assert_eq!(demo.status.code(), Some(0), "{}", text(&demo.stderr));
}
