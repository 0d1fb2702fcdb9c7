//! Behaviour of the stand-in: pure answers over small data, and the wire over a real socket.

mod children;
mod filtered;
mod hiding;
mod history;
mod lists;
mod support;
mod wire;
