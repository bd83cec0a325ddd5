//! The app and platform that nearly every operation is about.

use super::{Block, Context, Integer, Text};
use crate::error::{Error, Rejection, invalid};
use crate::store::{Bind, Statement};
use schemars::JsonSchema;
use serde::Deserialize;

/// How a [`Target`] is spelled.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "Target")]
pub struct TargetFields {
    /// Id of the app, as in the credentials.
    app_id: Option<Text>,
    /// Platform of the app: 1 Android, 2 iOS, 10 PC.
    platform_id: Option<Integer>,
    /// Older name of platformId; used where that is absent.
    pid: Option<Integer>,
}

/// An app on a platform.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Target {
    pub app: String,
    /// 1 Android, 2 iOS, 10 PC.
    pub platform: u8,
}

impl Block for Target {
    type Fields = TargetFields;

    fn check(fields: TargetFields, _: &Context<'_>) -> Result<Self, Error> {
        let app = fields.app_id.ok_or_else(|| Rejection::parameter("appId", "missing"))?;
        let platform = fields.platform_id.or(fields.pid).ok_or_else(|| Rejection::parameter("platformId", "missing"))?;
        match u8::try_from(platform.0) {
            Ok(platform @ (1 | 2 | 10)) => Ok(Self { app: app.0, platform }),
            _ => Err(invalid("platformId", "expected 1, 2 or 10")),
        }
    }
}

impl Bind for Target {
    const BLOCK: &'static str = "target";
    const NAMES: &'static [&'static str] = &["app", "platform"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.text("app", &self.app).unsigned("platform", self.platform)
    }
}
