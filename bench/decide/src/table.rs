//! The table.

use std::process::ExitCode;

use crate::{
    column::Column,
    measure::{instructions, nanoseconds},
    workload::Workload,
};

/// Prints what every column costs for every workload, and whether the bars are met.
pub fn print() -> ExitCode {
    if !Workload::ALL.into_iter().all(all_agree) {
        return ExitCode::FAILURE;
    }
    println!(
        "A decision on loaded snapshot bytes, its reason included: instructions (callgrind) and nanoseconds (median)."
    );
    println!("The engines' input is parsed before; they tell a variant alone, and hash by a function of their own.\n");
    print!("{:<32}", "");
    Column::ALL.iter().for_each(|column| print!("{:>28}", column.name()));
    println!("   bar");
    for workload in Workload::ALL {
        print!("{:<32}", workload.name());
        let mut counted = Vec::new();
        for column in Column::ALL {
            let (instructions, nanoseconds) = (instructions(workload, column), nanoseconds(workload, column));
            print!("{:>28}", format!("{instructions:.0} / {nanoseconds:.0} ns"));
            counted.push(instructions);
        }
        println!("   {}", bar(workload, counted[0], counted[1]));
    }
    ExitCode::SUCCESS
}

/// Whether all columns give the variant, and those that tell it the rule and the reason.
fn all_agree(workload: Workload) -> bool {
    let mut ready = Column::ALL.map(|column| column.ready(workload));
    let outcomes: Vec<_> = ready.iter_mut().map(|ready| ready.outcome()).collect();
    let (ours, by_hand) = (outcomes[0], outcomes[1]);
    let agree = ours == by_hand && outcomes.iter().all(|outcome| outcome.variant == ours.variant);
    if !agree {
        println!("{}: decided differently: {outcomes:?}", workload.name());
    }
    agree
}

fn bar(workload: Workload, ours: f64, floor: f64) -> String {
    let (met, bar) = match workload {
        Workload::LastOf(_) => (ours <= 700.0, "at most 700 instructions".to_owned()),
        _ => (ours <= 2.0 * floor, format!("at most 2.00 of the floor: {:.2}", ours / floor)),
    };
    format!("{bar}: {}", if met { "met" } else { "NOT MET" })
}
