//! One frame of a stack, as it is sent.

use super::lenient::{object, skip};
use super::values::{Flag, Text, Whole};

object! {
    /// One frame.
    Frame<'a>, other: skip, {
        function: Text<'a> = "function",
        module: Text<'a> = "module",
        filename: Text<'a> = "filename",
        abs_path: Text<'a> = "abs_path",
        line: Whole = "lineno",
        column: Whole = "colno",
        in_app: Flag = "in_app",
        package: Text<'a> = "package",
        address: Text<'a> = "instruction_addr",
        source: Text<'a> = "context_line",
        native: Flag = "native",
    } []
}
