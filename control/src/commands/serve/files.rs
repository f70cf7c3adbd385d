//! How many files, connections among them, may be open.

/// Raises the soft limit of this process to the hard one and logs what it is then: the usual 1,024 are for programs that
/// may use `select`, and end at some 500 Envoys.
pub fn open_many() {
    match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(limit) => tracing::info!("at most {limit} files can be open; each Envoy takes two"),
        Err(why) => tracing::warn!("the limit of open files stays as it is: {why}"),
    }
}
