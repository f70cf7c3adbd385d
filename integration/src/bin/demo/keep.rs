//! Everything left running, to be tried by hand.

use std::{
    io::{self, ErrorKind},
    path::Path,
    process::ExitCode,
};

use graylane_integration::{
    Control, Mesh, Ports, Running,
    envoy::{ACCESS_LOG, LOG},
    root,
};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    page::heading,
    requests::{RULES, dozen},
};

/// Serves a copy of the shipped rules on the ports that `envoy.yaml` names, until SIGINT or SIGTERM.
pub(crate) fn serve() -> ExitCode {
    if let Some((port, why)) = Ports::SHIPPED.refused() {
        eprintln!("{}", refused(port, &why));
        return ExitCode::FAILURE;
    }
    let rules = root().join(RULES);
    let mut mesh = Mesh::new("up").rules_from(rules).workers(2).on_shipped_ports().with_logs_shown().start();
    heading("Try");
    for (_, request) in dozen(mesh.envoy().address()) {
        println!("    {}", request.curl(mesh.envoy().address()));
    }
    look(&mut mesh);
    change(mesh.control().rules().directory());
    println!("\nCtrl-C ends everything, and removes the directory {}.", mesh.scratch().display());
    until_interrupted();
    ExitCode::SUCCESS
}

fn refused(port: u16, why: &io::Error) -> String {
    match why.kind() {
        ErrorKind::AddrInUse => format!("port {port} is taken: is another `make up` running, or another program?"),
        _ => format!("port {port}: {why}"),
    }
}

fn look(mesh: &mut Running<Control>) {
    let log = |name| mesh.scratch().join(name).display().to_string();
    let (access, own, admin) = (log(ACCESS_LOG), log(LOG), mesh.admin().address());
    heading("Look");
    println!("    access log: tail -f {access}");
    println!("    Envoy's log: tail -f {own}");
    println!("    counts by rule and variant: curl -s 'http://{admin}/stats/prometheus?filter=graylane_requests'");
    println!("    who runs which revision: curl -s http://{}/v1/namespaces/default/status", mesh.control().address());
}

fn change(directory: &Path) {
    heading("Change the rules and try again");
    println!("    rules: {}, a copy of {RULES}, which stays as it is", directory.display());
    println!("    Each saved change is in force within a fraction of a second.");
    println!(
        "    Break a rule in that directory and look here: control says what is wrong, the last good rules serve on."
    );
}

fn until_interrupted() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime starts");
    runtime.block_on(async {
        let mut interrupt = signal(SignalKind::interrupt()).expect("signals can be listened for");
        let mut terminate = signal(SignalKind::terminate()).expect("signals can be listened for");
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    });
}
