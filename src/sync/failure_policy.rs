//! What a failure means: for the parent that was asked for, for its stream, for the run. All of it is decided
//! here; whoever meets a failure says where, and does what comes back. Whether a request is worth repeating
//! is told before that, in [`crate::api::client`].

use crate::base::error::Error;
use crate::config::Forbidden;

/// Where a failure was met.
#[derive(Debug, Clone, Copy)]
pub enum Circumstances {
    /// A page of a list.
    Page {
        /// Whether nothing of the list came before, so that no cursor was sent.
        is_first: bool,
        /// Whether the list is read from its start for the second time already.
        is_second_reading: bool,
    },
    /// What belongs to one parent.
    Parent {
        /// Whether nothing came of this parent before.
        is_first: bool,
        /// What came of the stream so far.
        so_far: SoFar,
    },
    /// A whole stream.
    Stream {
        /// Whether anything came of it.
        has_answered: bool,
        /// What the config wants of streams that the key may not read.
        forbidden: Forbidden,
    },
}

/// What came of a stream that is asked for each parent before it failed for this one.
#[derive(Debug, Clone, Copy, Default)]
pub struct SoFar {
    /// Answers.
    pub answers: u64,
    /// Parents that were read.
    pub parents: u64,
    /// Parents that were gone.
    pub gone: u64,
    /// Parents of which the key may not read it.
    pub refused: u64,
    /// Parents that are left for the next run.
    pub set_aside: usize,
    /// Those of them since the last answer.
    pub set_aside_in_a_row: usize,
}

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The list is read from its start once more.
    ReadAgain,
    /// The parent is gone. It is counted, and the next one is asked for.
    ParentGone,
    /// The key may not read it of this parent. It is counted, and the next one is asked for.
    ParentRefused,
    /// The parent is left for the next run, and the next one is asked for.
    ParentSetAside,
    /// The key may not read the stream. It is named in the last line, and the run succeeds.
    StreamRefused,
    /// The stream has failed. The others are read all the same.
    StreamFailed,
    /// Nothing more can be read or written.
    RunEnded,
}

/// When so many parents are gone and none was read, it is the address that is wrong; and so many are needed
/// for a tenth of all of them to be too many.
const MOST_GONE: u64 = 10;
/// One parent that cannot be read does not keep the others from being read. So many, or so many in a row,
/// mean that the API cannot be read: each of them takes all the patience that there is.
const MOST_SET_ASIDE: usize = 10;
const MOST_IN_A_ROW: usize = 3;

/// What a failure means.
#[must_use]
pub fn verdict(error: &Error, circumstances: Circumstances) -> Verdict {
    if ends_the_run(error) {
        return Verdict::RunEnded;
    }
    match circumstances {
        // The API has forgotten the cursor.
        Circumstances::Page { is_first: false, is_second_reading: false }
            if is_lost_cursor(error) =>
        {
            Verdict::ReadAgain
        }
        Circumstances::Parent { is_first, so_far } => of_parent(error, is_first, so_far),
        Circumstances::Stream { has_answered: false, forbidden: Forbidden::Warn }
            if matches!(error, Error::Forbidden { .. }) =>
        {
            Verdict::StreamRefused
        }
        Circumstances::Page { .. } | Circumstances::Stream { .. } => Verdict::StreamFailed,
    }
}

fn of_parent(error: &Error, is_first: bool, so_far: SoFar) -> Verdict {
    let SoFar { answers, parents, gone, refused, set_aside, set_aside_in_a_row } = so_far;
    match error {
        Error::Unreachable { .. } | Error::Unavailable { .. }
            if set_aside < MOST_SET_ASIDE && set_aside_in_a_row + 1 < MOST_IN_A_ROW =>
        {
            Verdict::ParentSetAside
        }
        Error::NotFound { is_gone: true, .. } if is_first => {
            let is_wrong_address = parents + refused == 0 && gone + 1 >= MOST_GONE;
            if is_wrong_address { Verdict::StreamFailed } else { Verdict::ParentGone }
        }
        // Where the very first request is refused, all of them would be.
        Error::Forbidden { .. } if is_first && answers + parents + gone + refused > 0 => {
            Verdict::ParentRefused
        }
        _ => Verdict::StreamFailed,
    }
}

/// Whether more parents are gone than people delete while one reads.
#[must_use]
pub fn are_too_many_gone(gone: u64, all: u64) -> bool {
    gone >= MOST_GONE && gone * 10 > all
}

fn is_lost_cursor(error: &Error) -> bool {
    match error {
        Error::NotFound { .. } => true,
        Error::Rejected { api, .. } => api.status == 422,
        _ => false,
    }
}

