//! From the command line to the exit code.

use std::ffi::OsString;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use zeroize::Zeroize;

use crate::api::client::Client;
use crate::api::identity::identify;
use crate::api::offer::Offer;
use crate::base::clock::{Clock, StandingClock};
use crate::base::cut;
use crate::base::error::Error;
use crate::base::event;
use crate::base::log::{Level, Log};
use crate::base::screen::Audience;
use crate::base::stop::Stop;
use crate::config::about::about;
use crate::config::args::{self, Args, Command, Test};
use crate::config::file::{read_file, read_json};
use crate::config::gather::{self, Environment};
use crate::config::manual;
use crate::config::{Config, Forbidden};
use crate::plan::{Extent, Inputs, concerned, plan};
use crate::singer::catalog::{self, Incremental, News, Selection};
use crate::singer::message::Output;
use crate::singer::select::Patterns;
use crate::singer::state::State;
use crate::source::openapi::Openapi;
use crate::source::request::Request;
use crate::source::schema;
use crate::source::{Sample, Source};
use crate::sources::DEFAULT;
use crate::sync::Sync;
use crate::sync::fetch::Tools;
use crate::sync::report::{self, Report};

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
    /// Who reads them.
    pub audience: Audience,
    /// What time it is.
    pub clock: Arc<dyn Clock>,
    /// Whether the run has to end, as whoever watches the process says.
    pub stop: Arc<Stop>,
    /// What can be read. The first is read where nobody chose.
    pub sources: Vec<&'static Source>,
}

/// Does what the command line says and gives the exit code. An error is the last line on stderr.
pub fn run<W: Write>(process: Process<W>) -> u8 {
    let Process { args, mut environment, stdout, stderr, audience, clock, stop, sources } = process;
    let began = (clock.now(), clock.elapsed());
    let mut log = Arc::new(Log::new(stderr, clock.clone(), audience));
    let output = Output::new(stdout, stop.clone());
    let mut source = sources.first().copied().unwrap_or(DEFAULT);
    let (mut report, mut report_path) = (Report::default(), None);
    let result = args::parse(args).and_then(|command| match command {
        Command::Print(text) => print(&text, output),
        Command::Run(args) => {
            report_path.clone_from(&args.summary_file);
            if let Some(text) = manual::asked(&args)? {
                return print(&text, output);
            }
            gather::with_dotenv(&args, &mut environment)?;
            source = gather::choose(&sources, &args, &environment)?;
            if args.about {
                let text = about(source, args.format);
                return print(&text.map_err(|error| Error::Bug(error.to_string()))?, output);
            }
            if args.discover && !args.live {
                return print_catalog(&catalog::discover(source)?, output);
            }
            let around = Around { clock: clock.clone(), stop, output, report: &mut report };
            connect(&args, (source, environment), around, &mut log)
        }
    });
    report.source = source.name;
    if let Err(error) = &result {
        report.message = error.line(&source.hints);
    }
    let code = result.as_ref().map_or_else(Error::exit_code, |()| 0);
    let took = clock.elapsed().saturating_sub(began.1);
    report.close(code, (began.0, took), clock.as_ref());
    let written = report_path.map_or(Ok(()), |path| write_report(&report, &path, &log));
    if result.is_ok() && !report.message.is_empty() {
        log.tell(&event::closing(&report.message, report.is_well));
    }
    // What ended the run says more than that it could not be told.
    for error in [written.as_ref().err(), result.as_ref().err()].into_iter().flatten() {
        log.tell(&event::failed(&error.line(&source.hints)));
    }
    result.and(written).map_or_else(|error| error.exit_code(), |()| 0)
}

/// Writes the account of the run, without the key.
fn write_report(report: &Report, path: &Path, log: &Log) -> Result<(), Error> {
    let text = serde_json::to_string(report).map_err(|error| Error::Bug(error.to_string()))?;
    report::write(path, &(log.shown(&text) + "\n"))
        .map_err(|error| Error::Output(format!("summary file `{}`: {error}", path.display())))
}

fn print<W: Write>(text: &str, mut output: Output<W>) -> Result<(), Error> {
    output.text(text)
}

fn print_catalog<W: Write>(catalog: &Value, output: Output<W>) -> Result<(), Error> {
    print(&catalog::printed(catalog), output)
}

/// What a run waits by, what may end it, where its messages go, and its account.
struct Around<'a, W: Write> {
    clock: Arc<dyn Clock>,
    stop: Arc<Stop>,
    output: Output<W>,
    report: &'a mut Report,
}

