//! What one run leaves for the next: how far each stream was read, what that is true for, and the records
//! at its end that were written already.

pub mod cap;
pub mod memory;
pub mod moved;
pub mod validity;
pub mod position;
