//! From the command line to the exit code.

use std::ffi::OsString;
use std::io::Write;
use std::sync::Arc;

use crate::args::{self, Args, Command};
use crate::catalog::{self, Selection};
use crate::client::Client;
use crate::clock::{Clock, StandingClock};
use crate::config::Config;
use crate::demo;
use crate::error::Error;
use crate::log::Log;
use crate::message::Output;
use crate::openapi::Document;
use crate::plan::{Basis, Extent, plan};
use crate::select::select;
use crate::settings::{Environment, read_file, read_json};
use crate::state::State;
use crate::sync::{Sync, greet};

/// What the operating system gives a process.
pub struct Process<W: Write> {
    /// Program name and arguments.
    pub args: Vec<OsString>,
    /// Environment variables.
    pub environment: Environment,
    /// Where messages go; needs no buffer.
    pub stdout: W,
    /// Where events go.
    pub stderr: Box<dyn Write + Send>,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
}

/// Does what the command line says and gives the exit code. An error is the last line on stderr.
pub fn run<W: Write>(process: Process<W>) -> u8 {
    let Process { args, environment, stdout, stderr, clock } = process;
    let mut log = Arc::new(Log::new(stderr, clock.clone()));
    let mut output = Output::new(stdout);
    let result = match args::parse(args) {
        Ok(Command::Print(text)) => output.text(&text),
        Ok(Command::Run(args)) if args.discover => print_catalog(output),
        Ok(Command::Run(args)) => sync(&args, &environment, output, &mut log, clock),
        Err(error) => Err(error),
    };
    match result {
        Ok(()) => 0,
        Err(error) => {
            log.error(&error.line());
            error.exit_code()
        }
    }
}

fn print_catalog<W: Write>(mut output: Output<W>) -> Result<(), Error> {
    let catalog = serde_json::to_string_pretty(&catalog::discover()?)
        .map_err(|error| Error::Bug(error.to_string()))?;
    output.text(&(catalog + "\n"))
}

/// Everything but `--discover`: config, catalog and state first, so that a mistake in any of them
/// is found before the first request.
fn sync<W: Write>(
    args: &Args,
    environment: &Environment,
    output: Output<W>,
    log: &mut Arc<Log>,
    mut clock: Arc<dyn Clock>,
) -> Result<(), Error> {
    let mut warnings = Vec::new();
    let config = Config::read(args, environment, &mut warnings);
    // A mistyped name explains a missing setting, so it is said before the error.
    for warning in &warnings {
        log.warn(warning);
    }
    let mut config = config?;
    if let Some(log) = Arc::get_mut(log) {
        log.set(config.log_level, config.log_format, config.api_key.expose());
    }
    let selection = selection(args)?;
    let state = match &args.state {
        Some(path) => State::parse(&read_file("state", path)?, &path.display().to_string())?,
        None => State::default(),
    };
    for warning in &selection.warnings {
        log.warn(warning);
    }
    let stand_in = if args.demo { Some(start_demo()?) } else { None };
    if let Some(stand_in) = &stand_in {
        config = config.at(stand_in.url(), demo::DEFAULT_KEY);
        clock = Arc::new(StandingClock::at(demo::NOW));
    }
    let client = Client::new(&config, clock.clone(), log.clone());
    greet(&client, log)?;
    let extent = Extent::Whole;
    let basis = Basis { config: &config, state: &state, now: clock.now(), extent };
    let plan = plan(selection, &basis)?;
    let (forbidden, fail_fast) = (config.forbidden_streams, args.fail_fast);
    Sync { client: &client, log, clock, output, state, forbidden, fail_fast, extent }.run(&plan)
}

/// What the catalog selects, if there is one, and the patterns of `--select`, if there are any.
fn selection(args: &Args) -> Result<Selection, Error> {
    let file = args.catalog.as_ref().or(args.properties.as_ref());
    let path = file.map_or_else(|| "--select".to_owned(), |file| file.display().to_string());
    let catalog = match file {
        Some(file) => read_json("catalog", file)?,
        None if args.select.is_empty() => return catalog::by_default(),
        None => catalog::discover()?,
    };
    match args.select.as_slice() {
        [] => catalog::selection(catalog, &path),
        patterns => catalog::selection(select(patterns, catalog)?, &path),
    }
}

/// The sample workspace behind the stand-in for the API, in this process.
fn start_demo() -> Result<demo::StandIn, Error> {
    let workspace = demo::Workspace::sample().map_err(Error::Bug)?;
    let document = Document::checked_in()?;
    demo::StandIn::start(document.as_value(), workspace, demo::Options::default())
        .map_err(|error| Error::Bug(format!("the sample workspace cannot be served: {error}")))
}
