//! Behaviour of the stand-in: pure answers over small data, and the wire over a real socket.

mod actian;
mod actian_alerts;
mod children;
mod faulty;
mod filtered;
mod hiding;
mod history;
mod lists;
mod organisation;
mod prose;
mod samples;
mod signalfx;
mod support;
mod unrest;
mod wire;
