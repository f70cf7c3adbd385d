//! Any script on an Envoy in memory: no panic, and every promise holds after every event.
#![no_main]

use graylane_fuzz::filter;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| filter::check(input));

fuzz_mutator!(|buffer: &mut [u8], size: usize, most: usize, seed: u32| {
    filter::mutate(buffer, size, most, seed, fuzzer_mutate)
});
