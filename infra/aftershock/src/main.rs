//! The one binary: a role for each subcommand.
//!
//! Exit codes: 0; 1, a failure said in one line on stderr; 2, wrong usage.

use aftershock::role::Role;
use aftershock::run_role::Start;
use aftershock::settings::Settings;
use aftershock::{backup, check, demo, embedded, group, link, private, replay, role, run_role, standalone, suggest};
use anyhow::Context;
use clap::{Args, Parser, Subcommand};
use service::printable;
use std::io::Write;
use std::path::PathBuf;
use tokio::runtime::Builder;

/// The edge and the processor make and drop many small texts, often on different threads.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Takes crash reports in, finds what they have in common, and answers how many, where and since when.
#[derive(Parser)]
#[command(version, arg_required_else_help = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Everything on this machine, with embedded engines
    Standalone {
        #[command(flatten)]
        config: Config,
        /// Folder of everything that is kept
        #[arg(long, value_name = "DIR")]
        data: Option<PathBuf>,
    },
    /// HTTP in, the log out
    Ingest(Roles),
    /// The log in, the tables out
    Processor(Roles),
    /// The tables in, JSON out
    Query(Roles),
    /// Make topics and tables, and set how long they keep what
    Migrate(Needed),
    /// Fold the log again into new tables, and put them in the place of the old ones
    Replay {
        #[command(flatten)]
        tables: Tables,
        #[command(flatten)]
        range: replay::Range,
    },
    /// Group JSONL reports on stdin as the processor would: a line of JSON for a line
    Group {
        #[command(flatten)]
        config: Config,
        /// Show also what went into each fingerprint: parts, the form of the message, frames and which of them counted
        #[arg(long)]
        explain: bool,
        /// Say why two reports do or do not share an issue. Each is a file whose first line is a report, or else the id of a report on stdin
        #[arg(long, num_args = 2, value_names = ["A", "B"], conflicts_with = "explain")]
        diff: Option<Vec<String>>,
    },
    /// Suggest issues that look like one bug: a line of JSON for a pair, for a person to judge. Nothing is merged
    Suggest {
        #[command(flatten)]
        tables: Tables,
        #[command(flatten)]
        options: suggest::Options,
    },
    /// State which issues are one bug under two names, where the rules leave no choice: a line of JSON for each
    Link {
        #[command(flatten)]
        tables: Tables,
        #[command(flatten)]
        options: link::Options,
    },
    /// The embedded log, as standalone starts it
    Broker(embedded::ProcessArguments),
    /// The embedded ClickHouse, as standalone starts it
    Engine(embedded::EngineArguments),
    /// Send realistic reports to a running ingest, then show trend and top issues
    Demo {
        #[command(flatten)]
        config: Config,
        /// Data folder of the standalone to send to
        #[arg(long, value_name = "DIR", conflicts_with = "config")]
        data: Option<PathBuf>,
        /// How many reports
        #[arg(long, value_name = "N", default_value_t = 20_000)]
        reports: u64,
        /// Over how many days up to now
        #[arg(long, value_name = "D", default_value_t = 3, value_parser = clap::value_parser!(u64).range(1..=80))]
        days: u64,
        /// What decides everything; the same seed sends the same reports again, and they are taken for re-deliveries
        #[arg(long, value_name = "N")]
        seed: Option<u64>,
    },
    /// Copy all tables while they are in use: to a folder, or to one file where the name ends in .tar
    Backup {
        #[command(flatten)]
        tables: Tables,
        /// Where the copy goes; must not be there yet
        to: PathBuf,
    },
    /// Put the tables of a copy in the place of those that are there, while nothing uses them: stop standalone, or all processors
    Restore {
        #[command(flatten)]
        tables: Tables,
        /// Where the copy is
        from: PathBuf,
        /// Also where there are rows already, which are lost
        #[arg(long)]
        replace: bool,
    },
    /// Say what is wrong with a configuration, or that it is fine
    Check(Needed),
}

