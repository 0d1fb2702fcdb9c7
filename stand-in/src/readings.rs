//! What the documents of an API leave open or contradict each other about: a test tries each reading.

/// How the APIs that are described in prose are read where their documents disagree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings {
    /// `SignalFx`: `includeResolved=true` gives all incidents and not only the resolved ones.
    pub true_is_all: bool,
    /// `SignalFx` gives incidents as `{"results": […]}`, Actian gives lists as `{"data": […]}`.
    pub is_wrapped: bool,
    /// `SignalFx`: the parameter `offset` is ignored in silence.
    pub ignores_offset: bool,
}
