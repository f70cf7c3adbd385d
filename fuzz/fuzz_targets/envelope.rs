//! Any bytes as an envelope: opening never panics, what opens can be sealed again, what is signed is unambiguous.
#![no_main]

use graylane_fuzz::envelope;
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|input: &[u8]| envelope::check(input));

fuzz_mutator!(|buffer: &mut [u8], size: usize, most: usize, seed: u32| {
    envelope::mutate(buffer, size, most, seed, fuzzer_mutate)
});