#[derive(Args)]
struct Config {
    /// Configuration (TOML); AFTERSHOCK__SECTION__KEY of the environment wins over it
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// Names the tables: of the standalone that runs on a data folder, or of the configured server.
#[derive(Args)]
struct Tables {
    #[command(flatten)]
    config: Config,
    /// Data folder of the standalone whose tables are meant
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
}

/// What a role is told, and by whom.
#[derive(Args)]
struct Roles {
    /// Configuration (TOML); AFTERSHOCK__SECTION__KEY of the environment wins over it
    #[arg(long, value_name = "FILE", required_unless_present = "attached")]
    config: Option<PathBuf>,
    /// Live and die with the standalone at the other end of stdin, and be told by it
    #[arg(long, hide = true, conflicts_with = "config")]
    attached: bool,
}

#[derive(Args)]
struct Needed {
    /// Configuration (TOML); AFTERSHOCK__SECTION__KEY of the environment wins over it
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

/// Exit codes; clap's of a wrong usage is 2.
const SUCCESS: u8 = 0;
const FAILURE: u8 = 1;

fn main() {
    // Exits with 2 itself where the usage is wrong.
    let cli = Cli::parse();
    private::close_new_files();
    let code = run(cli.command).unwrap_or_else(|error| {
        eprintln!("aftershock: {}", printable::line(&one_line(&error)));
        FAILURE
    });
    // Where stdout is closed, nobody reads it.
    let _ = std::io::stdout().flush();
    service::shutdown::exit(code)
}

fn run(command: Command) -> anyhow::Result<u8> {
    match command {
        Command::Standalone { config, data } => {
            let settings = settings(config.config.as_deref(), data.as_deref())?;
            service::telemetry::init("standalone");
            // It keeps others at work and does little itself.
            wait_on(Builder::new_multi_thread().worker_threads(1), async { Ok(standalone::run(settings).await?) })
        }
        Command::Ingest(told) => run_role(Role::Ingest, &told),
        Command::Processor(told) => run_role(Role::Processor, &told),
        Command::Query(told) => run_role(Role::Query, &told),
        Command::Migrate(needed) => {
            let settings = settings(Some(&needed.config), None)?;
            let (kafka, clickhouse) = (role::log(&settings)?, role::tables(&settings)?);
            start("migrate", async move {
                processor::migrate(&kafka, &clickhouse, &settings.topics, &settings.retention).await?;
                Ok(())
            })
        }
        Command::Replay { tables, range } => {
            let settings = settings(tables.config.config.as_deref(), tables.data.as_deref())?;
            start("replay", async move {
                let shown = replay::run(&settings, &range).await?;
                Ok(std::io::stdout().lock().write_all(shown.as_bytes())?)
            })
        }
        Command::Group { config, explain, diff } => {
            let rules = group::rules(&settings(config.config.as_deref(), None)?)?;
            match diff.as_deref() {
                Some([a, b]) => group::diff([a, b], &rules)?,
                _ => group::run(&rules, explain)?,
            }
            Ok(SUCCESS)
        }
        Command::Suggest { tables, options } => {
            let settings = settings(tables.config.config.as_deref(), tables.data.as_deref())?;
            print(async move { Ok(suggest::run(&settings, &options).await?) })
        }
        Command::Link { tables, options } => {
            let settings = settings(tables.config.config.as_deref(), tables.data.as_deref())?;
            print(async move { Ok(link::run(&settings, &options).await?) })
        }
        Command::Broker(place) => start("broker", async { Ok(embedded::broker(place).await?) }),
        Command::Engine(arguments) => start("engine", async { Ok(embedded::engine(arguments).await?) }),
        Command::Demo { config, data, reports, days, seed } => {
            let settings = settings(config.config.as_deref(), data.as_deref())?;
            let options = demo::Options { reports, days, seed: seed.unwrap_or_else(rand::random) };
            wait_for(async move {
                let shown = demo::run(&settings, options).await?;
                Ok(std::io::stdout().lock().write_all(printable::lines(&shown).as_bytes())?)
            })
        }
        Command::Backup { tables, to } => {
            let settings = settings(tables.config.config.as_deref(), tables.data.as_deref())?;
            wait_for(async move {
                said("copied", &backup::backup(&settings, &to).await?)?;
                if let Some(advice) = backup::advice(&settings, &to) {
                    eprintln!("note: {}", printable::line(&advice));
                }
                Ok(())
            })
        }
        Command::Restore { tables, from, replace } => {
            let settings = settings(tables.config.config.as_deref(), tables.data.as_deref())?;
            wait_for(async move { said("put back", &backup::restore(&settings, &from, replace).await?) })
        }
        Command::Check(needed) => {
            let findings = check::run(&needed.config);
            write!(std::io::stdout().lock(), "{}", printable::lines(&findings.to_string()))?;
            Ok(if findings.fine() { SUCCESS } else { FAILURE })
        }
    }
}

fn run_role(role: Role, told: &Roles) -> anyhow::Result<u8> {
    let begin = if told.attached {
        Start::Attached(Box::new(standalone::Handover::receive().context("nothing to work with from standalone")?))
    } else {
        let settings = settings(told.config.as_deref(), None)?;
        role.addressed(&settings)?;
        Start::Alone(Box::new(settings))
    };
    start(role.name(), async move { Ok(run_role::run(role, begin).await?) })
}

/// Says what was done with which rows.
fn said(done: &str, tables: &[backup::Rows]) -> anyhow::Result<()> {
    Ok(writeln!(std::io::stdout().lock(), "{done}: {}", printable::line(&backup::summary(tables)))?)
}

/// Runs a service, which tells by its log how it is.
fn start(name: &str, service: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<u8> {
    service::telemetry::init(name);
    wait_for(service)
}

/// Runs a command to its end and shows the JSON that it gives.
fn print(command: impl Future<Output = anyhow::Result<String>>) -> anyhow::Result<u8> {
    wait_for(async move { Ok(std::io::stdout().lock().write_all(printable::json(&command.await?).as_bytes())?) })
}

/// Runs a command to its end.
fn wait_for(command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<u8> {
    wait_on(&mut Builder::new_multi_thread(), command)
}

fn wait_on(runtime: &mut Builder, command: impl Future<Output = anyhow::Result<()>>) -> anyhow::Result<u8> {
    runtime.enable_all().build()?.block_on(command)?;
    Ok(SUCCESS)
}

fn settings(file: Option<&std::path::Path>, data: Option<&std::path::Path>) -> anyhow::Result<Settings> {
    Ok(Settings::load(file, data, aftershock::settings::environment())?)
}

/// The error and its causes, each said once.
fn one_line(error: &anyhow::Error) -> String {
    let mut line = String::new();
    for cause in error.chain().map(ToString::to_string) {
        if !line.contains(&cause) {
            line = if line.is_empty() { cause } else { format!("{line}: {cause}") };
        }
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}
