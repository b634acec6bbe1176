//! `backstory bench`: measures a running service from outside, for sizing a deployment; nodes that it starts itself, and the store,
//! beside their budgets.

use std::process::ExitCode;

use super::Common;

mod agents;
mod attack;
mod bare;
mod crowd;
mod journey;
mod load;
mod nodes;
mod numbers;
mod push;
mod report;
mod server;

/// Measure a running service, nodes of its own, or the store by itself
#[derive(Debug, clap::Args)]
#[command(subcommand_required = true, arg_required_else_help = true)]
pub struct Args {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, clap::Subcommand)]
enum What {
    Push(push::Args),
    Attack(attack::Args),
    #[command(hide = true)]
    Strangers(attack::strangers::Args),
    Nodes(nodes::Args),
    Crowd(crowd::Args),
    Journey(journey::Args),
}

pub async fn run(common: &Common, args: Args) -> anyhow::Result<ExitCode> {
    match args.what {
        What::Push(args) => push::run(common, args).await,
        What::Attack(args) => attack::run(common, args).await,
        What::Strangers(args) => attack::strangers::run(common, args).await,
        What::Nodes(args) => nodes::run(common, args).await,
        What::Crowd(args) => crowd::run(common, args).await,
        What::Journey(args) => journey::run(args).await,
    }
}
