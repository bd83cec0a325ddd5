//! `raw_report`: a report of an authenticated client, not interpreted.

mod bounded;
mod datum;

pub use bounded::MAX_ITEMS;

use super::{Codec, Datum, Record};
use crate::category::Category;
use crate::digest::{self, Content};
use crate::ids::{Digest, ReportId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Another thread of the process, as sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Thread {
    pub name: String,
    pub stack: String,
}

/// A file that came with the report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Attachment {
    pub name: String,
    #[serde(with = "serde_bytes")]
    pub data: Vec<u8>,
}

/// One report. Absent text is empty; times are Unix milliseconds; sizes are bytes. The fields are described in `avro/raw_report.2.avsc`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawReport {
    pub report_id: ReportId,
    pub digest: Digest,
    pub app_id: String,
    /// The wire protocol it came by: `log-message`, `app-key`, `native`, `sentry`.
    pub dialect: String,
    pub category: Category,
    /// One of the category's [exception types](Category::exception_types).
    pub exception_type: String,
    /// Number of the [platform](crate::platform::Platform).
    pub platform_id: i32,
    #[serde(default)]
    pub platform: String,
    #[serde(default)]
    pub version: String,
    #[serde(default)]
    pub build_number: String,
    #[serde(default)]
    pub bundle_id: String,
    #[serde(default)]
    pub channel_id: String,
    #[serde(default)]
    pub sdk_version: String,
    #[serde(default)]
    pub device_id: String,
    #[serde(default)]
    pub user_id: String,
    #[serde(default)]
    pub session_id: String,
    #[serde(default)]
    pub event_id: String,
    #[serde(default)]
    pub occurred_at: Option<i64>,
    pub received_at: i64,
    #[serde(default)]
    pub exp_name: String,
    #[serde(default)]
    pub exp_message: String,
    #[serde(default)]
    pub call_stack: String,
    #[serde(default)]
    pub thread_name: String,
    #[serde(default)]
    pub process_name: String,
    #[serde(default, deserialize_with = "bounded::threads")]
    pub threads: Vec<Thread>,
    #[serde(default, deserialize_with = "bounded::texts")]
    pub fingerprint: Vec<String>,
    #[serde(default)]
    pub model: String,
    #[serde(default)]
    pub brand: String,
    #[serde(default)]
    pub os_name: String,
    #[serde(default)]
    pub os_version: String,
    #[serde(default)]
    pub rom: String,
    #[serde(default)]
    pub cpu_type: String,
    #[serde(default)]
    pub cpu_name: String,
    #[serde(default)]
    pub gpu: String,
    #[serde(default)]
    pub country: String,
    #[serde(default)]
    pub apn: String,
    #[serde(default)]
    pub is_rooted: Option<bool>,
    #[serde(default)]
    pub is_emulator: Option<bool>,
    #[serde(default)]
    pub in_background: Option<bool>,
    #[serde(default)]
    pub oom: Option<bool>,
    #[serde(default)]
    pub mem_size: Option<i64>,
    #[serde(default)]
    pub free_mem: Option<i64>,
    #[serde(default)]
    pub disk_size: Option<i64>,
    #[serde(default)]
    pub free_storage: Option<i64>,
    #[serde(default)]
    pub battery: Option<i64>,
    #[serde(default)]
    pub elapsed_time: Option<i64>,
    #[serde(default)]
    pub scene_tag: String,
    #[serde(default, deserialize_with = "bounded::texts")]
    pub tags: Vec<String>,
    #[serde(default, deserialize_with = "bounded::pairs")]
    pub user_key: BTreeMap<String, String>,
    #[serde(default, deserialize_with = "bounded::pairs")]
    pub server_key: BTreeMap<String, String>,
    #[serde(default)]
    pub user_logs: String,
    #[serde(default)]
    pub sys_logs: String,
    #[serde(default, deserialize_with = "bounded::attachments")]
    pub attachments: Vec<Attachment>,
    /// 1 fatal, 2 error, 3 warn, 4 info; 0 where the client gave none.
    #[serde(default)]
    pub level: i32,
    #[serde(default)]
    pub error_code: String,
    #[serde(default)]
    pub client_ip: String,
    #[serde(default)]
    pub user_agent: String,
    #[serde(default)]
    pub locale: String,
    /// JSON object, as sent; empty where there is none.
    #[serde(default)]
    pub context: String,
    /// JSON object of the fields that the dialect does not know; empty where there are none.
    #[serde(default)]
    pub extra: String,
    /// Names of the fields that were cut.
    #[serde(default, deserialize_with = "bounded::texts")]
    pub truncated: Vec<String>,
    /// Number of the content, below 2^53. It is 0 in old records; [`RawReport::content_number`] makes it from the digest there.
    #[serde(default)]
    pub content_id: i64,
}

