//! Serves the sample workspace until stdin ends: its only output line is the address. Made for measuring
//! the tap against a slow, large or faulty API.

use std::error::Error;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use chrono::{DateTime, TimeDelta, Utc};
use clap::Parser;
use serde_json::Value;
use stand_in::{
    Action, Api, Changed, DEFAULT_KEY, Fault, Limits, NOW, OnRequest, Options, Organisation,
    SAMPLE_MONTHS, StandIn, Workspace, standing_at,
};
use tap_incident::source::openapi::Openapi;
use tap_incident::sources::incident_io::INCIDENT_IO;

#[derive(Parser)]
struct Arguments {
    /// Whose API is imitated
    #[arg(long, default_value = "incident_io", value_parser = ["incident_io", "signalfx", "actian"])]
    source: String,
    /// The port on 127.0.0.1; 0 takes a free one
    #[arg(long, default_value_t = 0)]
    port: u16,
    /// The only key that is let in
    #[arg(long, default_value = DEFAULT_KEY)]
    key: String,
    /// How many months of history there are
    #[arg(long, default_value_t = SAMPLE_MONTHS)]
    months: usize,
    /// Another length of one history, such as /v2/alerts=200000
    #[arg(long, value_parser = rows)]
    rows: Vec<(String, usize)>,
    /// An organisation of so many incidents in place of the sample, made evenly over three years:
    /// with 20000 it has 300,000 alerts and 200,000 workflow runs
    #[arg(long, value_name = "INCIDENTS", conflicts_with_all = ["months", "rows"])]
    organisation: Option<usize>,
    /// Up to when rows of the organisation were made, such as 2026-11-19T00:00:00Z; else a day
    /// before what the clock shows
    #[arg(long, value_name = "TIME", requires = "organisation")]
    until: Option<DateTime<Utc>>,
    /// How much of the organisation has changed in the last hour, otherwise it is the same: 0.3
    /// for three of a thousand rows
    #[arg(long, value_name = "PERCENT", requires = "organisation")]
    changed: Option<f64>,
    /// What the clock shows
    #[arg(long, value_name = "TIME", default_value_t = NOW)]
    now: DateTime<Utc>,
    /// How long each answer takes
    #[arg(long, default_value_t = 0)]
    latency_ms: u64,
    /// Send no compressed answers
    #[arg(long)]
    no_gzip: bool,
    /// Refuse more requests a minute than these, for the key and for incidents, such as 1200,60
    #[arg(long, value_parser = limits)]
    limits: Option<Limits>,
    /// A beginning of paths that the key may not read
    #[arg(long)]
    forbid: Vec<String>,
    /// At most so many rows a page
    #[arg(long)]
    page_cap: Option<usize>,
    /// PATH:ACTION[,skip=N][,times=N]; actions are status=N, retry-after=S, html=N, body=TEXT, delay-ms=N,
    /// cut-body, close, same-cursor, empty-page, no-date
    #[arg(long, value_parser = fault)]
    fault: Vec<Fault>,
    /// Where to write, at the end, when each request came: seconds since 1970, status, path
    /// and query
    #[arg(long)]
    log: Option<PathBuf>,
}

/// When each request came.
type Moments = Arc<Mutex<Vec<SystemTime>>>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse();
    let (api, mut workspace) = match arguments.source.as_str() {
        "signalfx" => (Api::SignalFx, Workspace::signalfx()?),
        "actian" => (Api::Actian, Workspace::actian()?),
        _ => {
            let document = Openapi::embedded(&INCIDENT_IO)?;
            (Api::OpenApi(document.as_value().clone()), workspace(&arguments)?)
        }
    };
    for (path, rows) in &arguments.rows {
        if arguments.source == "incident_io" {
            workspace.resize(path, *rows);
        } else {
            workspace.edit(path, |known| grow(known, *rows));
        }
    }
    let moments = Moments::default();
    let options = Options {
        on_request: arguments.log.as_ref().map(|_| noting(&moments)),
        port: arguments.port,
        key: arguments.key,
        latency: Duration::from_millis(arguments.latency_ms),
        gzip: !arguments.no_gzip,
        limits: arguments.limits,
        forbidden: arguments.forbid,
        page_cap: arguments.page_cap,
        clock: standing_at(arguments.now),
        ..Options::default()
    };
    let stand_in = StandIn::serving(api, workspace, options)?;
    for fault in arguments.fault {
        stand_in.fault(fault);
    }
    announce(&stand_in.url())?;
    io::stdin().read_to_end(&mut Vec::new())?;
    arguments.log.map_or(Ok(()), |path| Ok(log(&path, &stand_in, &moments)?))
}

