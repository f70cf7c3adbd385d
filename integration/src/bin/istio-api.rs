//! Writes the descriptors of Envoy's API, which `graylane istio lint` knows it by, out of Envoy: `make istio-api`.

use std::io::Write as _;

use graylane_integration::{descriptors, envoy_binary, root};

fn main() {
    let set = descriptors::extract(&std::fs::read(envoy_binary()).expect("Envoy's binary"));
    let path = root().join("istio/src/envoy-1.40.binpb.gz");
    let mut file = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    file.write_all(&set).expect("it is in memory");
    std::fs::write(&path, file.finish().expect("it is in memory")).expect("the descriptors");
    println!("{}: {} bytes of descriptors", path.display(), set.len());
}
