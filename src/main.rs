//! `tap-incident`: hands the process to the library.

use std::fs::File;
use std::io;
use std::os::fd::AsFd;
use std::process::ExitCode;
use std::sync::Arc;

use tap_incident::base::clock::SystemClock;
use tap_incident::singer::message;
use tap_incident::sources::SOURCES;
use tap_incident::{Process, run};

#[expect(clippy::disallowed_methods, reason = "the one place that knows the real stdout")]
fn main() -> ExitCode {
    // `Stdout` breaks its buffer at every line: one system call per record.
    let stdout = match io::stdout().as_fd().try_clone_to_owned() {
        Ok(descriptor) => File::from(descriptor),
        Err(_) => return ExitCode::from(6),
    };
    message::widen(&stdout);
    ExitCode::from(run(Process {
        args: std::env::args_os().collect(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        stdout,
        stderr: Box::new(io::stderr()),
        clock: Arc::new(SystemClock::default()),
        sources: SOURCES.to_vec(),
    }))
}
