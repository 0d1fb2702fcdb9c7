//! Answers that came before anything was read, each for the first one who asks the same.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Answer;
use crate::source::request::Request;

/// Requests as they were sent, with what came.
#[derive(Debug, Default)]
pub(super) struct Kept(Mutex<Vec<(String, Answer, Vec<u8>)>>);

impl Kept {
    pub(super) fn keep(&self, request: &Request, answer: Answer, body: Vec<u8>) {
        self.lock().push((request.to_string(), answer, body));
    }

    /// The answer to a request, where it was kept; its body is added to `body`.
    pub(super) fn take(&self, request: &Request, body: &mut Vec<u8>) -> Option<Answer> {
        let mut kept = self.lock();
        // Mostly there is none, and nothing to be compared with.
        let target = (!kept.is_empty()).then(|| request.to_string())?;
        let place = kept.iter().position(|(known, ..)| *known == target)?;
        let (_, answer, text) = kept.swap_remove(place);
        body.extend(text);
        Some(answer)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<(String, Answer, Vec<u8>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
