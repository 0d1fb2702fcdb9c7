//! The settings, checked: one [`Config`] for a run. Every problem is reported at once. Where the
//! values come from is told in [`mod@gather`].

pub mod args;
pub mod manual;
pub mod file;
mod values;
mod key;
pub mod settings;
pub mod gather;
pub mod about;
mod address;
mod dates;
mod filters;
mod way;

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use self::address::address;
use self::dates::dates;
use self::filters::filters;
pub use self::key::Secret;
use self::key::key;
use self::values::Values;
pub use self::way::Way;
use crate::base::cut;
use crate::base::error::Error;
use crate::base::log::{Format, Level};
use crate::base::retry::Retry;
use crate::base::time::format_time;
use crate::config::args::{Args, Test};
use crate::config::gather::{Environment, gather};
use crate::config::settings::{check, settings};
use crate::source::{Key, Sample, Source};

/// Everything a run is told, checked.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the user's")]
pub struct Config {
    /// What is read.
    pub source: &'static Source,
    /// Whether its sample data is read instead.
    pub is_demo: bool,
    /// Patterns of the streams and fields that are read, on top of the catalog.
    pub select: Vec<String>,
    /// Patterns of the streams that are read by what changed, where the catalog leaves that open.
    pub incremental: Vec<String>,
    /// Whether records of full tables have a version.
    pub has_versions: bool,
    /// The key of the API.
    pub api_key: Secret,
    /// How it is sent; none where no key is needed.
    pub key: Option<Key>,
    /// Scheme, host and what stands before the path of every stream, without a slash at the end.
    pub endpoint: String,
    /// How it is reached.
    pub way: Way,
    /// The values of the settings that the source's address has places for.
    pub places: Vec<(&'static str, String)>,
    /// Parameters for streams that take those of the config.
    pub filters: Vec<(String, String)>,
    /// What changed before it is not read, where there is no later bookmark.
    pub start_date: Option<DateTime<Utc>>,
    /// What changed at it or later is not read.
    pub end_date: Option<DateTime<Utc>>,
    /// Modes, for streams that are asked for by mode.
    pub modes: Vec<String>,
    /// Whether that is not all of them.
    pub leaves_modes_out: bool,
    /// How long before its bookmark an incremental stream is read again.
    pub lookback: TimeDelta,
    /// How long after its last change the children of a record are read again.
    pub child_lookback: TimeDelta,
    /// After how long an incremental stream is read in full again.
    pub full_scan: Option<TimeDelta>,
    /// How long a record that is not finished is waited for.
    pub unfinished: TimeDelta,
    /// Whether an incremental stream is read in full where fields were selected since its bookmark.
    pub rescan_on_new_fields: bool,
    /// How long an interrupted run can be gone on with.
    pub resume_max: TimeDelta,
    /// Whether only the streams with a filter over time are read, and bookmarks are left alone.
    pub is_backfill: bool,
    /// The window, for streams that are asked for one.
    pub window_days: WindowDays,
    /// How many requests are under way at a time.
    pub concurrency: usize,
    /// How many records a page has at most.
    pub page_size: u32,
    /// How many bytes of records may wait for the target.
    pub buffer: usize,
    /// How many bytes of a body are taken at most.
    pub max_body: usize,
    /// Longest wait for a connection.
    pub connect_timeout: Duration,
    /// Longest wait for the beginning of an answer.
    pub first_byte_timeout: Duration,
    /// Longest wait for an answer, its body included.
    pub request_timeout: Duration,
    /// How often and how long to repeat a request.
    pub retry: Retry,
    /// What part of the API's quota is left to others.
    pub rate_limit_reserve_percent: u8,
    /// How many requests the API takes of the key in a minute, where the user knows better than the source.
    pub requests_per_minute: Option<u32>,
    /// What the API's access log shows.
    pub user_agent: String,
    /// What to do with a stream the key may not read.
    pub forbidden_streams: Forbidden,
    /// Which events are logged.
    pub log_level: Level,
    /// What a log line looks like, where somebody says so.
    pub log_format: Option<Format>,
}

/// How far a window of time reaches from today's midnight.
#[derive(Debug, Clone, Copy)]
pub struct WindowDays {
    /// Days before it.
    pub back: u64,
    /// Days behind it.
    pub ahead: u64,
}

/// What to do with a stream the key may not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Forbidden {
    /// Leave it out, say so.
    Warn,
    /// Count it as a failure.
    Fail,
}

