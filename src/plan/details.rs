//! Streams whose lists lack fields: of each record the whole is asked for besides. Pure.

use serde_json::Value;

use super::{Asked, Emitted, Pass, Planned, Version};
use crate::bookmark::memory::Memory;
use crate::bookmark::position::Position;
use crate::bookmark::validity::Validity;
use crate::singer::catalog::Selected;
use crate::source::request::{Request, Series};
use crate::source::stream::Detail;
use crate::source::window::Window;

/// The detail requests of a stream, where a selected field is missing from its list.
pub(super) fn detail(selected: &Selected) -> Option<&'static Detail> {
    let detail = selected.stream.detail.as_ref()?;
    let properties = selected.schema.get("properties").and_then(Value::as_object)?;
    properties.keys().any(|name| !detail.in_list.contains(&name.as_str())).then_some(detail)
}

/// The details of a stream, one request for each record of its list.
pub(super) fn details(
    selected: Selected,
    detail: &'static Detail,
    version: Option<Version>,
) -> Planned {
    let first = Request::new(detail.path);
    Planned {
        stream: selected.stream,
        asked: Asked {
            shape: detail.shape,
            parents: detail.parents,
            parents_changed: None,
            filter: &[],
            series: vec![Series::of(first)],
            cut: None,
            whole: None,
        },
        emitted: Some(Emitted {
            version,
            selected,
            window: Window::default(),
            memory: Memory::default(),
            validity: Validity::default(),
            is_full: true,
        }),
        feeds: Vec::new(),
        position: Position::default(),
        upto: None,
        pass: Pass::First,
        notes: Vec::new(),
    }
}
