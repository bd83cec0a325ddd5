//! The metrics of the query service.

service::metrics! {
    /// Time from asking for a permit to the last row of a statement, or to its failure.
    STATEMENT_SECONDS: Histogram = "aftershock_statement_seconds" [outcome];
}
