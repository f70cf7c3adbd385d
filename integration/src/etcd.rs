//! The real etcd: one member or a cluster, on free ports of loopback.

mod member;

use std::path::PathBuf;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};

use self::member::Member;
use crate::{Process, eventually, kept_port};

/// A running cluster. Dropping it kills all members; their data goes with it.
#[derive(Debug)]
pub struct Etcd {
    members: Vec<Member>,
    _directory: tempfile::TempDir,
}

/// The files for TLS, in PEM: who certifies, and what a member shows to clients, and to itself.
#[derive(Clone, Debug)]
pub struct EtcdTls {
    /// The authority, whose certificates clients have to show as well.
    pub ca: PathBuf,
    /// The certificate of the members.
    pub cert: PathBuf,
    /// Its key.
    pub key: PathBuf,
}

impl Etcd {
    /// Starts a cluster of so many members, and waits until they have a leader.
    pub fn start(members: usize) -> Self {
        Self::launch(members, None)
    }

    /// The same, where clients have to speak TLS and show a certificate.
    pub fn with_tls(members: usize, tls: &EtcdTls) -> Self {
        Self::launch(members, Some(tls))
    }

    fn launch(count: usize, tls: Option<&EtcdTls>) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let peers: Vec<_> = (0..count).map(|place| (format!("m{place}"), kept_port())).collect();
        let cluster: Vec<_> = peers.iter().map(|(name, port)| format!("{name}=http://127.0.0.1:{port}")).collect();
        let cluster = cluster.join(",");
        let member = |(name, port): &(String, u16)| Member::new(name, *port, &cluster, directory.path(), tls.cloned());
        let mut members: Vec<_> = peers.iter().map(member).collect();
        // They wait for each other.
        members.iter_mut().for_each(Member::begin);
        members.iter_mut().for_each(Member::serves);
        Self { members, _directory: directory }
    }

    /// `etcd://` and the members, as their certificates name them.
    pub fn url(&self) -> String {
        let named: Vec<_> = self.members.iter().map(Member::endpoint).collect();
        format!("etcd://{}", named.join(","))
    }

    /// Where a member listens.
    pub fn endpoint(&self, member: usize) -> String {
        self.members[member].endpoint()
    }

    /// How many members there are.
    pub fn count(&self) -> usize {
        self.members.len()
    }

    /// A member's process, to be paused or resumed.
    ///
    /// # Panics
    /// While it is killed.
    pub fn process(&self, member: usize) -> &Process {
        self.members[member].process()
    }

    /// Kills a member with SIGKILL.
    pub fn kill(&mut self, member: usize) {
        self.members[member].kill();
    }

    /// Starts it again on the same ports with what it wrote, and waits until it serves.
    pub fn start_again(&mut self, member: usize) {
        self.members[member].begin();
        self.members[member].serves();
    }

    /// Which member leads.
    ///
    /// # Panics
    /// Where there is none for 45 seconds.
    pub fn leader(&self) -> usize {
        let running = || self.members.iter().enumerate().filter(|(_, member)| member.runs());
        eventually("a leader", || {
            let leads = |member: &Member| {
                let status = member.ask("maintenance/status", &json!({})).ok()?;
                (status["leader"].is_string() && status["leader"] == status["header"]["member_id"]).then_some(())
            };
            running().find_map(|(place, member)| leads(member).map(|()| place)).ok_or_else(|| "none leads".to_owned())
        })
    }

    /// What a member answers to `request` at `/v3/<path>`.
    ///
    /// # Panics
    /// Where it does not, or says no.
    pub fn ask(&self, member: usize, path: &str, request: &Value) -> Value {
        self.members[member].ask(path, request).unwrap_or_else(|why| panic!("{path}: {why}"))
    }

    /// Forgets what was before now, and gives the room back, on every member.
    pub fn compact(&self) {
        let status = self.ask(0, "maintenance/status", &json!({}));
        self.ask(0, "kv/compaction", &json!({"revision": status["header"]["revision"], "physical": true}));
        for member in 0..self.count() {
            self.ask(member, "maintenance/defragment", &json!({}));
        }
    }

    /// Makes `user` with `password`, who may only read and write what begins with `prefix`, and has everybody say who he is
    /// from now on.
    pub fn admit(&self, user: &str, password: &str, prefix: &str) {
        let ask = |path: &str, request: Value| self.ask(0, path, &request);
        let end = format!("{}0", prefix.strip_suffix('/').expect("a prefix ends with a slash"));
        for (user, password, role) in [("root", "of all evil", "root"), (user, password, "gray")] {
            ask("auth/role/add", json!({"name": role}));
            ask("auth/user/add", json!({"name": user, "password": password}));
            ask("auth/user/grant", json!({"user": user, "role": role}));
        }
        let (key, range_end) = (STANDARD.encode(prefix), STANDARD.encode(end));
        let permission = json!({"permType": "READWRITE", "key": key, "range_end": range_end});
        ask("auth/role/grant", json!({"name": "gray", "perm": permission}));
        ask("auth/enable", json!({}));
    }
}
