//! `make bench`: a line per figure, with its method. Everything runs on this machine, sender included; CPU time is read from the process that is
//! measured. Figures of one run compare with each other, not with those of another day.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::print_stdout, dead_code, unused_imports)]

#[path = "../harness/mod.rs"]
mod harness;

mod bare;
mod edge;
mod fold;
mod grouping;
mod load;
mod sentry;
mod whole;

/// The product's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Prints one figure.
fn figure(name: &str, value: f64, unit: &str, method: &str) {
    println!("{name:<34} {value:>12.1} {unit:<14} {method}");
}

fn main() {
    if let [_, first, config] = std::env::args().collect::<Vec<_>>().as_slice()
        && first == bare::ARGUMENT
    {
        return bare::serve(config);
    }
    // `cargo bench` passes its own flags; what is left names the figures that are wanted.
    let wanted: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with('-')).collect();
    let run = |name: &str| wanted.is_empty() || wanted.iter().any(|wanted| name.contains(wanted.as_str()));
    if run("fold") {
        fold::decode_dedupe_group();
    }
    if run("grouping") {
        grouping::by_language();
        grouping::extremes();
    }
    if run("idle") {
        whole::idle();
    }
    if run("edge") {
        edge::single();
        edge::batches();
        edge::sealed();
    }
    if run("edge") || run("half") {
        edge::half();
    }
    if run("edge") || run("envelope") {
        edge::envelopes();
    }
    if run("sink") {
        whole::sink();
    }
    if run("drain") {
        whole::drained();
    }
}
