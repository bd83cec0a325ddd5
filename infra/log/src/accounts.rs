//! The accounts of the broker, with what verifies their passwords.

use crate::access::{Account, Principal};
use crate::scram::{Known, Verifier};
use std::collections::HashMap;
use std::sync::Arc;

/// All accounts, with what verifies their passwords.
pub struct Accounts {
    by_name: HashMap<String, Known>,
    /// Stands in for an unknown name, so that it fails as late as a wrong password.
    unknown: Known,
}

impl Accounts {
    /// Works for some milliseconds for each account, which is what each guess of a password costs.
    pub fn new(accounts: &[Account]) -> Accounts {
        let verified = |account: &Account| {
            let principal = Principal { name: account.name.clone(), grants: account.grants.clone() };
            let known = Known { verifier: Verifier::of(account.password.expose()), principal: Arc::new(principal) };
            (account.name.clone(), known)
        };
        let nobody = Principal { name: String::new(), grants: Vec::new() };
        let unknown = Known { verifier: Verifier::unknown(), principal: Arc::new(nobody) };
        Accounts { by_name: accounts.iter().map(verified).collect(), unknown }
    }

    /// The account of a name; for an unknown name one that no password opens.
    pub fn find(&self, name: &str) -> Known {
        self.by_name.get(name).unwrap_or(&self.unknown).clone()
    }
}

/// Shows no verifier: passwords could be guessed from one.
impl std::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.by_name.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_shown_without_what_verifies_them() {
        let accounts = Accounts::new(&[Account::operator("o", "密码".into())]);
        assert_eq!(format!("{accounts:?}"), "[\"o\"]");
    }
}
