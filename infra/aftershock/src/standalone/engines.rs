//! What listens behind the addresses: the embedded broker and engine, each unless the configuration gives an address of its own.

use super::child::Child;
use super::error::Error;
use super::running::Processes;
use super::spec::{NICENESS, Spec};
use crate::embedded;
use crate::permissions;
use crate::role::Role;
use crate::settings::Settings;
use embedded_log::Account;
use service::clickhouse;
use service::config::Secret;
use service::kafka;
use std::time::{Duration, Instant};

/// Time for an engine to answer after it listens.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// The addresses of log and tables, and the processes behind them that are ours.
pub struct Engines {
    /// With the account that may do everything.
    pub kafka: kafka::Config,
    pub clickhouse: clickhouse::Config,
    broker: Option<Child>,
    engine: Option<Child>,
}

impl Engines {
    /// Starts what is not given by address, both at the same time, and waits until both answer.
    ///
    /// # Errors
    /// One of them cannot be started or does not answer.
    pub async fn start(settings: &Settings) -> Result<Self, Error> {
        let mut engines = Self { kafka: settings.kafka.clone(), clickhouse: settings.clickhouse.clone(), broker: None, engine: None };
        if settings.embeds_log() {
            let accounts = log_accounts(&mut engines.kafka)?;
            engines.broker = Some(Child::start(broker(settings, &accounts)?)?);
        }
        if settings.embeds_tables() {
            accounts(&mut engines.clickhouse)?;
            engines.engine = Some(Child::start(engine(settings, &engines.clickhouse)?)?);
        }
        engines.find().await?;
        Ok(engines)
    }

    /// Starts the embedded engine only.
    ///
    /// # Errors
    /// It cannot be started or does not answer.
    pub async fn tables(settings: &Settings) -> Result<Self, Error> {
        let mut engines = Self { kafka: settings.kafka.clone(), clickhouse: settings.clickhouse.clone(), broker: None, engine: None };
        accounts(&mut engines.clickhouse)?;
        let child = engines.engine.insert(Child::start(engine(settings, &engines.clickhouse)?)?);
        engines.clickhouse.url = format!("http://{}", child.listening().await?);
        engines.tables_answer().await?;
        Ok(engines)
    }

    /// The log as a role reaches it: by an account that may do what the role does and no more.
    pub fn kafka_for(&self, role: Role) -> kafka::Config {
        permissions::log_of(role, &self.kafka)
    }

    /// Fills the addresses in and waits for the first answers.
    async fn find(&mut self) -> Result<(), Error> {
        if let Some(broker) = &self.broker {
            self.kafka.brokers = broker.listening().await?.to_string();
        }
        if let Some(engine) = &self.engine {
            self.clickhouse.url = format!("http://{}", engine.listening().await?);
        }
        let (log, tables) = tokio::join!(self.log_answers(), self.tables_answer());
        log.and(tables)
    }

    async fn log_answers(&self) -> Result<(), Error> {
        let admin = kafka::Admin::new(&self.kafka)?;
        let asked = Instant::now();
        // Any answer will do: the topics are not made yet.
        while let Err(error) = admin.partitions("raw-reports").await {
            match error {
                kafka::Error::UnknownTopic { .. } => break,
                error if asked.elapsed() > ANSWER_TIMEOUT => return Err(error.into()),
                _ => pause(&self.broker).await?,
            }
        }
        self.broker.iter().for_each(Child::has_answered);
        Ok(())
    }

    async fn tables_answer(&self) -> Result<(), Error> {
        let config = clickhouse::Config { database: "default".to_owned(), ..self.clickhouse.clone() };
        let asked = Instant::now();
        while let Err(error) = clickhouse::ping(&config.writer()).await {
            if asked.elapsed() > ANSWER_TIMEOUT {
                return Err(error.into());
            }
            pause(&self.engine).await?;
        }
        self.engine.iter().for_each(Child::has_answered);
        Ok(())
    }

    /// The process ids as they are now; 0 for what is not ours.
    pub fn processes(&self) -> Processes {
        let pid = |child: &Option<Child>| child.as_ref().map_or(0, Child::pid);
        Processes { standalone: std::process::id(), broker: pid(&self.broker), engine: pid(&self.engine), ..Processes::default() }
    }

