//! Everything left running, to be tried by hand.

use std::process::ExitCode;

use graylane_integration::{Mesh, root};
use tokio::signal::unix::{SignalKind, signal};

use crate::{
    page::heading,
    requests::{RULES, dozen},
};

/// Serves on the ports that `envoy.yaml` names, with the shipped rules themselves, until SIGINT or SIGTERM.
pub(crate) fn serve() -> ExitCode {
    let mut mesh = Mesh::new("up").rules_directory(root().join(RULES)).workers(2).on_shipped_ports().start();
    heading("Try");
    for (_, request) in dozen(mesh.envoy().address()) {
        println!("    {}", request.curl(mesh.envoy().address()));
    }
    heading("Change the rules and try again");
    println!(
        "    {}/*.yaml; each saved change is in force within a fraction of a second",
        root().join(RULES).display()
    );
    println!("    http://{}/v1/namespaces/default/status says who runs which revision", mesh.control().address());
    println!("    http://{}/stats?filter=graylane counts by rule and variant", mesh.admin().address());
    println!("\nCtrl-C ends everything.");
    until_interrupted();
    ExitCode::SUCCESS
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
