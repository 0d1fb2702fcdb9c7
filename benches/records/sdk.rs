//! The Meltano SDK's way to do it, in a Python of its own.

use std::io::Write;
use std::process::{Command, Stdio};
use std::time::Duration;

use super::Anything;
use super::cost::{self, Cost};
use super::pages::Case;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/records/sdk.py");

/// What the SDK takes, its start not counted.
pub(crate) fn measure(case: &Case, python: &str) -> Anything<Cost> {
    let (mut reader, pipe) = cost::reader()?;
    let count = (20 << 20) / case.body.len();
    let key = case.stream.key.join(",");
    let mut script = Command::new(python)
        .args([SCRIPT, case.stream.name, &key, &count.to_string()])
        .stdin(Stdio::piped())
        .stdout(pipe)
        .stderr(Stdio::piped())
        .spawn()?;
    let mut input = script.stdin.take().ok_or("the script has no stdin")?;
    writeln!(input, "{}", case.selected.schema)?;
    input.write_all(case.body.as_bytes())?;
    drop(input);
    let output = script.wait_with_output()?;
    reader.wait()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    let mut numbers = said.split_whitespace().map(str::parse::<f64>);
    let (Some(Ok(cpu)), Some(Ok(wall))) = (numbers.next(), numbers.next()) else {
        return Err(format!("{python} {SCRIPT}: {said}").into());
    };
    let bytes = count * case.body.len();
    Ok(Cost { bytes, cpu: Duration::from_secs_f64(cpu), wall: Duration::from_secs_f64(wall) })
}
