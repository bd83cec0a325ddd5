//! An event as it is sent: the fields that are used, by all the names they have had.

use super::lenient::{object, skip};
use super::message::Message;
use super::packed_frames::Stack;
use super::timestamp::Timestamp;
use super::values::{Flag, List, Pairs, Raw, Real, Text, Texts, Whole};
use crate::dialect::bounds::{CRUMBS, EXCEPTIONS, EXTRA_FIELDS, FINGERPRINT, SENT_THREADS};
use crate::dialect::value::Key;
use serde::de::{IgnoredAny, MapAccess};
use serde_json::value::RawValue;
use std::borrow::Cow;

/// Instruction sets of a device that are looked at.
const MOST_ARCHS: usize = 8;

/// Fields that are kept as they were sent, by their names; and whether there were more than are kept.
#[derive(Debug, Default)]
pub(super) struct Kept<'a> {
    pub(super) fields: Vec<(Cow<'a, str>, &'a RawValue)>,
    pub(super) is_cut: bool,
}

object! {
    /// One event.
    Event<'a>, other: keep, {
        event_id: Text<'a> = "event_id",
        kind: Text<'a> = "type",
        platform: Text<'a> = "platform",
        level: Text<'a> = "level",
        timestamp: Timestamp = "timestamp",
        release: Text<'a> = "release",
        dist: Text<'a> = "dist",
        environment: Text<'a> = "environment",
        server_name: Text<'a> = "server_name",
        transaction: Text<'a> = "transaction",
        culprit: Text<'a> = "culprit",
        logger: Text<'a> = "logger",
        message: Message<'a> = "message",
        logentry: Message<'a> = "logentry" | "sentry.interfaces.Message",
        exceptions: List<Exception<'a>, EXCEPTIONS> = "exception" | "sentry.interfaces.Exception",
        threads: List<Thread<'a>, SENT_THREADS> = "threads",
        stacktrace: Stack = "stacktrace" | "sentry.interfaces.Stacktrace",
        crumbs: List<Crumb<'a>, CRUMBS> = "breadcrumbs" | "sentry.interfaces.Breadcrumbs",
        user: Raw<'a> = "user" | "sentry.interfaces.User",
        request: Raw<'a> = "request" | "sentry.interfaces.Http",
        contexts: Raw<'a> = "contexts",
        tags: Pairs<'a> = "tags",
        fingerprint: Texts<'a, FINGERPRINT> = "fingerprint",
        sdk: Sdk<'a> = "sdk",
    } [kept: Kept<'a>]
}

fn keep<'a, A: MapAccess<'a>>(event: &mut Event<'a>, name: Key<'a>, object: &mut A) -> Result<(), A::Error> {
    if event.kept.fields.len() == EXTRA_FIELDS {
        event.kept.is_cut = true;
        return object.next_value::<IgnoredAny>().map(|_| ());
    }
    event.kept.fields.push((name.0, object.next_value()?));
    Ok(())
}

object! {
    /// One exception of a chain.
    Exception<'a>, other: skip, {
        kind: Text<'a> = "type",
        value: Text<'a> = "value",
        module: Text<'a> = "module",
        thread_id: Text<'a> = "thread_id",
        mechanism: Mechanism<'a> = "mechanism",
        stacktrace: Stack = "stacktrace",
    } []
}

object! {
    /// How an exception was caught, and its place in a tree of them.
    Mechanism<'a>, other: skip, {
        kind: Text<'a> = "type",
        handled: Flag = "handled",
        source: Text<'a> = "source",
        exception_id: Whole = "exception_id",
    } []
}

object! {
    /// One thread.
    Thread<'a>, other: skip, {
        id: Text<'a> = "id",
        name: Text<'a> = "name",
        crashed: Flag = "crashed",
        current: Flag = "current",
        stacktrace: Stack = "stacktrace",
    } []
}

object! {
    /// One thing that happened before.
    Crumb<'a>, other: skip, {
        timestamp: Text<'a> = "timestamp",
        kind: Text<'a> = "type",
        level: Text<'a> = "level",
        category: Text<'a> = "category",
        message: Text<'a> = "message",
        data: Raw<'a> = "data",
    } []
}

object! {
    /// The client library.
    Sdk<'a>, other: skip, {
        name: Text<'a> = "name",
        version: Text<'a> = "version",
    } []
}

object! {
    /// Who was affected.
    User<'a>, other: skip, {
        id: Text<'a> = "id",
        email: Text<'a> = "email",
        username: Text<'a> = "username",
        ip_address: Text<'a> = "ip_address",
        geo: Geo<'a> = "geo",
    } []
}

object! {
    /// Where they were.
    Geo<'a>, other: skip, {
        country_code: Text<'a> = "country_code",
    } []
}

object! {
    /// The HTTP request that was being answered.
    Request<'a>, other: skip, {
        url: Text<'a> = "url",
        method: Text<'a> = "method",
    } []
}

object! {
    /// What is known of the surroundings.
    Contexts<'a>, other: skip, {
        device: Device<'a> = "device",
        os: Os<'a> = "os",
        app: App<'a> = "app",
        gpu: Gpu<'a> = "gpu",
        culture: Culture<'a> = "culture",
    } []
}

object! {
    Device<'a>, other: skip, {
        id: Text<'a> = "device_unique_identifier" | "device_unique_id" | "id",
        model: Text<'a> = "model",
        family: Text<'a> = "family",
        brand: Text<'a> = "brand",
        manufacturer: Text<'a> = "manufacturer",
        arch: Text<'a> = "arch",
        archs: Texts<'a, MOST_ARCHS> = "archs",
        processor: Text<'a> = "cpu_description" | "processor" | "chipset",
        simulator: Flag = "simulator",
        memory_size: Whole = "memory_size",
        free_memory: Whole = "free_memory" | "usable_memory",
        storage_size: Whole = "storage_size",
        free_storage: Whole = "free_storage",
        battery_level: Real = "battery_level",
        connection_type: Text<'a> = "connection_type",
    } []
}

object! {
    Os<'a>, other: skip, {
        name: Text<'a> = "name",
        version: Text<'a> = "version",
        build: Text<'a> = "build",
        rooted: Flag = "rooted",
    } []
}

object! {
    App<'a>, other: skip, {
        identifier: Text<'a> = "app_identifier",
        name: Text<'a> = "app_name",
        version: Text<'a> = "app_version",
        build: Text<'a> = "app_build",
        started: Timestamp = "app_start_time",
        in_foreground: Flag = "in_foreground",
    } []
}

object! {
    Gpu<'a>, other: skip, {
        name: Text<'a> = "name",
    } []
}

object! {
    Culture<'a>, other: skip, {
        locale: Text<'a> = "locale",
    } []
}
