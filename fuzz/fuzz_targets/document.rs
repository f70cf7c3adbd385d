//! Any bytes as documents: compiling never panics, what compiles decides, what does not is told within bounds.
#![no_main]

use graylane_fuzz::document;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: &[u8]| document::check(input));
