//! Who may do what: accounts, and grants in Kafka's own words, so that a table of grants says the same here as its ACLs there.

use serde::{Deserialize, Serialize, Serializer};
use service::config::Secret;

/// Stands for every name of a kind.
pub const ANY: &str = "*";

/// An account as it is handed over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Letters, digits, `-`, `_`.
    pub name: String,
    #[serde(serialize_with = "exposed")]
    pub password: Secret<String>,
    pub grants: Vec<Grant>,
}

impl Account {
    /// One that may do everything.
    pub fn operator(name: &str, password: Secret<String>) -> Account {
        let all = |resource| Grant { resource, name: ANY.to_owned(), operations: vec![Operation::All] };
        Account { name: name.to_owned(), password, grants: [Resource::Topic, Resource::Group, Resource::Cluster].map(all).into() }
    }
}

/// What may be done with the resource of a name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    pub resource: Resource,
    /// The whole name; [`ANY`] is every name.
    pub name: String,
    pub operations: Vec<Operation>,
}

/// A kind of things.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Resource {
    Topic,
    Group,
    Cluster,
}

/// What can be done with them, by Kafka's names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Operation {
    All,
    Read,
    Write,
    Create,
    Delete,
    Alter,
    Describe,
    DescribeConfigs,
    AlterConfigs,
}

impl Operation {
    /// Whether who may do this may do `asked`, as Kafka has it.
    fn implies(self, asked: Operation) -> bool {
        use Operation::{All, Alter, AlterConfigs, Delete, Describe, DescribeConfigs, Read, Write};
        match self {
            All => true,
            Read | Write | Delete | Alter => asked == self || asked == Describe,
            AlterConfigs => asked == self || asked == DescribeConfigs,
            _ => asked == self,
        }
    }
}

/// Who a connection belongs to.
#[derive(Debug)]
pub struct Principal {
    pub name: String,
    pub grants: Vec<Grant>,
}

impl Principal {
    /// Whether it may do that with the resource of this name.
    pub fn may(&self, operation: Operation, resource: Resource, name: &str) -> bool {
        let covers = |grant: &&Grant| grant.resource == resource && (grant.name == ANY || grant.name == name);
        self.grants.iter().filter(covers).any(|grant| grant.operations.iter().any(|granted| granted.implies(operation)))
    }

    /// Whether there is a topic that it may write to.
    pub fn may_write_somewhere(&self) -> bool {
        let writes = |grant: &Grant| grant.operations.iter().any(|granted| granted.implies(Operation::Write));
        self.grants.iter().any(|grant| grant.resource == Resource::Topic && writes(grant))
    }
}

fn exposed<S: Serializer>(secret: &Secret<String>, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(secret.expose())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn principal(grants: &[(Resource, &str, &[Operation])]) -> Principal {
        let grant = |(resource, name, operations): &(Resource, &str, &[Operation])| Grant {
            resource: *resource,
            name: (*name).to_owned(),
            operations: operations.to_vec(),
        };
        Principal { name: "p".to_owned(), grants: grants.iter().map(grant).collect() }
    }

    #[test]
    fn a_grant_covers_its_name_and_what_it_implies() {
        use Operation::{All, AlterConfigs, Create, Describe, DescribeConfigs, Read, Write};
        let reader = principal(&[(Resource::Topic, "a", &[Read]), (Resource::Group, "a", &[Describe])]);
        assert!(reader.may(Read, Resource::Topic, "a") && reader.may(Describe, Resource::Topic, "a"));
        for (operation, resource, name) in [
            (Write, Resource::Topic, "a"),
            (Read, Resource::Topic, "ab"),
            (Read, Resource::Topic, ""),
            (Read, Resource::Group, "a"),
            (DescribeConfigs, Resource::Topic, "a"),
            (Create, Resource::Cluster, ""),
        ] {
            assert!(!reader.may(operation, resource, name), "{operation:?} {resource:?} {name}");
        }
        assert!(!reader.may_write_somewhere() && principal(&[(Resource::Topic, "b", &[Write])]).may_write_somewhere());
        let operator = principal(&[(Resource::Topic, ANY, &[All])]);
        assert!(operator.may(AlterConfigs, Resource::Topic, "闪退") && !operator.may(Read, Resource::Group, "a"));
    }

    #[test]
    fn an_account_is_handed_over_whole_and_shown_without_its_password() {
        let account = Account::operator("o", "密码".into());
        let text = serde_json::to_string(&[&account]).unwrap();
        assert_eq!(serde_json::from_str::<Vec<Account>>(&text).unwrap(), std::slice::from_ref(&account));
        assert!(!format!("{account:?}").contains("密码"));
    }
}
