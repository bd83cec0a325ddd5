//! The two who ask: an analyst by signed OpenAPI, an operator by token.

use super::http;
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

/// A user of the OpenAPI.
#[derive(Debug, Clone)]
pub struct Analyst {
    pub url: String,
    pub id: String,
    pub key: String,
}

impl Analyst {
    /// `?userSecret=…&localUserId=…&t=…` for now.
    pub fn signature(&self) -> String {
        self.signature_at(SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs())
    }

    /// The same for another time, in Unix seconds.
    pub fn signature_at(&self, t: u64) -> String {
        let secret = service::signature::sign(&service::config::Secret::new(self.key.clone()), &self.id, &t.to_string());
        format!("?userSecret={secret}&localUserId={}&t={t}", self.id)
    }

    pub fn try_ask(&self, operation: &str, body: &Value) -> Result<http::Reply, String> {
        http::post(&format!("{}/uniform/openapi/{operation}{}", self.url, self.signature()), body)
    }

    /// The reply's JSON; panics where the status is not 200.
    pub fn ask(&self, operation: &str, body: &Value) -> Value {
        let reply = self.try_ask(operation, body).unwrap();
        assert_eq!(reply.status, 200, "{operation}: {}", reply.text);
        reply.json()
    }

    /// Rows of the hourly trend (`yyyyMMddHH`, in the service's zone), by hour.
    pub fn hourly(&self, app: &str, platform: u8, category: &str, from: &str, to: &str) -> Vec<Value> {
        let body = json!({"appId": app, "platformId": platform, "version": "-1", "startDate": from, "endDate": to, "type": category, "dataType": "realTimeTrendData",
            "vm": 0, "needCountryDimension": false, "countryList": [], "mergeMultipleVersionsWithInaccurateResult": true});
        self.ask("getRealTimeHourlyStatEx", &body)["ret"]["data"].as_array().unwrap().clone()
    }
}

/// An administrator.
#[derive(Debug, Clone)]
pub struct Operator {
    pub url: String,
    pub token: String,
}

impl Operator {
    pub fn try_get(&self, path: &str) -> Result<http::Reply, String> {
        http::get(&format!("{}{path}", self.url), &[("authorization", &format!("Bearer {}", self.token))])
    }

    pub fn try_post(&self, path: &str, body: &Value) -> Result<http::Reply, String> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        http::post_with(&format!("{}{path}", self.url), &headers, body.to_string().as_bytes())
    }

    pub fn try_delete(&self, path: &str) -> Result<http::Reply, String> {
        http::delete(&format!("{}{path}", self.url), &[("authorization", &format!("Bearer {}", self.token))])
    }

    pub fn get(&self, path: &str) -> Value {
        let reply = self.try_get(path).unwrap();
        assert_eq!(reply.status, 200, "{path}: {}", reply.text);
        reply.json()
    }

    /// Waits until everything acknowledged so far is in the tables.
    pub fn drained(&self) {
        super::until("the lag is 0", || {
            let reply = self.try_get("/v1/admin/pipeline")?;
            let lag = serde_json::from_str::<Value>(&reply.text).ok().and_then(|reply| reply["lag"].as_i64());
            if reply.status == 200 && lag == Some(0) { Ok(()) } else { Err(reply.text) }
        });
    }
}
