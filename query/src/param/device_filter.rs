//! Which kind of devices is asked for.

use super::{Block, Context, Integer};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a [`DeviceFilter`] is spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[schemars(rename = "DeviceFilter")]
pub struct DeviceFields {
    /// Kind of device: 0 all (as where it is absent), 1 real devices, 2 emulators.
    vm: Option<Integer>,
}

/// 0 all, 1 real devices, 2 emulators.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DeviceFilter(pub u8);

impl Block for DeviceFilter {
    type Fields = DeviceFields;

    fn check(fields: DeviceFields, _: &Context<'_>) -> Result<Self, Error> {
        match u8::try_from(fields.vm.unwrap_or_default().0) {
            Ok(kind @ 0..=2) => Ok(Self(kind)),
            _ => Err(invalid("vm", "expected 0, 1 or 2")),
        }
    }
}

impl Bind for DeviceFilter {
    const BLOCK: &'static str = "device_kind";
    const NAMES: &'static [&'static str] = &["vm"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.unsigned("vm", self.0)
    }
}
