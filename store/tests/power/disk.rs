//! A disk that loses power: what was not synced is there or not, sector by sector, in whatever order.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex},
};

use fastrand::Rng;
use redb::StorageBackend;

/// What a disk writes whole or not at all.
const SECTOR: usize = 512;

/// A disk; its clones are the same one.
#[derive(Clone, Debug)]
pub struct Disk(Arc<Mutex<Platter>>);

#[derive(Debug)]
struct Platter {
    /// What is read.
    bytes: Vec<u8>,
    /// What survives for certain.
    durable: Vec<u8>,
    /// By number of the sector, every form it had since the last sync.
    unsynced: BTreeMap<usize, Vec<Vec<u8>>>,
    /// The lengths it had since.
    lengths: Vec<usize>,
    /// So many more operations until power is cut.
    left: u64,
    /// Whether it does sync when it says so.
    honest: bool,
}

impl Disk {
    /// One with these bytes, whose power is cut at its operation number `left`.
    pub fn new(bytes: Vec<u8>, left: u64, honest: bool) -> Self {
        let durable = bytes.clone();
        Self(Arc::new(Mutex::new(Platter {
            bytes,
            durable,
            unsynced: BTreeMap::new(),
            lengths: Vec::new(),
            left,
            honest,
        })))
    }

    /// What is found when power is back.
    pub fn after_power_cut(&self, rng: &mut Rng) -> Vec<u8> {
        let platter = self.0.lock().unwrap();
        let mut bytes = platter.durable.clone();
        let lengths = [&[bytes.len()], platter.lengths.as_slice()].concat();
        bytes.resize(lengths[rng.usize(..lengths.len())], 0);
        // Of some cuts all is lost, of some nothing: what lies between is not all there is.
        let kept = [0.0, 0.1, 0.5, 0.9, 1.0][rng.usize(..5)];
        for (sector, forms) in &platter.unsynced {
            let at = sector * SECTOR;
            if at < bytes.len() && rng.f64() < kept {
                let form = &forms[rng.usize(..forms.len())];
                let end = bytes.len().min(at + form.len());
                bytes[at..end].copy_from_slice(&form[..end - at]);
            }
        }
        bytes
    }

    fn with<T>(&self, writes: bool, work: impl FnOnce(&mut Platter) -> T) -> io::Result<T> {
        let mut platter = self.0.lock().unwrap();
        if platter.left == 0 {
            return Err(io::Error::other("no power"));
        }
        platter.left -= u64::from(writes);
        Ok(work(&mut platter))
    }
}

impl StorageBackend for Disk {
    fn len(&self) -> io::Result<u64> {
        self.with(false, |platter| platter.bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let offset = offset as usize;
        self.with(false, |platter| {
            let found = platter.bytes.get(offset..offset + out.len());
            found.map(|found| out.copy_from_slice(found)).ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
        })?
    }

    fn set_len(&self, length: u64) -> io::Result<()> {
        self.with(true, |platter| {
            platter.bytes.resize(length as usize, 0);
            platter.lengths.push(length as usize);
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.with(true, |platter| {
            if platter.honest {
                platter.durable.clone_from(&platter.bytes);
                platter.unsynced.clear();
                platter.lengths.clear();
            }
        })
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let (offset, end) = (offset as usize, offset as usize + data.len());
        self.with(true, |platter| {
            platter.bytes[offset..end].copy_from_slice(data);
            for sector in offset / SECTOR..end.div_ceil(SECTOR) {
                let to = platter.bytes.len().min((sector + 1) * SECTOR);
                let form = platter.bytes[sector * SECTOR..to].to_vec();
                platter.unsynced.entry(sector).or_default().push(form);
            }
        })
    }
}
