//! The app-key dialect's `version/check`: what a client has installed and where it runs.
//!
//! Where the protocol leaves a choice: an absent or empty `platform` is an unknown one (Python's `platform.system()` is empty where it
//! cannot tell), `machine_id` is optional, and other fields are skipped.

use super::extra::Extra;
use super::object::{Draft, Field};
use super::{Identify, app_key, required};
use crate::rejection::Rejection;
use crate::update::UpdateRequest;
use schemas::version::Version;
use serde::de::MapAccess;

/// Reads the question of a client.
///
/// # Errors
/// A body that is not a JSON object, a key that `identify` refuses, a `current_version` that is missing or not a version, a known
/// field of a wrong type.
pub fn parse(body: &[u8], identify: Identify<'_>) -> Result<UpdateRequest, Rejection> {
    let none = String::new;
    app_key::read(body, identify, || Check { identify, key: none(), current_version: none(), platform: none(), machine_id: none() })
}

struct Check<'a> {
    identify: Identify<'a>,
    key: String,
    current_version: String,
    platform: String,
    machine_id: String,
}

impl Draft for Check<'_> {
    type Record = UpdateRequest;

    fn read<'de, A: MapAccess<'de>>(&mut self, field: Field<'_, A>) -> Result<(), A::Error> {
        match field.name() {
            "app_key" => field.text(&mut self.key),
            "current_version" => field.text(&mut self.current_version),
            "platform" => field.text(&mut self.platform),
            "machine_id" => field.text(&mut self.machine_id),
            _ => field.skip(),
        }
    }

    fn finish(self, _: Extra) -> Result<UpdateRequest, Rejection> {
        let Self { identify, key, current_version, platform, machine_id } = self;
        identify(&key)?;
        required("current_version", &current_version)?;
        let current = Version::parse(&current_version).map_err(|error| Rejection::invalid(format!("current_version: {error}")))?;
        Ok(UpdateRequest { current_version, current, platform: platform.trim().to_lowercase(), machine_id })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::dialect::Received;
    use serde_json::{Value, json};

    fn read(body: &[u8]) -> Result<UpdateRequest, Rejection> {
        parse(body, &|_| Ok(Received::default()))
    }

    fn refusal(body: Value) -> String {
        read(body.to_string().as_bytes()).unwrap_err().to_string()
    }

    #[test]
    fn the_platform_is_compared_in_lower_case() {
        let question =
            read(json!({"app_key": "k", "current_version": "v1.2", "platform": " Windows ", "machine_id": "机器"}).to_string().as_bytes());
        let current = Version::parse("1.2.0").unwrap();
        let expected =
            UpdateRequest { current_version: "v1.2".to_owned(), current, platform: "windows".to_owned(), machine_id: "机器".to_owned() };
        assert_eq!(question, Ok(expected));
        let bare = read(br#"{"current_version":"1.2.3.4","platform":null,"new":[{}]}"#).unwrap();
        assert_eq!((bare.platform.as_str(), bare.machine_id.as_str()), ("", ""));
    }

    #[test]
    fn what_cannot_be_answered_says_why() {
        assert_eq!(refusal(json!({"platform": "linux"})), "current_version: is required");
        assert_eq!(
            refusal(json!({"current_version": "最新"})),
            "current_version: expected one to four numbers with dots between them, such as 1.2.3"
        );
        assert_eq!(refusal(json!({"current_version": "1.2.3.4.5"})), "current_version: it has more than four numbers");
        assert!(refusal(json!({"current_version": 1.2})).contains("current_version"));
        assert!(refusal(json!({"current_version": "1.2", "platform": 7})).contains("platform"));
        assert!(refusal(json!([])).len() > 1);
    }
}
