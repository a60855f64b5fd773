//! Hands the fuzzer's input to the target's body.

#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| wire_fuzz::websocket::run(data));
