//! Values that a filter takes beyond those of the API's document. A filter hides the rows of every value
//! that it does not name, so the API is asked for its values once a run, before the plan.

use std::sync::Arc;

use serde_json::Value;

use crate::api::client::Client;
use crate::base::error::Error;
use crate::base::event;
use crate::base::log::Log;
use crate::source::Source;
use crate::source::request::Request;
use crate::source::stream::{More, Shape, Stream};

/// What the lists of this run are asked for besides: stream, parameter and value.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Offer(Vec<(&'static str, &'static str, String)>);

/// Who asks.
struct Asking<'a> {
    client: &'a Arc<Client>,
    log: &'a Log,
    /// The modes of the config.
    modes: &'a [String],
}

/// How many values are tried: a field with more of them does not tell kinds of records apart.
const MOST_VALUES: usize = 20;
/// How many characters of a value are shown.
const SHOWN: usize = 60;

impl Offer {
    /// Asks for the values that these streams may have.
    #[must_use]
    pub fn ask(
        streams: &[&'static Stream],
        modes: &[String],
        client: &Arc<Client>,
        log: &Log,
    ) -> Self {
        let asking = Asking { client, log, modes };
        let mut offer = Self::default();
        for stream in streams {
            for (parameter, more) in stream.more {
                for value in asking.candidates(stream, parameter, *more) {
                    if asking.is_taken(stream, parameter, &value, *more) {
                        offer.0.push((stream.name, parameter, value));
                    }
                }
            }
        }
        offer
    }

    /// What a stream's list is asked for besides: parameters and values.
    pub fn of(&self, stream: &Stream) -> impl Iterator<Item = (&'static str, &str)> {
        self.0.iter().filter_map(move |(name, parameter, value)| {
            (*name == stream.name).then_some((*parameter, value.as_str()))
        })
    }
}

impl Asking<'_> {
    /// The values that the filter may take.
    fn candidates(&self, stream: &Stream, parameter: &str, more: More) -> Vec<String> {
        let (list, field) = match more {
            More::Mode(name) => {
                return self.modes.iter().filter(|mode| *mode == name).cloned().collect();
            }
            More::Seen(list, field) => (list, field),
        };
        let mut values = self.seen(stream.source, list, field).unwrap_or_else(|error| {
            let text = format!(
                "it is not known whether {parameter} has other values than those that are documented: \
                 {list}: {error}"
            );
            self.log.tell(&event::offer_skipped(stream.name, &text));
            Vec::new()
        });
        values.retain(|value| !stream.fixed.contains(&(parameter, value)));
        values.sort();
        values.dedup();
        values.truncate(MOST_VALUES);
        values
    }

    /// The values of a field in a list that is one answer.
    fn seen(&self, source: &Source, list: &str, field: &str) -> Result<Vec<String>, Error> {
        let Some(stream) = source.named(list) else { return Ok(Vec::new()) };
        let Shape::List(name) = stream.shape else { return Ok(Vec::new()) };
        let request = Request::new(stream.path);
        let (answer, body) = self.client.once(&request)?;
        let listed: Value =
            serde_json::from_slice(&body).map_err(|error| Error::Garbled(error.to_string()))?;
        self.client.keep(&request, answer, body);
        let records = listed.get(name).and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut values = Vec::new();
        for record in records {
            values.extend(record.get(field).and_then(Value::as_str).map(str::to_owned));
        }
        Ok(values)
    }

    /// Whether the filter takes a value. Where that cannot be told the value is not asked for: the next
    /// run tries again, and reads everything once where it is taken then.
    fn is_taken(&self, stream: &Stream, parameter: &str, value: &str, more: More) -> bool {
        let mut request = Request::new(stream.path);
        if let Some(size) = stream.source.paging.size() {
            request = request.pages_of(size, 1);
        }
        let answer = self.client.once(&request.with(parameter, value));
        let what = format!("{parameter} {:?}", value.chars().take(SHOWN).collect::<String>());
        let name = stream.name;
        match (&answer, more) {
            (Ok(_), More::Mode(_)) => {}
            (Ok(_), More::Seen(..)) => self.log.tell(&event::offer_taken(name, &what)),
            (Err(error), More::Mode(_)) => {
                let text = format!("is asked for without {what}: {error}");
                self.log.tell(&event::offer_skipped(name, &text));
            }
            (Err(error), More::Seen(..)) => {
                self.log.tell(&event::offer_refused(name, &what, error));
            }
        }
        answer.is_ok()
    }
}
