//! Any bytes as a snapshot: loading never panics, and whatever loads decides, explains and ends.
#![no_main]

use graylane_fuzz::snapshot;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| snapshot::check(input));

fuzz_mutator!(|buffer: &mut [u8], size: usize, most: usize, seed: u32| {
    snapshot::mutate(buffer, size, most, seed, fuzzer_mutate)
});