impl Config {
    /// Reads config files and environment, lays the flags over them and checks the result.
    /// Warnings, such as settings nobody knows, are added to `warnings`.
    ///
    /// # Errors
    /// [`Error::Config`] with every problem, [`Error::File`] for a file that is no JSON object.
    pub fn read(
        source: &'static Source,
        args: &Args,
        environment: &Environment,
        warnings: &mut Vec<String>,
    ) -> Result<Self, Error> {
        let (schema, values) = (settings(source), gather(source, args, environment, warnings)?);
        let mut problems = check(source, (&values, &schema), warnings);
        let values = Values { given: &values, schema: &schema };
        let is_demo = values.is_true("demo");
        let is_far = !(is_demo || args.test == Some(Test::Schema));
        let needs = Needs { key: is_far && !args.live, way: is_far.then_some(environment) };
        let config = Self::checked(source, &values, &needs, (&mut problems, warnings))
            .map(|config| Self { is_backfill: args.backfill, ..config });
        if let Some(Self { start_date: None, end_date: None, is_backfill: true, .. }) = &config {
            problems.push("`--backfill` needs `start_date` or `end_date`, or both".into());
        }
        if args.backfill && source.streams.iter().all(|stream| stream.times.is_none()) {
            problems.push(format!(
                "`--backfill` has nothing to read: {} has no filter over changes",
                source.title
            ));
        }
        match (problems.is_empty(), config) {
            (true, Some(config)) => Ok(config),
            _ => Err(Error::Config(problems)),
        }
    }

    /// What the schema cannot check.
    fn checked(
        source: &'static Source,
        values: &Values,
        needs: &Needs,
        (problems, warnings): (&mut Vec<String>, &mut Vec<String>),
    ) -> Option<Self> {
        let key =
            if needs.key { Some(key(source, values.given, (problems, warnings))) } else { None };
        let (endpoint, places) = address(source, values, needs.key, problems);
        let way = |environment| Way::to(&endpoint, values, environment, problems);
        let way = needs.way.map(way).unwrap_or_default();
        let (start_date, end_date) = dates(values.given, problems);
        Some(Self {
            source,
            is_demo: values.is_true("demo"),
            select: values.texts("select"),
            incremental: values.texts("incremental"),
            has_versions: values.is_true("emit_activate_version_messages"),
            endpoint,
            way,
            places,
            filters: filters(source, values, problems),
            key: key.as_ref().and_then(|key| Some(key.as_ref()?.0)),
            start_date,
            end_date,
            modes: source.settings.modes.map(|name| values.texts(name)).unwrap_or_default(),
            leaves_modes_out: source.settings.modes.is_some_and(|name| values.leaves_out(name)),
            lookback: values.length("lookback_seconds", 1).unwrap_or_default(),
            child_lookback: values.length("child_lookback_days", DAY).unwrap_or_default(),
            full_scan: values.length("full_scan_days", DAY),
            unfinished: values.days(source.settings.unfinished),
            resume_max: values.length("resume_max_hours", HOUR).unwrap_or_default(),
            rescan_on_new_fields: values.is_true("rescan_on_new_fields"),
            is_backfill: false,
            window_days: window_days(source, values),
            concurrency: values.small("concurrency", usize::MAX),
            page_size: values.small("page_size", u32::MAX),
            buffer: values.small("buffer_megabytes", usize::MAX >> 20) << 20,
            max_body: values.small("max_body_megabytes", usize::MAX >> 20) << 20,
            connect_timeout: values.seconds("connect_timeout"),
            first_byte_timeout: values.seconds("first_byte_timeout"),
            request_timeout: values.seconds("request_timeout"),
            retry: Retry {
                most: values.small("max_retries", u32::MAX),
                patience: values.seconds("max_retry_seconds"),
            },
            rate_limit_reserve_percent: values.small("rate_limit_reserve_percent", u8::MAX),
            requests_per_minute: values
                .get("requests_per_minute")
                .map(|_| values.small("requests_per_minute", u32::MAX)),
            user_agent: user_agent(values, problems),
            forbidden_streams: forbidden_streams(values),
            log_level: Level::parse(&values.text("log_level")).unwrap_or(Level::Info),
            log_format: log_format(values),
            api_key: key.map_or(Some(Secret::default()), |key| Some(key?.1))?,
        })
    }

    /// Whether the endpoint is on this computer, and so may be plain http.
    #[must_use]
    pub fn is_loopback(&self) -> bool {
        self.endpoint.starts_with("http://")
    }

    /// That nothing is to be read yet, where that is so: a warning for the log.
    #[must_use]
    pub fn start_ahead_of(&self, now: DateTime<Utc>) -> Option<String> {
        let start = format_time(self.start_date.filter(|start| *start > now)?);
        Some(format!(
            "`start_date` {start} is in the future: nothing is read of an incremental stream that has \
             no bookmark"
        ))
    }

