//! What a source and its streams can say, as plain values: rows of tables, requests, windows of time,
//! schemas, and the API's document that schemas are derived from.

pub mod stream;
pub mod request;
pub mod slice;
pub mod window;
pub mod schema;
pub mod openapi;
