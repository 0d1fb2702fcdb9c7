//! Sample data of a source, served by its stand-in in this process.

use stand_in::{Api, DEFAULT_KEY, NOW, Options, StandIn, Workspace};

use crate::base::error::Error;
use crate::source::Sample;

/// Serves a workspace; streams lie under `base`, whose settings have these values.
pub(super) fn serve(
    api: Api,
    workspace: Result<Workspace, String>,
    options: Options,
    base: &str,
    places: Vec<(&'static str, String)>,
) -> Result<Sample, Error> {
    let workspace = workspace.map_err(Error::Bug)?;
    let server = StandIn::serving(api, workspace, options)
        .map_err(|error| Error::Bug(format!("the sample workspace cannot be served: {error}")))?;
    Ok(Sample {
        endpoint: server.url() + base,
        places,
        key: DEFAULT_KEY.to_owned(),
        now: NOW,
        server: Box::new(server),
    })
}