/// Everything that needs the config, and mostly the API.
fn connect<W: Write>(
    args: &Args,
    (source, mut environment): (&'static Source, Environment),
    around: Around<'_, W>,
    log: &mut Arc<Log>,
) -> Result<(), Error> {
    let Around { mut clock, stop, output, report } = around;
    let mut warnings = Vec::new();
    let config = Config::read(source, args, &environment, &mut warnings);
    environment.values_mut().for_each(Zeroize::zeroize);
    // A mistyped name explains a missing setting, so it is said before the error.
    for warning in &warnings {
        log.tell(&event::warning(warning));
    }
    let mut config = config?;
    if let Some(log) = Arc::get_mut(log) {
        // What may be read stands in a table, which nothing should push off the screen.
        let is_table = args.test.is_some() && config.log_level == Level::Info;
        let level = if is_table { Level::Warning } else { config.log_level };
        log.set(level, config.log_format, config.api_key.expose());
    }
    let sample = if config.is_demo { Some(sample(source)?) } else { None };
    if let Some(sample) = &sample {
        config = config.for_sample(sample);
        // With a clock that stands still the output is the same every day.
        clock = Arc::new(StandingClock::at(sample.now));
    }
    let client = Arc::new(Client::new(&config, clock.clone(), log.clone(), stop.clone())?);
    if args.live {
        return print_catalog(&live_catalog(source, &client, log)?, output);
    }
    sync(
        args,
        &config,
        Streams { client, log: log.clone(), around: Around { clock, stop, output, report } },
    )
}

/// The catalog from the API's current document; a stream that it no longer has keeps the schema
/// of this release.
fn live_catalog(source: &Source, client: &Arc<Client>, log: &Log) -> Result<Value, Error> {
    let Some(path) = source.document.as_ref().and_then(|document| document.path) else {
        let problem = format!("{} has no document of its API for `--live` to read", source.title);
        return Err(Error::Arguments(problem));
    };
    let (_, body) = client.get(&Request::new(path))?;
    let document = serde_json::from_slice(&body)
        .map_err(|error| Error::Contract(format!("{path}: {error}")))?;
    let document = Openapi::with_overlay(source, document)?;
    catalog::discover_with(source.streams, |stream| {
        document.schema(stream).or_else(|error| {
            log.tell(&event::schema_kept(stream.name, &error));
            schema::embedded(stream)
        })
    })
}

/// What a sync works with.
struct Streams<'a, W: Write> {
    client: Arc<Client>,
    log: Arc<Log>,
    around: Around<'a, W>,
}

/// A sync, or a sample of one. Catalog and state come first, so that a mistake in either is found
/// before the first request.
fn sync<W: Write>(args: &Args, config: &Config, streams: Streams<W>) -> Result<(), Error> {
    let Streams { client, log, around: Around { clock, stop, mut output, report } } = streams;
    let source = config.source;
    let mut warnings = Vec::new();
    let mut selection = selection(config, args, &mut warnings)?;
    warnings.append(&mut selection.warnings);
    let state = match &args.state {
        Some(path) => {
            let text = read_file("state", path)?;
            State::parse(source, (&text, &path.display().to_string()), &mut warnings)?
        }
        None => State::of(source),
    };
    warnings.extend(config.start_ahead_of(clock.now()));
    for warning in &warnings {
        log.tell(&event::warning(warning));
    }
    if let Some(message) = told(&selection.news) {
        log.tell(&event::note(&message));
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
        for warning in state.clamp(source.streams, now, config.lookback / 2) {
            log.tell(&event::warning(&warning));
        }
    }
    // What the key sees is asked before anything is read: rows that it comes to see meanwhile would
    // be taken for seen, and a bookmark of a key that saw less is no good for this one.
    let sight = identify(source, &client, &log)?;
    let offer = match extent {
        Extent::Whole => Offer::ask(&concerned(source, &selection), &config.modes, &client, &log),
        Extent::Sample => Offer::default(),
    };
    let inputs = Inputs { config, state: &state, now, extent, sight: &sight, offer: &offer };
    let plan = plan(selection, &inputs);
    // Who asks what may be read wants to know what may not.
    let forbidden = match extent {
        Extent::Whole => config.forbidden_streams,
        Extent::Sample => Forbidden::Fail,
    };
    let fail_fast = args.fail_fast;
    let tools = Tools { client, log, clock, stop, now };
    Sync { tools, config, output, state, forbidden, fail_fast, extent, sight, report }.run(&plan)
}

/// Of an old catalog: what it lacks, and how to get a new one.
fn told(news: &News) -> Option<String> {
    let mut parts = Vec::new();
    for (names, what) in [(&news.streams, "streams"), (&news.fields, "fields of selected streams")]
    {
        if !names.is_empty() {
            let (count, names) = (names.len(), cut::list(names.iter().map(String::as_str)));
            parts.push(format!("{count} {what} that this release has ({names})"));
        }
    }
    (!parts.is_empty()).then(|| {
        format!(
            "the catalog lacks {}; `tap-incident --discover` prints a new one, with Meltano add \
             --refresh-catalog",
            parts.join(", and ")
        )
    })
}

/// What the catalog selects, if there is one, and the patterns of `select`, if there are any.
fn selection(config: &Config, args: &Args, warnings: &mut Vec<String>) -> Result<Selection, Error> {
    let (source, patterns) = (config.source, Patterns::parse(&config.select));
    let incremental = Incremental::parse(source, &config.incremental, warnings)?;
    let catalog = match args.catalog.as_ref().or(args.properties.as_ref()) {
        Some(file) => read_json("catalog", file)?,
        None if patterns.is_empty() => return catalog::by_default(source, &incremental),
        None => {
            let concerned = source.streams.iter().filter(|stream| patterns.concern(stream));
            catalog::discover_with(concerned, schema::embedded)?
        }
    };
    let is_of_this_release = args.catalog.is_none() && args.properties.is_none();
    let catalog = if patterns.is_empty() { catalog } else { patterns.lay_on(source, catalog)? };
    let mut selection = catalog::selection(source, catalog, &incremental)?;
    if is_of_this_release {
        // It has the streams that are concerned, and no others.
        selection.news = News::default();
    }
    Ok(selection)
}

/// Serves the sample data of a source in this process.
fn sample(source: &Source) -> Result<Sample, Error> {
    let Some(serve) = source.sample else {
        let problem =
            "this build has no sample data for `--demo`; build it with the feature `demo`";
        return Err(Error::Arguments(problem.into()));
    };
    serve()
}
