//! The whole API as a list.

use crate::authenticate::Gate;
use crate::endpoint::admin::{ActiveDevices, Pipeline};
use crate::endpoint::alias::{AliasList, MergeIssues, UnmergeIssues};
use crate::endpoint::error::{ErrorDetail, ErrorList};
use crate::endpoint::issue::{IssueInfo, IssueList, TopIssues};
use crate::endpoint::openapi::OpenApi;
use crate::endpoint::release::{PublishRelease, ReleaseList, WithdrawRelease};
use crate::endpoint::report::{CrashDoc, CrashList};
use crate::endpoint::trend::{CumulativeTrend, DailyTrend, HourlyTrend};
use crate::envelope::Envelope;
use crate::operation::bearer::Bearer;
use crate::operation::signed::Signed;
use crate::operation::{AdminOperation, Operation, Writes};
use crate::param::bounds;
use crate::store::Store;
use serde_json::Value;
use service::http::{self, BoxFuture, Method, Router};
use std::any::type_name;

/// Every operation, a line each. Their wire names, files and envelopes are listed in `docs/operations.md`.
#[must_use]
pub fn operations(api: Api) -> Api {
    let api = api // trend
        .open::<HourlyTrend>()
        .open::<CumulativeTrend>()
        .open::<DailyTrend>();
    let api = api // issue
        .open::<TopIssues>()
        .open::<IssueList>()
        .open::<IssueInfo>();
    let api = api // report
        .open::<CrashList>()
        .open::<CrashDoc>();
    let api = api // error
        .admin::<ErrorList>()
        .admin::<ErrorDetail>();
    let api = api // alias
        .admin::<AliasList>()
        .admin::<MergeIssues>()
        .admin::<UnmergeIssues>();
    let api = api // release
        .admin::<PublishRelease>()
        .admin::<ReleaseList>()
        .admin::<WithdrawRelease>();
    api // admin
        .admin::<Pipeline>()
        .admin::<ActiveDevices>()
}

/// A router with every operation, and with the document that describes them.
#[must_use]
pub fn router(gate: &Gate, writes: &Writes) -> Router {
    let router = http::alive(operations(Api::new(gate, writes)).router);
    let document = document(&router);
    router.mount(OpenApi::new(&document))
}

/// The OpenAPI document of the operations, with the bounds of what they are asked.
#[must_use]
pub fn document(router: &Router) -> Value {
    let mut document = router.openapi();
    bounds::describe(&mut document);
    document
}

/// Health and metrics, for operators of the service.
#[must_use]
pub fn admin(store: &Store) -> Router {
    http::health(Router::new("query-admin"), ready(store.clone()))
}

/// A router to which operations are added.
pub struct Api {
    router: Router,
    gate: Gate,
    writes: Writes,
    /// What was added, in its order.
    pub listed: Vec<Listed>,
}

/// An operation as the documentation lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// The name of an operation of the OpenAPI, the path of one for administrators.
    pub name: &'static str,
    pub methods: &'static [Method],
    pub summary: &'static str,
    pub envelope: &'static str,
    /// The name of its type, with its modules.
    pub operation: &'static str,
}

impl Api {
    /// A router without operations, for those that `gate` lets through.
    #[must_use]
    pub fn new(gate: &Gate, writes: &Writes) -> Self {
        Self { router: Router::new("query"), gate: gate.clone(), writes: writes.clone(), listed: Vec::new() }
    }

    /// Adds an operation of the OpenAPI, at its plain path and with key/value pairs after it.
    fn open<O: Operation>(mut self) -> Self {
        let (methods, summary, envelope) = (O::METHODS, O::SUMMARY, O::Envelope::NAME);
        self.listed.push(Listed { name: O::NAME, methods, summary, envelope, operation: type_name::<O>() });
        let router = self.router.mount(Signed::<O, false>::new(&self.gate, &self.writes));
        Self { router: router.mount(Signed::<O, true>::new(&self.gate, &self.writes)), ..self }
    }

    /// Adds an operation for administrators.
    fn admin<O: AdminOperation>(mut self) -> Self {
        let (methods, summary, envelope) = (O::METHODS, O::SUMMARY, O::Envelope::NAME);
        self.listed.push(Listed { name: O::PATH, methods, summary, envelope, operation: type_name::<O>() });
        Self { router: self.router.mount(Bearer::<O>::new(&self.gate, &self.writes)), ..self }
    }
}

/// Ready = the tables answer. Without the log only the operations that need it fail.
fn ready(store: Store) -> impl Fn() -> BoxFuture<Result<(), String>> + Send + Sync + 'static {
    move || {
        let store = store.clone();
        Box::pin(async move { store.ping().await.map_err(|error| error.to_string()) })
    }
}

#[cfg(test)]
mod tests;
