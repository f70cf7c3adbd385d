//! Changes of the rules while requests flow.

use graylane_integration::{
    Control, Running,
    changes::{Changes, WARM_UP},
    load::Load,
    samples,
};

use crate::page::heading;

const CHANGES: u32 = 20;
const PER_SECOND: u32 = 500;

/// Makes the changes, prints what came of it, and gives the number of failed requests.
pub(crate) fn show(mesh: &mut Running<Control>) -> usize {
    heading(&format!("{CHANGES} changes of the rules at {PER_SECOND} requests a second"));
    println!("Each sets another x-feature-flags, so each answer says by which rules its request was decided.\n");
    mesh.publish(&[samples::numbered(0)]);
    let load = Load::of(PER_SECOND).over(32).header("x-user-id", "42").start(mesh.envoy().address());
    load.await_more(WARM_UP);
    let changes = Changes::make(CHANGES, mesh, &load);
    let report = load.stop();
    println!("    new file in place to the last request by the old rules   {}", changes.last_old(&report));
    println!("    change accepted to the report of the last worker         {}", changes.reported());
    println!("    latency of the requests                                  {}", report.latencies());
    let failed = report.records.iter().filter(|record| record.outcome.is_err()).count();
    println!("\nFailed requests: {failed} of {}", report.records.len());
    for (failure, count) in report.failures() {
        println!("    {count} times {failure}");
    }
    failed
}
