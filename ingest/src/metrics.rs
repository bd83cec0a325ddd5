//! The metrics of the edge.

service::metrics! {
    /// What clients say that they did not send, by their reason and category.
    CLIENT_DISCARDED: Counter = "aftershock_client_discarded_total" [reason, category];
    /// Connections by dialect, outcome and reason.
    CONNECTIONS: Counter = "aftershock_connections_total" [dialect, outcome, reason];
    /// 1 while reports are refused for want of room on the disk.
    DISK_FULL: Gauge = "aftershock_disk_full" [];
    /// Bytes free on the disk of log and tables, where the edge watches it.
    DISK_FREE_BYTES: Gauge = "aftershock_disk_free_bytes" [];
    /// Free bytes below which reports are refused.
    DISK_MIN_FREE_BYTES: Gauge = "aftershock_disk_min_free_bytes" [];
    /// Records that wait for the log's acknowledgement.
    PUBLISH_QUEUE_RECORDS: Gauge = "aftershock_publish_queue_records" [];
    /// Bytes of request bodies by dialect.
    RECEIVED_BYTES: Counter = "aftershock_received_bytes_total" [dialect];
    /// Records of releases without a valid MAC, each time that the topic is read.
    RELEASES_REFUSED: Counter = "aftershock_releases_refused_total" [];
    /// Reports by dialect, outcome and reason.
    REPORTS: Counter = "aftershock_reports_total" [dialect, outcome, reason];
    /// Items of envelopes that were taken and not used, by kind.
    UNUSED_ITEMS: Counter = "aftershock_unused_items_total" [kind];
    /// Questions for a newer release by outcome: update, current, or the reason of a refusal.
    VERSION_CHECKS: Counter = "aftershock_version_checks_total" [outcome];
}
