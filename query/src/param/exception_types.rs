//! Which exception types are asked for: members of the three categories.

use super::{Block, Context, Text};
use crate::error::{Error, invalid};
use crate::store::{Bind, Statement};
use schemars::JsonSchema;
use schemas::record::Category;
use serde::Deserialize;

/// How [`ExceptionTypes`] are spelled.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "ExceptionTypes")]
pub struct ExceptionTypeFields {
    /// Exception types, separated by commas; all where none is named.
    exception_type_list: Option<Text>,
}

/// What a list of exception types leaves.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ExceptionTypes {
    /// Categories of which at least one member is named; all where the list is empty.
    pub categories: Vec<String>,
    /// The members; empty where the categories say it all.
    pub members: Vec<String>,
}

const MEMBERS: [(Category, &[&str]); 3] = [
    (Category::Crash, &["Crash", "Native", "ExtensionCrash"]),
    (Category::Anr, &["ANR"]),
    (Category::Error, &["AllCatched", "Unity3D", "Lua", "JS"]),
];

impl Block for ExceptionTypes {
    type Fields = ExceptionTypeFields;

    fn check(fields: ExceptionTypeFields, _: &Context<'_>) -> Result<Self, Error> {
        Self::read(fields.exception_type_list.as_ref())
    }
}

impl Bind for ExceptionTypes {
    const BLOCK: &'static str = "exception_types";
    const NAMES: &'static [&'static str] = &["categories", "exception_types"];

    fn bind(&self, statement: Statement) -> Statement {
        statement.texts("categories", &self.categories).texts("exception_types", &self.members)
    }
}

impl ExceptionTypes {
    /// Reads a comma list. `AllCrash` is every crash.
    ///
    /// # Errors
    /// A name that is not an exception type.
    fn read(list: Option<&Text>) -> Result<Self, Error> {
        let names: Vec<&str> = list.map_or("", |list| list).split(',').map(str::trim).filter(|name| !name.is_empty()).collect();
        let mut types = Self::default();
        let mut whole = true;
        let all_crash = names.contains(&"AllCrash");
        for (category, members) in MEMBERS {
            let all = names.is_empty() || all_crash && category == Category::Crash;
            let named = members.iter().filter(|member| all || names.contains(member));
            let named: Vec<String> = named.map(|member| (*member).to_owned()).collect();
            if !named.is_empty() {
                types.categories.push(category.name().to_owned());
                whole &= named.len() == members.len();
                types.members.extend(named);
            }
        }
        let known = |name: &&str| *name == "AllCrash" || MEMBERS.iter().any(|(_, members)| members.contains(name));
        if let Some(unknown) = names.iter().find(|name| !known(name)) {
            return Err(invalid("exceptionTypeList", format!("no exception type is called {unknown}")));
        }
        if whole {
            types.members.clear();
        }
        Ok(types)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn read(list: &str) -> ExceptionTypes {
        ExceptionTypes::read(Some(&Text(list.to_owned()))).unwrap()
    }

    #[test]
    fn whole_categories_need_no_members() {
        assert_eq!(read("").categories, ["crash", "anr", "error"]);
        assert_eq!(read("").members, [""; 0]);
        assert_eq!(read("Crash,Native,ExtensionCrash").categories, ["crash"]);
        assert_eq!(read("AllCrash,ANR"), ExceptionTypes { categories: vec!["crash".into(), "anr".into()], members: vec![] });
    }

    #[test]
    fn parts_of_a_category_are_named() {
        assert_eq!(read("Crash, Native").members, ["Crash", "Native"]);
        assert_eq!(read("ANR,Lua").members, ["ANR", "Lua"]);
        assert!(ExceptionTypes::read(Some(&Text("Crash,卡顿".to_owned()))).is_err());
    }
}
