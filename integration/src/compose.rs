//! The docker-compose harness, driven from outside as its users drive it.

use std::{
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::PathBuf,
    process::{Command, Output},
};

use crate::root;

/// The engine and the composer of this machine.
#[derive(Debug)]
pub struct Engine {
    composer: &'static [&'static str],
}

impl Engine {
    /// Finds them.
    ///
    /// # Errors
    /// Why there are none to be used.
    pub fn find() -> Result<Self, String> {
        let version = run(&["docker", "version", "--format", "{{.Server.Version}}"], &[]);
        version.map_err(|why| format!("no Docker engine answers: {why}"))?;
        let composers: [&[&str]; 2] = [&["docker", "compose"], &["docker-compose"]];
        let found = composers.into_iter().find(|composer| run(&[composer, &["version"][..]].concat(), &[]).is_ok());
        found
            .map(|composer| Self { composer })
            .ok_or_else(|| "neither `docker compose` nor docker-compose runs".to_owned())
    }

    /// Starts every service under a project name of its own, with the documents in `rules` and on a free port.
    ///
    /// # Panics
    /// Where they do not start, with what compose said.
    pub fn up(self, rules: PathBuf) -> Compose {
        let address = free_port();
        let compose =
            Compose { engine: self, project: format!("graylane-test-{}", std::process::id()), rules, address };
        compose.run(&["up", "-d"]);
        compose
    }
}

/// The running services. Dropping it removes all of them; if the test is failing their logs are printed before.
#[derive(Debug)]
pub struct Compose {
    engine: Engine,
    project: String,
    rules: PathBuf,
    address: SocketAddr,
}

impl Compose {
    /// Where clients connect.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Cuts `service` off from `network`.
    pub fn disconnect(&self, service: &str, network: &str) {
        let (network, container) = (self.network(network), self.container(service));
        run(&["docker", "network", "disconnect", &network, &container], &[]).expect("the network is cut");
    }

    /// Connects `service` to `network` again, under its name: without that nobody would find it.
    pub fn connect(&self, service: &str, network: &str) {
        let (network, container) = (self.network(network), self.container(service));
        let arguments = ["docker", "network", "connect", "--alias", service, &network, &container];
        run(&arguments, &[]).expect("the network is whole");
    }

    /// What Docker says about the health of `service`: `healthy`, `starting` or `unhealthy`.
    pub fn health(&self, service: &str) -> String {
        let container = self.container(service);
        run(&["docker", "inspect", "--format", "{{.State.Health.Status}}", &container], &[])
            .expect("a container's health")
    }

    fn container(&self, service: &str) -> String {
        // Never by name: the two versions of compose spell it differently.
        self.run(&["ps", "-q", service])
    }

    fn network(&self, name: &str) -> String {
        format!("{}_{name}", self.project)
    }

    fn run(&self, arguments: &[&str]) -> String {
        self.try_run(arguments).unwrap_or_else(|why| panic!("{why}\n(are the images there? `make images` makes them)"))
    }

    fn try_run(&self, arguments: &[&str]) -> Result<String, String> {
        let file = root().join("envoy/compose/docker-compose.yaml");
        let (file, rules) = (file.to_string_lossy(), self.rules.to_string_lossy());
        let chosen = ["-f", &*file, "-p", &*self.project];
        let port = self.address.port().to_string();
        run(
            &[self.engine.composer, &chosen, arguments].concat(),
            &[("GRAYLANE_PORT", &port), ("GRAYLANE_RULES", &rules)],
        )
    }
}

impl Drop for Compose {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let logs = self.try_run(&["logs", "--no-color", "--tail", "40"]);
            eprintln!("---- docker-compose logs\n{}", logs.unwrap_or_else(|why| why));
        }
        if let Err(why) = self.try_run(&["down", "-v", "--remove-orphans", "-t", "2"]) {
            eprintln!("compose project {} is left behind: {why}", self.project);
        }
    }
}

/// A port that was free a moment ago: compose must be told a number.
fn free_port() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
    listener.local_addr().expect("a bound port")
}

fn run(command: &[&str], environment: &[(&str, &str)]) -> Result<String, String> {
    let output = Command::new(command[0]).args(&command[1..]).envs(environment.iter().copied()).output();
    let Output { status, stdout, stderr } = output.map_err(|why| format!("{}: {why}", command[0]))?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
    if status.success() {
        Ok(text(&stdout))
    } else {
        Err(format!("{}: {status}: {}", command.join(" "), text(&stderr)))
    }
}
