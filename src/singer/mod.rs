//! What Singer defines: the catalog, the choice of streams and fields, the state, and the messages.

mod pattern;
pub mod method;
pub mod catalog;
pub mod select;
pub mod state;
pub mod message;
