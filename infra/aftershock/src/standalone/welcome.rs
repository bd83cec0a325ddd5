//! What standalone tells the person who started it: where to send and ask, as lines to paste into a shell.

use super::urls::Urls;
use service::credentials::{App, Credentials, User};
use std::fmt::Write;
use std::path::Path;

/// What the lines are made of.
pub struct Welcome<'a> {
    pub urls: &'a Urls,
    pub credentials: &'a Credentials,
    pub file: &'a Path,
    /// The credentials were made at this start and are shown, this once.
    pub fresh: bool,
    /// The first and the last hour of today as the OpenAPI writes them.
    pub today: (String, String),
}

/// Keys as they stand in a shell line: themselves, or a variable to be set.
struct Keys {
    app: String,
    user: String,
    token: String,
}

impl Welcome<'_> {
    /// The text.
    pub fn text(&self) -> String {
        let Urls { ingest, query, ingest_admin, query_admin, processor } = self.urls;
        let file = self.file.display();
        let mut text = format!(
            "\nAftershock is ready.\n\n  send to      {ingest}\n  ask          {query}\n  metrics      {ingest_admin}/metrics {query_admin}/metrics {processor}/metrics\n"
        );
        let _ = writeln!(text, "  credentials  {file}{}", if self.fresh { " (made now; its keys are shown this once)" } else { "" });
        let app = self.credentials.default_app().or(self.credentials.apps.first());
        let user = app.and_then(|app| self.credentials.users.iter().find(|user| user.may_see(&app.id)));
        if let (Some(app), Some(user)) = (app, user) {
            let keys = self.keys(app, user);
            if !self.fresh {
                let _ = writeln!(
                    text,
                    "\nThe lines below take APP_KEY, USER_KEY and TOKEN from there: the keys of [[apps]] and [[users]], the token of [[admins]]."
                );
            }
            text.push_str(&self.lines(app, user, &keys));
            if [&self.urls.ingest, &self.urls.query].iter().any(|url| url.starts_with("https:")) {
                text.push_str(
                    "-k is for the certificate, which names another host than the address above; by its own name it is not needed.\n\n",
                );
            }
        }
        text
    }

    fn keys(&self, app: &App, user: &User) -> Keys {
        let token = self.credentials.admins.first().map(|admin| admin.token.expose().clone());
        match self.fresh {
            true => Keys { app: app.key.expose().clone(), user: user.key.expose().clone(), token: token.unwrap_or_default() },
            false => Keys { app: "$APP_KEY".to_owned(), user: "$USER_KEY".to_owned(), token: "$TOKEN".to_owned() },
        }
    }

    fn lines(&self, app: &App, user: &User, keys: &Keys) -> String {
        // A certificate hardly ever names the address that is listened on.
        let curl = |url: &str| if url.starts_with("https:") { "curl -sSk" } else { "curl -sS" };
        let Urls { ingest, query, .. } = self.urls;
        let (send, ask) = (curl(ingest), curl(query));
        let (id, user) = (&app.id, &user.id);
        let (first, last) = &self.today;
        let dsn = app.sentry_project.map(|project| {
            let (scheme, address) = ingest.split_once("://").unwrap_or(("http", ingest));
            format!("\nThe DSN for client libraries of Sentry:\n  {scheme}://{}@{address}/{project}\n", keys.app)
        });
        let dsn = dsn.unwrap_or_default();
        format!(
            r#"
Report a crash:
  {send} {ingest}/v1/reports -H "X-App-Key: {}" -H 'Content-Type: application/json' -d '{{"category":"crash","platformId":1,"productVersion":"1.0.0","deviceId":"device-1","expName":"java.lang.IllegalStateException","expMessage":"first crash","callStack":"at com.example.Main.run(Main.java:7)"}}'

Report the start of an app:
  {send} {ingest}/v1/connections -H "X-App-Key: {}" -H 'Content-Type: application/json' -d '{{"platformId":1,"productVersion":"1.0.0","deviceId":"device-1"}}'
{dsn}
Ask for today's crashes by hour, signed:
  t=$(date +%s); s=$(printf %s "{user}_$t" | openssl dgst -sha256 -hmac "{}" | sed 's/.* //' | tr -d '\n' | base64 | tr -d '\n'); {ask} "{query}/uniform/openapi/getRealTimeHourlyStatEx?userSecret=$s&localUserId={user}&t=$t" -H 'Content-Type: application/json' -d '{{"appId":"{id}","platformId":1,"type":"crash","startDate":"{first}","endDate":"{last}","dataType":"realTimeTrendData","vm":0,"version":"-1"}}'

Ask how far the tables are behind:
  {ask} {query}/v1/admin/pipeline -H "Authorization: Bearer {}"

"#,
            keys.app, keys.app, keys.user, keys.token
        )
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn text(fresh: bool, credentials: &Credentials) -> String {
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let urls = Urls { ingest: url(1), processor: url(2), query: url(3), ingest_admin: url(4), query_admin: url(5) };
        let today = ("2026112200".to_owned(), "2026112223".to_owned());
        Welcome { urls: &urls, credentials, file: Path::new("data/credentials.toml"), fresh, today }.text()
    }

    #[test]
    fn keys_are_shown_once_only() {
        let credentials = Credentials::generate().unwrap();
        let (app, user) = (credentials.apps[0].key.expose(), credentials.users[0].key.expose());
        let first = text(true, &credentials);
        assert!(first.contains(&format!("http://{app}@127.0.0.1:1/1")), "{first}");
        assert!(
            first.contains("metrics      http://127.0.0.1:4/metrics http://127.0.0.1:5/metrics http://127.0.0.1:2/metrics\n"),
            "{first}"
        );
        assert!(first.contains(app) && first.contains(user) && first.contains(credentials.admins[0].token.expose()));
        let later = text(false, &credentials);
        assert!(!later.contains(app) && !later.contains(user) && !later.contains(credentials.admins[0].token.expose()));
        assert!(later.contains("$APP_KEY") && later.contains("data/credentials.toml"));
    }

    #[test]
    fn encrypted_servers_are_asked_so() {
        let url = |port: u16| format!("http://127.0.0.1:{port}");
        let (ingest, processor, query) = ("https://127.0.0.1:1".to_owned(), url(2), url(3));
        let urls = Urls { ingest, processor, query, ingest_admin: url(4), query_admin: url(5) };
        let credentials = Credentials::generate().unwrap();
        let today = (String::new(), String::new());
        let text = Welcome { urls: &urls, credentials: &credentials, file: Path::new("c.toml"), fresh: true, today }.text();
        assert!(
            text.contains("curl -sSk https://127.0.0.1:1/v1/reports") && text.contains("curl -sS http://127.0.0.1:3/v1/admin"),
            "{text}"
        );
    }

    #[test]
    fn without_an_app_only_the_addresses_are_told() {
        let text = text(true, &Credentials::default());
        assert!(text.contains("http://127.0.0.1:1") && !text.contains("curl"), "{text}");
    }
}
