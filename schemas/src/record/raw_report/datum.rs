//! Writes a report field by field, in the order of `avro/raw_report.2.avsc`.
//!
//! The library looks up each field by its name and its type, which is most of the cost of writing, and the edge writes every report. A
//! test compares the bytes with those of the library and of the reference implementation, so it notices a field that is forgotten here.

use super::super::datum::Datum;
use super::{Attachment, RawReport, Thread};

impl RawReport {
    pub(super) fn write(&self, datum: &mut Datum<'_>) {
        datum.fixed(&self.report_id.0).fixed(&self.digest.0);
        datum.texts([&self.app_id, &self.dialect]).number(self.category as i64);
        datum.text(&self.exception_type).number(i64::from(self.platform_id));
        datum.texts([&self.platform, &self.version, &self.build_number, &self.bundle_id, &self.channel_id, &self.sdk_version]);
        datum.texts([&self.device_id, &self.user_id, &self.session_id, &self.event_id]);
        datum.maybe_number(self.occurred_at).number(self.received_at);
        datum.texts([&self.exp_name, &self.exp_message, &self.call_stack, &self.thread_name, &self.process_name]);
        datum.array(&self.threads, thread).list(&self.fingerprint);
        datum.texts([&self.model, &self.brand, &self.os_name, &self.os_version, &self.rom]);
        datum.texts([&self.cpu_type, &self.cpu_name, &self.gpu, &self.country, &self.apn]);
        datum.maybe(self.is_rooted).maybe(self.is_emulator).maybe(self.in_background).maybe(self.oom);
        datum.maybe_number(self.mem_size).maybe_number(self.free_mem).maybe_number(self.disk_size);
        datum.maybe_number(self.free_storage).maybe_number(self.battery).maybe_number(self.elapsed_time);
        datum.text(&self.scene_tag).list(&self.tags);
        datum.map(&self.user_key).map(&self.server_key);
        datum.texts([&self.user_logs, &self.sys_logs]).array(&self.attachments, attachment);
        datum.number(i64::from(self.level));
        datum.texts([&self.error_code, &self.client_ip, &self.user_agent, &self.locale, &self.context, &self.extra]);
        datum.list(&self.truncated).number(self.content_id);
    }
}

fn thread(datum: &mut Datum<'_>, thread: &Thread) {
    datum.text(&thread.name).text(&thread.stack);
}

fn attachment(datum: &mut Datum<'_>, attachment: &Attachment) {
    datum.text(&attachment.name).bytes(&attachment.data);
}
