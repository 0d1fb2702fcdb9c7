//! What the operating system gives a process and takes from it: signals, and a stdout that never holds a
//! part of a line.

#[cfg(target_os = "linux")]
pub mod pipe;
pub mod stdout;
pub mod watch;