    /// Resolves when one of them was started again.
    pub async fn changed(&mut self) {
        let turn = async |child: &mut Option<Child>| match child {
            Some(child) => child.turn().await,
            None => std::future::pending().await,
        };
        tokio::select! {
            () = turn(&mut self.broker) => {}
            () = turn(&mut self.engine) => {}
        }
    }

    /// Asks both to finish and waits until they have.
    pub async fn stop(self) {
        let stop = async |child: Option<Child>| {
            if let Some(child) = child {
                child.stop().await;
            }
        };
        tokio::join!(stop(self.broker), stop(self.engine));
    }
}

/// Waits a little for a child that does not answer; one that is failing is waited for no longer.
async fn pause(child: &Option<Child>) -> Result<(), Error> {
    tokio::time::sleep(POLL_INTERVAL).await;
    match child {
        Some(child) => child.listening().await.map(drop).map_err(Error::from),
        None => Ok(()),
    }
}

fn broker(settings: &Settings, accounts: &[Account]) -> Result<Spec, Error> {
    let dir = settings.data.dir.join("kafka");
    let accounts = serde_json::to_string(accounts).map_err(|error| Error::File(error.into()))?;
    Ok(Spec {
        name: "broker",
        arguments: vec!["--dir".into(), dir.into()],
        // The broker's buffers are few and large: what the allocator would keep of them costs more memory than it saves time.
        environment: vec![("MIMALLOC_PURGE_DELAY", "0".to_owned()), (embedded::BROKER_ACCOUNTS, accounts)],
        listen: settings.standalone.kafka_listen.clone(),
        ..Spec::default()
    })
}

fn engine(settings: &Settings, accounts: &clickhouse::Config) -> Result<Spec, Error> {
    let library = settings.engine_library();
    embedded_engine::look_for(&library)?;
    let dir = settings.data.dir.join("clickhouse");
    Ok(Spec {
        name: "engine",
        arguments: vec!["--dir".into(), dir.into(), "--library".into(), library.into()],
        environment: vec![
            ("AFTERSHOCK_ENGINE_USER", accounts.user.clone()),
            ("AFTERSHOCK_ENGINE_PASSWORD", accounts.password.expose().clone()),
            ("AFTERSHOCK_ENGINE_READ_USER", accounts.read_user.clone()),
            ("AFTERSHOCK_ENGINE_READ_PASSWORD", accounts.read_password.expose().clone()),
        ],
        listen: settings.standalone.clickhouse_listen.clone(),
        niceness: NICENESS,
        ..Spec::default()
    })
}

/// Accounts of the embedded broker, new at every start: one that may do everything, and one for each role. Their properties go into
/// `log`; whoever needs them finds them in `standalone.json`.
fn log_accounts(log: &mut kafka::Config) -> Result<Vec<Account>, Error> {
    let operator = password()?;
    let mut accounts = vec![Account::operator(permissions::OPERATOR, operator.clone())];
    for role in [Role::Ingest, Role::Processor, Role::Query] {
        let (name, password) = (role.name().to_owned(), password()?);
        let properties = permissions::properties(&name, &password);
        match role {
            Role::Ingest => log.roles.ingest.extend(properties),
            Role::Processor => log.roles.processor.extend(properties),
            Role::Query => log.roles.query.extend(properties),
        }
        let grants = permissions::of(role, log);
        accounts.push(Account { name, password, grants });
    }
    log.properties.extend(permissions::properties(permissions::OPERATOR, &operator));
    Ok(accounts)
}

/// Accounts of the embedded engine, new at every start; whoever needs them finds them in `standalone.json`.
fn accounts(config: &mut clickhouse::Config) -> Result<(), Error> {
    config.user = "aftershock".to_owned();
    config.password = password()?;
    config.read_user = "reader".to_owned();
    config.read_password = password()?;
    Ok(())
}

fn password() -> Result<Secret<String>, Error> {
    use rand::TryRngCore;
    let mut bytes = [0_u8; 16];
    rand::rngs::OsRng.try_fill_bytes(&mut bytes).map_err(|error| Error::Random(error.to_string()))?;
    Ok(Secret::new(const_hex::encode(bytes)))
}