impl RawReport {
    /// A report with the required fields; everything else is empty.
    #[must_use]
    pub fn new(app_id: &str, dialect: &str, category: Category, received_at: i64) -> Self {
        Self {
            report_id: ReportId([0; 16]),
            digest: Digest([0; 32]),
            app_id: app_id.to_owned(),
            dialect: dialect.to_owned(),
            category,
            exception_type: String::new(),
            platform_id: 10,
            platform: String::new(),
            version: String::new(),
            build_number: String::new(),
            bundle_id: String::new(),
            channel_id: String::new(),
            sdk_version: String::new(),
            device_id: String::new(),
            user_id: String::new(),
            session_id: String::new(),
            event_id: String::new(),
            occurred_at: None,
            received_at,
            exp_name: String::new(),
            exp_message: String::new(),
            call_stack: String::new(),
            thread_name: String::new(),
            process_name: String::new(),
            threads: Vec::new(),
            fingerprint: Vec::new(),
            model: String::new(),
            brand: String::new(),
            os_name: String::new(),
            os_version: String::new(),
            rom: String::new(),
            cpu_type: String::new(),
            cpu_name: String::new(),
            gpu: String::new(),
            country: String::new(),
            apn: String::new(),
            is_rooted: None,
            is_emulator: None,
            in_background: None,
            oom: None,
            mem_size: None,
            free_mem: None,
            disk_size: None,
            free_storage: None,
            battery: None,
            elapsed_time: None,
            scene_tag: String::new(),
            tags: Vec::new(),
            user_key: BTreeMap::new(),
            server_key: BTreeMap::new(),
            user_logs: String::new(),
            sys_logs: String::new(),
            attachments: Vec::new(),
            level: 0,
            error_code: String::new(),
            client_ip: String::new(),
            user_agent: String::new(),
            locale: String::new(),
            context: String::new(),
            extra: String::new(),
            truncated: Vec::new(),
            content_id: 0,
        }
    }

    /// Sets the hashes of the content.
    pub fn set_content(&mut self, content: &Content) {
        self.digest = content.digest;
        self.content_id = i64::try_from(content.id()).unwrap_or_default();
    }

    /// The number of the content: the same for the same content.
    #[must_use]
    pub fn content_number(&self) -> u64 {
        let own = u64::try_from(self.content_id).ok().filter(|id| *id > 0);
        own.unwrap_or_else(|| digest::content_id(&self.digest))
    }
}

impl Record for RawReport {
    const TOPIC: &'static str = "raw-reports";
    const SCHEMAS: &'static [&'static str] = &[include_str!("../../avro/raw_report.1.avsc"), include_str!("../../avro/raw_report.2.avsc")];
    const WRITE: Option<fn(&Self, &mut Datum<'_>)> = Some(Self::write);

    /// The report's id, so that a re-delivery is in the partition of the first delivery, and many reports of one crash spread over all partitions.
    fn key(&self) -> Vec<u8> {
        self.report_id.0.to_vec()
    }

    fn codec() -> &'static Codec {
        static CODEC: Codec = Codec::new();
        &CODEC
    }
}