    /// The same settings for sample data.
    #[must_use]
    pub fn for_sample(mut self, sample: &Sample) -> Self {
        self.endpoint.clone_from(&sample.endpoint);
        self.api_key = Secret::from(sample.key.clone());
        self.key = self.source.keys.first().copied();
        self.places.clone_from(&sample.places);
        self
    }
}

fn forbidden_streams(values: &Values) -> Forbidden {
    match values.text("forbidden_streams").as_str() {
        "fail" => Forbidden::Fail,
        _ => Forbidden::Warn,
    }
}

/// None where nobody says what a line looks like.
fn log_format(values: &Values) -> Option<Format> {
    values.given.get("log_format").map(|format| match format.as_str() {
        Some("json") => Format::Json,
        _ => Format::Text,
    })
}

/// What of the settings a run has a use for.
struct Needs<'a> {
    /// Whether it needs a key.
    key: bool,
    /// Where the way to the API is told; none where nothing is asked for.
    way: Option<&'a Environment>,
}

fn user_agent(values: &Values, problems: &mut Vec<String>) -> String {
    let name = values.text("user_agent");
    if !name.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        problems.push(format!("`user_agent` is {:?}, not plain text", cut::text(&name)));
    }
    name
}
const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// That a setting is missing, and where to set it.
fn missing(names: &str, first: &str) -> String {
    let variable = first.to_ascii_uppercase();
    format!("`{names}` is missing; set it in a config file or as TAP_INCIDENT_{variable}")
}

fn window_days(source: &Source, values: &Values) -> WindowDays {
    let (back, ahead) = source.settings.window.unzip();
    WindowDays {
        back: back.map(|name| values.number(name)).unwrap_or_default(),
        ahead: ahead.map(|name| values.number(name)).unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::parse_time;
    use crate::sources::incident_io::INCIDENT_IO;

    /// The config of these environment variables, without their prefix, and a key.
    fn config(variables: &[(&str, &str)]) -> Result<Config, Error> {
        let variables = variables.iter().chain(&[("API_KEY", "k")]);
        let environment = variables
            .map(|(name, value)| (format!("TAP_INCIDENT_{name}"), (*value).to_owned()))
            .collect();
        Config::read(&INCIDENT_IO, &Args::default(), &environment, &mut Vec::new())
    }

    #[test]
    fn zero_and_the_empty_string_mean_the_default() {
        let plain = config(&[]).unwrap();
        let set =
            config(&[("CONCURRENCY", "0"), ("REQUEST_TIMEOUT", ""), ("ENDPOINT", "")]).unwrap();
        assert_eq!(format!("{set:?}"), format!("{plain:?}"));
        assert_eq!(plain.retry, Retry { most: 8, patience: Duration::from_secs(900) });
        assert_eq!(config(&[("MAX_RETRIES", "0")]).unwrap().retry.most, 0);
    }

    #[test]
    fn a_whole_number_with_a_point_is_a_whole_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("config.json");
        std::fs::write(&path, r#"{"api_key": "k", "request_timeout": 30.0}"#).unwrap();
        let args = Args { config: vec![path], ..Args::default() };
        let config =
            Config::read(&INCIDENT_IO, &args, &Environment::new(), &mut Vec::new()).unwrap();
        assert_eq!(config.request_timeout, Duration::from_secs(30));
    }

    #[test]
    fn lists_come_with_commas_or_as_json() {
        for text in ["test, stream", r#"["test", "stream"]"#] {
            let modes = config(&[("INCIDENT_MODES", text)]).unwrap().modes;
            assert_eq!(modes, ["test", "stream"]);
        }
    }

    #[test]
    fn the_key_crosses_no_network_in_the_clear() {
        for good in [
            "https://api.incident.io/",
            "http://127.0.0.1:80",
            "http://[::1]:9",
            "http://localhost",
        ] {
            let config = config(&[("ENDPOINT", good)]).unwrap();
            assert_eq!(config.endpoint, good.trim_end_matches('/'));
        }
        for bad in [
            "http://api.incident.io",
            "http://127.0.0.1.evil.com",
            "http://127.0.0.1:80@evil.com",
            "http://localhost:80.evil.com",
            "https://",
            "https://a b",
            "https://host?x=1",
            "ftp://host",
            "api.incident.io",
        ] {
            assert!(config(&[("ENDPOINT", bad)]).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_date_is_its_midnight_in_utc() {
        let config = config(&[("START_DATE", "2026-01-31")]).unwrap();
        assert_eq!(config.start_date, parse_time("2026-01-31T00:00:00Z"));
    }

    #[test]
    fn a_secret_does_not_show_itself() {
        let config = config(&[]).unwrap();
        assert!(format!("{config:?}").contains("api_key: Secret,"));
    }
}
