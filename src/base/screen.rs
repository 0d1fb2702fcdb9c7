//! A terminal at which somebody watches the run: a line for the run and one for each list under way, and
//! above them whatever the log says. What the lines say is decided by whoever knows it.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Who reads what a run says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// A file, or another program.
    Program,
    /// A person, at a terminal that shows the messages, too.
    Terminal,
    /// A person, at a terminal that is free of messages: lines may be drawn there again and again.
    FreeTerminal,
}

/// The lines at the bottom of a terminal.
pub struct Screen {
    lines: MultiProgress,
    /// The line of the run, and those of its lists.
    shown: Mutex<Vec<ProgressBar>>,
}

impl Screen {
    /// One on stderr.
    #[must_use]
    pub fn on_stderr() -> Self {
        let lines = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        Self { lines, shown: Mutex::default() }
    }

    /// Writes a line above the others, which stays.
    pub fn say(&self, out: &mut dyn Write, line: &str) {
        self.lines.suspend(|| {
            // Where stderr itself is gone there is nowhere left to say so.
            let _ = out.write_all(line.as_bytes());
        });
    }

    /// Shows these lines in the place of those before.
    pub fn show(&self, lines: &[String]) {
        let mut shown = self.shown.lock().unwrap_or_else(PoisonError::into_inner);
        while shown.len() > lines.len() {
            if let Some(line) = shown.pop() {
                line.finish_and_clear();
                self.lines.remove(&line);
            }
        }
        while shown.len() < lines.len() {
            let line = self.lines.add(ProgressBar::no_length());
            if let Ok(style) = ProgressStyle::with_template("{wide_msg}") {
                line.set_style(style);
            }
            shown.push(line);
        }
        for (line, text) in shown.iter().zip(lines) {
            line.set_message(text.clone());
        }
    }
}
