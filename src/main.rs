//! `tap-incident`: hands the process to the library.

use std::io::{self, IsTerminal};
use std::process::ExitCode;
use std::sync::Arc;

use tap_incident::base::clock::SystemClock;
use tap_incident::base::log::panicked;
use tap_incident::base::screen::Audience;
use tap_incident::base::stop::Stop;
use tap_incident::os::stdout::Stdout;
use tap_incident::os::watch::watch;
use tap_incident::sources::SOURCES;
use tap_incident::{Process, run};

fn main() -> ExitCode {
    std::panic::set_hook(Box::new(panicked));
    let stop = Arc::new(Stop::default());
    let Ok(stdout) = Stdout::open(Arc::clone(&stop)) else { return ExitCode::from(6) };
    let audience = match (io::stderr().is_terminal(), stdout.is_terminal()) {
        (false, _) => Audience::Program,
        (true, true) => Audience::Terminal,
        (true, false) => Audience::FreeTerminal,
    };
    // Where the system refuses that, the run is as good until a signal comes.
    let _ = watch(stdout.copy(), Arc::clone(&stop));
    ExitCode::from(run(Process {
        args: std::env::args_os().collect(),
        environment: std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .collect(),
        stdout,
        stderr: Box::new(io::stderr()),
        audience,
        clock: Arc::new(SystemClock::new(Arc::clone(&stop))),
        stop,
        sources: SOURCES.to_vec(),
    }))
}
