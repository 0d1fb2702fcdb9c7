//! The sample workspace behind `--demo`. A build without the feature `demo` has none.

use crate::base::clock::StandingClock;
use crate::base::error::Error;
use crate::config::Config;

/// The sample workspace, served in this process until this is dropped.
pub struct Demo {
    #[cfg(feature = "demo")]
    stand_in: stand_in::StandIn,
    #[cfg(not(feature = "demo"))]
    never: std::convert::Infallible,
}

#[cfg(feature = "demo")]
impl Demo {
    /// Starts to serve it.
    ///
    /// # Errors
    /// [`Error::Bug`] where that is not possible.
    pub fn start() -> Result<Self, Error> {
        let workspace = stand_in::Workspace::sample().map_err(Error::Bug)?;
        let document = crate::source::openapi::Document::checked_in()?;
        let options = stand_in::Options::default();
        let stand_in =
            stand_in::StandIn::start(document.as_value(), workspace, options).map_err(|error| {
                Error::Bug(format!("the sample workspace cannot be served: {error}"))
            })?;
        Ok(Self { stand_in })
    }

    /// The config of a run that reads it.
    #[must_use]
    pub fn config(&self, config: Config) -> Config {
        config.at(self.stand_in.url(), stand_in::DEFAULT_KEY)
    }

    /// A clock with which the output is the same every day.
    #[must_use]
    pub fn clock(&self) -> StandingClock {
        StandingClock::at(stand_in::NOW)
    }
}

#[cfg(not(feature = "demo"))]
impl Demo {
    /// Says that there is none.
    ///
    /// # Errors
    /// [`Error::Arguments`], always.
    pub fn start() -> Result<Self, Error> {
        let problem =
            "this build has no sample workspace for `--demo`; build it with the feature `demo`";
        Err(Error::Arguments(problem.into()))
    }

    /// Is never called.
    #[must_use]
    pub fn config(&self, _: Config) -> Config {
        match self.never {}
    }

    /// Is never called.
    #[must_use]
    pub fn clock(&self) -> StandingClock {
        match self.never {}
    }
}
