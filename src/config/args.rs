//! What the user typed. What it means, together with files and environment, is decided in
//! [`crate::config`].

use std::ffi::OsString;
use std::path::PathBuf;

use clap::error::ErrorKind;
use clap::{Parser, ValueEnum};
use clap_complete::Shell;

use crate::base::error::Error;

/// The command line.
#[derive(Debug, Default, Parser)]
#[command(name = "tap-incident", version, about = crate::sources::ABOUT)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of the command line")]
pub struct Args {
    /// Settings as a JSON file; may be given several times, later files win. The environment is always
    /// read, and with `ENV` the file `.env` of this folder too
    #[arg(short, long, value_name = "FILE|ENV")]
    pub config: Vec<PathBuf>,
    /// What is read.
    #[arg(long, value_name = "NAME", help = crate::sources::CHOICE)]
    pub source: Option<String>,
    /// Which streams and fields to read, as `--discover` prints it; without it, and without --select: the
    /// streams that are selected by default, all their fields
    #[arg(long, value_name = "FILE", conflicts_with = "properties")]
    pub catalog: Option<PathBuf>,
    /// The older name of --catalog
    #[arg(short, long, value_name = "FILE")]
    pub properties: Option<PathBuf>,
    /// Which streams and fields to read, on top of the catalog if there is one: `incident*`,
    /// `users.email`, `!alerts`; separated by commas, or several times
    #[arg(long, value_name = "PATTERNS", allow_hyphen_values = true)]
    pub select: Vec<String>,
    /// Streams to read by what changed since the last run, of those that can be: `alerts`, `incident_*`, `*`;
    /// separated by commas, or several times. Where the catalog asks for a method, that counts
    #[arg(long, value_name = "PATTERNS", allow_hyphen_values = true)]
    pub incremental: Vec<String>,
    /// Where the last run got to: the last line that the target printed
    #[arg(short, long, value_name = "FILE")]
    pub state: Option<PathBuf>,
    /// Print what this tap is, what it can do and its settings, and end
    #[arg(long)]
    pub about: bool,
    /// With --about: in which form
    #[arg(long, value_name = "FORMAT", requires = "about", default_value = "text")]
    pub format: Form,
    /// Print the catalog of the source and end; touches no network and needs no key
    #[arg(short, long)]
    pub discover: bool,
    /// With --discover: from the API's current document, which may know newer fields; needs the
    /// network, but no key
    #[arg(long, requires = "discover")]
    pub live: bool,
    /// Read a record of every selected stream and say which may be read; `--test=schema` prints
    /// SCHEMA messages only and touches no network
    #[arg(long, value_name = "WHAT", num_args = 0..=1, require_equals = true,
        default_missing_value = "all")]
    pub test: Option<Test>,
    /// Read what changed at or after this time
    #[arg(long, value_name = "TIME")]
    pub start_date: Option<String>,
    /// Read what changed before this time
    #[arg(long, value_name = "TIME")]
    pub end_date: Option<String>,
    /// Read what changed between --start-date and --end-date again, whatever the bookmarks say, and
    /// leave those as they are; streams that the API cannot filter by time are left out
    #[arg(long)]
    pub backfill: bool,
    /// Read the built-in sample workspace of the source instead of its API; needs no key
    #[arg(long)]
    pub demo: bool,
    /// End at the first stream that fails; otherwise the others are read first
    #[arg(long)]
    pub fail_fast: bool,
    /// Write what came of each stream, and of the run, to this file as JSON: whole or not at all, also
    /// after a failure or a signal
    #[arg(long, value_name = "FILE")]
    pub summary_file: Option<PathBuf>,
    /// `text`, or `json` for one object a line
    #[arg(long, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// `debug`, `info`, `warning` or `error`
    #[arg(long, value_name = "LEVEL")]
    pub log_level: Option<String>,
    /// The same as --log-level debug
    #[arg(long)]
    pub debug: bool,
    /// Print what this shell needs to complete the command line, and end
    #[arg(long, value_name = "SHELL")]
    pub completions: Option<Shell>,
    /// Print the man page, and end
    #[arg(long)]
    pub man: bool,
}

/// What `--test` tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Test {
    /// SCHEMA messages only.
    Schema,
    /// A record of every selected stream.
    Records,
    /// Everything: the same as `records`.
    All,
}

/// In which form `--about` prints.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Form {
    /// For people.
    #[default]
    Text,
    /// For Meltano, with the keys of its SDK.
    Json,
    /// For documents.
    Markdown,
}

/// What the command line asks for.
#[derive(Debug)]
pub enum Command {
    /// A run.
    Run(Box<Args>),
    /// `--help` or `--version`: print this and end.
    Print(String),
}

/// Reads the command line.
///
/// # Errors
/// [`Error::Arguments`] where clap does not understand it.
pub fn parse(words: impl IntoIterator<Item = OsString>) -> Result<Command, Error> {
    match Args::try_parse_from(words) {
        Ok(args) => Ok(Command::Run(Box::new(args))),
        Err(error)
            if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) =>
        {
            Ok(Command::Print(error.render().to_string()))
        }
        // clap says what is wrong first; the usage below it would bury that.
        Err(error) => {
            let rendered = error.render().to_string();
            let problem = rendered.split("Usage:").next().unwrap_or(&rendered);
            let words = problem.trim_start_matches("error: ").split_whitespace();
            Err(Error::Arguments(words.collect::<Vec<_>>().join(" ")))
        }
    }
}