/// The sample of incident.io, or an organisation.
fn workspace(arguments: &Arguments) -> Result<Workspace, String> {
    let Some(incidents) = arguments.organisation else {
        return Workspace::with_months(arguments.months);
    };
    let until = arguments.until.unwrap_or(arguments.now - TimeDelta::days(1));
    let changed = arguments.changed.map(|percent| Changed { percent, at: arguments.now });
    Workspace::organisation(&Organisation { incidents, until, changed })
}

/// Repeats rows under other ids until there are so many.
fn grow(rows: &mut Vec<Value>, wanted: usize) {
    for number in 0..wanted.saturating_sub(rows.len()) {
        let mut row = rows.get(number).cloned().unwrap_or_default();
        for (name, id) in row.as_object_mut().into_iter().flatten() {
            match id {
                Value::String(text) if name == "id" || name == "incidentId" => {
                    *text = format!("{text}-{number}");
                }
                Value::Number(_) if name == "id" => *id = Value::from(number + 1_000_000),
                _ => {}
            }
        }
        rows.push(row);
    }
    rows.truncate(wanted);
}

/// Notes when requests come; only on demand, since readers of the data wait for it.
fn noting(moments: &Moments) -> OnRequest {
    let moments = Arc::clone(moments);
    Box::new(move |_, _| {
        moments.lock().unwrap_or_else(PoisonError::into_inner).push(SystemTime::now());
    })
}

fn log(path: &Path, stand_in: &StandIn, moments: &Moments) -> io::Result<()> {
    let moments = moments.lock().unwrap_or_else(PoisonError::into_inner);
    let mut file = io::BufWriter::new(File::create(path)?);
    for (moment, seen) in moments.iter().zip(stand_in.requests()) {
        let since_1970 = moment.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        writeln!(file, "{:.4} {} {}", since_1970.as_secs_f64(), seen.status, seen.target)?;
    }
    file.flush()
}

fn limits(text: &str) -> Result<Limits, String> {
    let numbers = text.split_once(',').and_then(|(per_key, incidents)| {
        Some(Limits { per_key: per_key.parse().ok()?, incidents: incidents.parse().ok()? })
    });
    numbers.ok_or_else(|| format!("{text:?} is not two numbers such as 1200,60"))
}

#[expect(clippy::disallowed_methods, reason = "the address is what this program is started for")]
fn announce(url: &str) -> io::Result<()> {
    let mut stdout = io::stdout();
    writeln!(stdout, "{url}")?;
    stdout.flush()
}

fn rows(text: &str) -> Result<(String, usize), String> {
    let (path, rows) = text.split_once('=').ok_or("it must be PATH=ROWS")?;
    Ok((path.to_owned(), rows.parse().map_err(|_| "it must be PATH=ROWS")?))
}

fn fault(text: &str) -> Result<Fault, String> {
    let (path, rest) = text.split_once(':').ok_or("it must be PATH:ACTION")?;
    let mut parts = rest.split(',');
    let action = action(parts.next().unwrap_or_default())?;
    let mut fault = Fault::always(path, action);
    for part in parts {
        match part.split_once('=') {
            Some(("skip", count)) => fault.skip = number(count)?,
            Some(("times", count)) => fault.times = number(count)?,
            _ => return Err(format!("`{part}` is neither skip=N nor times=N")),
        }
    }
    Ok(fault)
}

fn action(text: &str) -> Result<Action, String> {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    Ok(match name {
        "status" => Action::Status(number(value)?),
        "retry-after" => Action::RetryAfter { seconds: number(value)? },
        "html" => Action::Html(number(value)?),
        "body" => Action::Body(value.to_owned()),
        "delay-ms" => Action::Delay(Duration::from_millis(number(value)?)),
        "cut-body" => Action::CutBody,
        "close" => Action::CloseBeforeAnswer,
        "same-cursor" => Action::SameCursor,
        "empty-page" => Action::EmptyPage,
        "no-date" => Action::NoDate,
        _ => return Err(format!("`{name}` is not an action")),
    })
}

fn number<T: std::str::FromStr>(text: &str) -> Result<T, String> {
    text.parse().map_err(|_| format!("`{text}` is not a number"))
}
