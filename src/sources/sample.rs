//! Sample data of each source, served by its stand-in in this process. A build without the feature `demo` has
//! none.

use stand_in::{
    ACTIAN_TENANT, Api, DEFAULT_KEY, NOW, Options, StandIn, Workspace, signalfx_unrest,
};

use super::incident_io::INCIDENT_IO;
use crate::base::error::Error;
use crate::source::Sample;
use crate::source::openapi::Openapi;
use crate::source::request::segment;

pub(super) fn incident_io() -> Result<Sample, Error> {
    let document = Openapi::embedded(&INCIDENT_IO)?;
    let api = Api::OpenApi(document.as_value().clone());
    serve(api, Workspace::sample(), Options::default())
}

pub(super) fn signalfx() -> Result<Sample, Error> {
    // It changes while it is read.
    let options = Options { on_request: Some(signalfx_unrest()), ..Options::default() };
    let sample = serve(Api::SignalFx, Workspace::signalfx(), options)?;
    Ok(Sample { endpoint: sample.endpoint + "/v2", ..sample })
}

pub(super) fn actian() -> Result<Sample, Error> {
    let sample = serve(Api::Actian, Workspace::actian(), Options::default())?;
    let endpoint = format!("{}/api/backend/{}", sample.endpoint, segment(ACTIAN_TENANT));
    Ok(Sample { endpoint, places: vec![("tenant", ACTIAN_TENANT.to_owned())], ..sample })
}

fn serve(
    api: Api,
    workspace: Result<Workspace, String>,
    options: Options,
) -> Result<Sample, Error> {
    let workspace = workspace.map_err(Error::Bug)?;
    let server = StandIn::serving(api, workspace, options)
        .map_err(|error| Error::Bug(format!("the sample workspace cannot be served: {error}")))?;
    Ok(Sample {
        endpoint: server.url(),
        places: Vec::new(),
        key: DEFAULT_KEY.to_owned(),
        now: NOW,
        server: Box::new(server),
    })
}