/// Whether no other stream can do better, wherever the failure was met.
#[must_use]
pub fn ends_the_run(error: &Error) -> bool {
    match error {
        Error::Config(_)
        | Error::Unauthorized(_)
        | Error::Untrusted { .. }
        | Error::OutputClosed
        | Error::Output(_)
        | Error::Stopped { .. }
        | Error::NoThread(_)
        | Error::Bug(_) => true,
        Error::InStream { error, .. } | Error::Parents { error, .. } => ends_the_run(error),
        // Each is named, so that whoever adds an error decides.
        Error::Arguments(_)
        | Error::File { .. }
        | Error::Selection(_)
        | Error::Forbidden { .. }
        | Error::NothingPermitted(_)
        | Error::NotFound { .. }
        | Error::Rejected { .. }
        | Error::Contract(_)
        | Error::Garbled(_)
        | Error::Short { .. }
        | Error::Unsettled { .. }
        | Error::TooManyGone { .. }
        | Error::RepeatedCursor(_)
        | Error::Unreachable { .. }
        | Error::Unavailable { .. }
        | Error::StreamsFailed { .. } => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::error::ApiMessage;

    fn api(status: u16, code: &str) -> ApiMessage {
        ApiMessage { status, code: Some(code.to_owned()), ..ApiMessage::default() }
    }

    fn forbidden() -> Error {
        Error::Forbidden { scope: None, api: api(403, "missing_scope") }
    }

    fn gone() -> Error {
        Error::NotFound {
            is_gone: true,
            target: String::new(),
            api: api(404, "resource_not_found"),
        }
    }

    fn no_such_path() -> Error {
        Error::NotFound { is_gone: false, target: String::new(), api: api(404, "not_found") }
    }

    fn rejected(status: u16) -> Error {
        Error::Rejected { target: String::new(), api: api(status, "validation_error") }
    }

    fn unavailable() -> Error {
        Error::Unavailable { attempts: 9, api: api(503, "unavailable"), retry_after: None }
    }

    fn stopped() -> Error {
        Error::Stopped { signal: "SIGTERM", code: 143 }
    }

    fn page(is_first: bool, is_second_reading: bool) -> Circumstances {
        Circumstances::Page { is_first, is_second_reading }
    }

    fn first_of_parent(so_far: SoFar) -> Circumstances {
        Circumstances::Parent { is_first: true, so_far }
    }

    fn later_of_parent(so_far: SoFar) -> Circumstances {
        Circumstances::Parent { is_first: false, so_far }
    }

    fn stream(has_answered: bool, forbidden: Forbidden) -> Circumstances {
        Circumstances::Stream { has_answered, forbidden }
    }

    #[test]
    #[expect(clippy::too_many_lines, reason = "it is a table")]
    fn what_each_failure_means_in_each_place() {
        use Verdict::{
            ParentGone, ParentRefused, ParentSetAside, ReadAgain, RunEnded, StreamFailed,
            StreamRefused,
        };
        let none = SoFar::default();
        let gone_now = |gone| SoFar { gone, ..none };
        let refused_now = |refused| SoFar { refused, ..none };
        let aside_now =
            |set_aside, set_aside_in_a_row| SoFar { set_aside, set_aside_in_a_row, ..none };
        let some = SoFar { answers: 7, parents: 5, ..none };
        let cases = [
            // The key, or the output, is no good for anything.
            (Error::Unauthorized(api(401, "invalid")), page(true, false), RunEnded),
            (Error::Unauthorized(api(401, "invalid")), first_of_parent(none), RunEnded),
            (Error::OutputClosed, stream(true, Forbidden::Warn), RunEnded),
            (Error::Bug("?".into()), stream(true, Forbidden::Warn), RunEnded),
            (stopped(), first_of_parent(none), RunEnded),
            (Error::Output("disk full".into()), page(true, false), RunEnded),
            // A cursor that is refused: the list is read once more, and only once.
            (no_such_path(), page(false, false), ReadAgain),
            (rejected(422), page(false, false), ReadAgain),
            (rejected(422), page(true, false), StreamFailed),
            (rejected(422), page(false, true), StreamFailed),
            (rejected(400), page(false, false), StreamFailed),
            (forbidden(), page(false, false), StreamFailed),
            // A parent that is gone is counted, unless all are.
            (gone(), first_of_parent(none), ParentGone),
            (gone(), first_of_parent(gone_now(8)), ParentGone),
            (gone(), first_of_parent(gone_now(9)), StreamFailed),
            (gone(), first_of_parent(SoFar { gone: 500, ..some }), ParentGone),
            (gone(), later_of_parent(gone_now(1)), StreamFailed),
            (no_such_path(), first_of_parent(some), StreamFailed),
            // A parent of which the key may not read it is counted, unless it is the first.
            (forbidden(), first_of_parent(none), StreamFailed),
            (forbidden(), first_of_parent(gone_now(1)), ParentRefused),
            (forbidden(), first_of_parent(refused_now(1)), ParentRefused),
            (forbidden(), first_of_parent(some), ParentRefused),
            (forbidden(), later_of_parent(some), StreamFailed),
            // A parent that cannot be read now is left for the next run, unless it is one of many.
            (unavailable(), first_of_parent(none), ParentSetAside),
            (unavailable(), later_of_parent(none), ParentSetAside),
            (unavailable(), first_of_parent(aside_now(9, 1)), ParentSetAside),
            (unavailable(), first_of_parent(aside_now(2, 2)), StreamFailed),
            (unavailable(), first_of_parent(aside_now(10, 0)), StreamFailed),
            (unavailable(), page(true, false), StreamFailed),
            // A stream that the key may not read is skipped, unless the config wants otherwise or
            // something of it came.
            (forbidden(), stream(false, Forbidden::Warn), StreamRefused),
            (forbidden(), stream(false, Forbidden::Fail), StreamFailed),
            (forbidden(), stream(true, Forbidden::Warn), StreamFailed),
            (no_such_path(), stream(false, Forbidden::Warn), StreamFailed),
            (Error::Contract("?".into()), stream(false, Forbidden::Warn), StreamFailed),
            (Error::Contract("?".into()), first_of_parent(some), StreamFailed),
        ];
        for (error, circumstances, expected) in cases {
            let came = verdict(&error, circumstances);
            assert_eq!(came, expected, "{error:?} at {circumstances:?}");
        }
    }

    #[test]
    fn more_than_a_tenth_of_all_parents_are_not_deleted_while_one_reads() {
        assert!(!are_too_many_gone(9, 9));
        assert!(!are_too_many_gone(10, 100));
        assert!(are_too_many_gone(10, 99));
    }
}
