//! From the command line to the exit code.

use std::ffi::OsString;
use std::io::Write;
use std::sync::Arc;

use serde_json::Value;

use crate::api::client::Client;
use crate::api::identity::greet;
use crate::api::offer::Offer;
use crate::base::clock::Clock;
use crate::base::error::Error;
use crate::base::log::Log;
use crate::config::args::{self, Args, Command, Test};
use crate::config::settings::{Environment, read_file, read_json};
use crate::config::{Config, Forbidden};
use crate::demo::Demo;
use crate::plan::{Basis, Extent, concerned, plan};
use crate::singer::catalog::{self, Selection};
use crate::singer::message::Output;
use crate::singer::select::Patterns;
use crate::singer::state::State;
use crate::source::openapi::Document;
use crate::source::request::Request;
use crate::source::schema;
use crate::sources::incident_io::STREAMS;
use crate::sync::Sync;
use crate::sync::fetch::Means;

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
        Ok(Command::Run(args)) if args.discover && !args.live => {
            catalog::discover().and_then(|catalog| print(&catalog, output))
        }
        Ok(Command::Run(args)) => connect(&args, &environment, output, &mut log, clock),
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

fn print<W: Write>(catalog: &Value, mut output: Output<W>) -> Result<(), Error> {
    let catalog =
        serde_json::to_string_pretty(catalog).map_err(|error| Error::Bug(error.to_string()))?;
    output.text(&(catalog + "\n"))
}

/// Everything that needs the config, and mostly the API.
fn connect<W: Write>(
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
    let demo = if args.demo { Some(Demo::start()?) } else { None };
    if let Some(demo) = &demo {
        config = demo.config(config);
        clock = Arc::new(demo.clock());
    }
    let client = Arc::new(Client::new(&config, clock.clone(), log.clone()));
    if args.live {
        return print(&live_catalog(&client, log)?, output);
    }
    sync(args, &config, Streams { client, log: log.clone(), clock, output })
}

/// The catalog from the API's current document; a stream that it no longer has keeps the schema
/// of this release.
fn live_catalog(client: &Client, log: &Log) -> Result<Value, Error> {
    let (_, body) = client.get(&Request::new("/v1/openapiV3.json"))?;
    let document = serde_json::from_slice(&body)
        .map_err(|error| Error::Contract(format!("/v1/openapiV3.json: {error}")))?;
    let document = Document::with_overlay(document)?;
    catalog::discover_with(STREAMS, |stream| {
        document.schema(stream).or_else(|error| {
            log.warn(&format!("stream `{}` keeps this release's schema: {error}", stream.name));
            schema::embedded(stream)
        })
    })
}

/// What a sync works with.
struct Streams<W: Write> {
    client: Arc<Client>,
    log: Arc<Log>,
    clock: Arc<dyn Clock>,
    output: Output<W>,
}

/// A sync, or a sample of one. Catalog and state come first, so that a mistake in either is found
/// before the first request.
fn sync<W: Write>(args: &Args, config: &Config, streams: Streams<W>) -> Result<(), Error> {
    let Streams { client, log, clock, mut output } = streams;
    let selection = selection(args)?;
    let state = match &args.state {
        Some(path) => State::parse(&read_file("state", path)?, &path.display().to_string())?,
        None => State::default(),
    };
    for warning in &selection.warnings {
        log.warn(warning);
    }
    if !selection.news.is_empty() {
        log.info(&news(&selection.news));
    }
    if args.test == Some(Test::Schema) {
        selection.streams.iter().try_for_each(|selected| output.schema(selected))?;
        return output.finish();
    }
    let extent = if args.test.is_some() { Extent::Sample } else { Extent::Whole };
    let now = clock.now();
    let mut state = state;
    // A backfill leaves the state alone, even what is wrong in it.
    if !config.is_backfill {
        for warning in state.clamp(now, config.lookback / 2) {
            log.warn(&warning);
        }
    }
    // What the key sees is asked before anything is read: rows that it comes to see meanwhile would
    // be taken for seen, and a bookmark of a key that saw less is no good for this one.
    let sight = greet(&client, &log)?;
    let offer = match extent {
        Extent::Whole => Offer::ask(&concerned(&selection), &config.incident_modes, &client, &log),
        Extent::Sample => Offer::default(),
    };
    let basis = Basis { config, state: &state, now, extent, sight: &sight, offer: &offer };
    let plan = plan(selection, &basis)?;
    // Who asks what may be read wants to know what may not.
    let forbidden = match extent {
        Extent::Whole => config.forbidden_streams,
        Extent::Sample => Forbidden::Fail,
    };
    let fail_fast = args.fail_fast;
    let means = Means { client, log, clock, now };
    Sync { means, config, output, state, forbidden, fail_fast, extent, sight }.run(&plan)
}

/// Of an old catalog: how many fields it lacks, the first of them, and how to get a new one.
fn news(fields: &[String]) -> String {
    let first = fields.iter().take(5).map(String::as_str).collect::<Vec<_>>().join(", ");
    format!(
        "the catalog lacks {} fields of selected streams that this release has ({first}{}); \
         `tap-incident --discover` prints a new one, with Meltano add --refresh-catalog",
        fields.len(),
        if fields.len() > 5 { ", …" } else { "" },
    )
}

/// What the catalog selects, if there is one, and the patterns of `--select`, if there are any.
fn selection(args: &Args) -> Result<Selection, Error> {
    let patterns = Patterns::parse(&args.select);
    let catalog = match args.catalog.as_ref().or(args.properties.as_ref()) {
        Some(file) => read_json("catalog", file)?,
        None if patterns.is_empty() => return catalog::by_default(),
        None => {
            let concerned = STREAMS.iter().filter(|stream| patterns.concern(stream));
            catalog::discover_with(concerned, schema::embedded)?
        }
    };
    let catalog = if patterns.is_empty() { catalog } else { patterns.lay_on(catalog)? };
    catalog::selection(catalog)
}
