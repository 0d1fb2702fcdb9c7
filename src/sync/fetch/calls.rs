//! Whom to wake when something has changed, so that nobody is woken in vain for each request. Pure: it knows who
//! waits, and neither waits nor wakes.

/// Who waits for what, and whether there is news for them.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// Workers that wait until there is something to send.
    idle: usize,
    /// One of them was called and has not looked yet.
    is_called: bool,
    /// There may be something to send that no worker has looked for.
    is_news: bool,
    /// Whether the writer waits for what is to be written next.
    pub(super) is_writer_waiting: bool,
}

impl Calls {
    /// There may be something to send.
    pub(super) fn note(&mut self) {
        self.is_news = true;
    }

    /// A worker looks what there is to send.
    pub(super) fn look(&mut self) {
        self.is_called = false;
    }

    /// It has found nothing that may be sent now. Where as many requests are under way as may be it has not
    /// looked: whoever ends one of them will.
    pub(super) fn found_nothing(&mut self, is_full: bool) {
        self.is_news &= is_full;
    }

    /// A worker goes to wait, and comes back.
    pub(super) fn rest(&mut self) {
        self.idle += 1;
    }

    /// See [`Calls::rest`].
    pub(super) fn rise(&mut self) {
        self.idle -= 1;
    }

    /// Whether an idle worker has to be called now. One is enough: where it finds something to send it calls
    /// the next.
    pub(super) fn calls(&mut self, is_full: bool) -> bool {
        let is_due = self.is_news && !self.is_called && !is_full && self.idle > 0;
        self.is_called |= is_due;
        is_due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_call_one_worker_and_it_calls_the_next_one() {
        let mut calls = Calls::default();
        calls.note();
        assert!(!calls.calls(false), "nobody is idle");
        calls.rest();
        calls.rest();
        assert!(calls.calls(false));
        calls.note();
        assert!(!calls.calls(false), "one is on its way");
        calls.rise();
        calls.look();
        assert!(calls.calls(false), "it found something, and there may be more");
        calls.rise();
        calls.look();
        calls.found_nothing(false);
        calls.rest();
        assert!(!calls.calls(false), "all was looked at");
    }

    #[test]
    fn where_all_are_busy_nobody_is_called_and_the_news_stay() {
        let mut calls = Calls::default();
        calls.note();
        calls.rest();
        assert!(!calls.calls(true));
        calls.look();
        calls.found_nothing(true);
        assert!(calls.calls(false));
    }
}
