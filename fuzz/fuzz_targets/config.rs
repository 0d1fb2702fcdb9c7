#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| tap_incident_fuzz::targets::config::check(bytes));
