//! Where to go after a login: a path of our host, or an address whose origin is allowed. Anything
//! else becomes the account, so that a login link leads nowhere that its maker chose.

#[cfg(test)]
mod properties;

use url::Url;

use crate::config::{Origin, Settings};

/// Longest address that is followed, in bytes.
pub const MAX_BYTES: usize = 2048;

/// A checked return address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Next {
    location: String,
    origin: Option<String>,
}

impl Next {
    /// Reads a return address as it came in a query or form, decoded once.
    pub fn parse(text: &str, settings: &Settings) -> Self {
        Self::checked(text, settings).unwrap_or_else(|| Self::account(settings))
    }

    /// The same, or `None` when there is none or it is not to be followed.
    pub fn checked(text: &str, settings: &Settings) -> Option<Self> {
        let is_plain = text.bytes().all(|byte| (0x21..0x7f).contains(&byte) && byte != b'\\');
        if text.is_empty() || text.len() > MAX_BYTES || !is_plain {
            return None;
        }
        if text.starts_with('/') {
            local(text)
        } else {
            foreign(text, &settings.allowed_return_origins)
        }
    }

    fn account(settings: &Settings) -> Self {
        Self { location: settings.public_url.path("/account"), origin: None }
    }

    /// For a `Location` header.
    pub fn location(&self) -> &str {
        &self.location
    }

    /// The origin it leads to, when that is not ours.
    pub fn origin(&self) -> Option<&str> {
        self.origin.as_deref()
    }
}

/// A path of our host, be it ours or another application's. Browsers and proxies disagree on doubled and encoded slashes, backslashes,
/// dots and control characters in a path, so it may have none of them.
fn local(text: &str) -> Option<Next> {
    let path = text.split(['?', '#']).next().unwrap_or_default();
    let lower = path.to_ascii_lowercase();
    let is_odd = lower.contains("//")
        || lower.split('/').any(|segment| matches!(segment, "." | ".."))
        || ["%2f", "%5c", "%2e", "%25", "%7f"].iter().any(|odd| lower.contains(odd))
        || has_encoded_control(&lower);
    let resolved = Url::parse("http://ours.invalid").and_then(|base| base.join(text)).ok()?;
    let is_ours = resolved.host_str() == Some("ours.invalid") && resolved.scheme() == "http";
    (is_ours && !is_odd).then(|| Next { location: text.to_owned(), origin: None })
}

fn has_encoded_control(path: &str) -> bool {
    path.contains("%0") || path.contains("%1")
}

fn foreign(text: &str, allowed: &[Origin]) -> Option<Next> {
    if !text.starts_with("https://") {
        return None;
    }
    let url = Url::parse(text).ok()?;
    let location = url.to_string();
    let is_plain = url.username().is_empty() && url.password().is_none();
    let origin = url.origin().ascii_serialization();
    // The text itself begins with the origin: nothing in it was read in another way.
    let is_same_text = text
        .strip_prefix(origin.as_str())
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    let is_allowed = allowed.iter().any(|one| one.0 == origin);
    // Encoding makes it longer, and it comes back in the form of the login.
    let is_short = location.len() <= MAX_BYTES;
    (is_plain && is_same_text && is_allowed && is_short)
        .then_some(Next { location, origin: Some(origin) })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Chosen;

    fn settings() -> Settings {
        let origins = "https://app.example.com,https://b.example.com:8443,\
                       https://xn--bcher-kva.example,https://127.0.0.1,https://[::2]";
        let origins = origins.parse().ok();
        Settings::resolve(Chosen { allowed_return_origins: origins, ..Chosen::default() }).unwrap()
    }

    #[test]
    fn local_paths_are_followed() {
        for path in ["/", "/account", "/a/b?c=d&e=%2F%2Fx", "/a#b", "/reports/2026?next=https://x"]
        {
            assert_eq!(Next::parse(path, &settings()).location(), path);
            assert_eq!(Next::parse(path, &settings()).origin(), None);
        }
    }

    #[test]
    fn allowed_origins_are_followed() {
        for url in [
            "https://app.example.com/a?b=c",
            "https://b.example.com:8443/",
            "https://xn--bcher-kva.example/",
            "https://127.0.0.1/",
            "https://[::2]/",
        ] {
            assert_eq!(Next::parse(url, &settings()).location(), url);
            assert!(Next::parse(url, &settings()).origin().is_some());
        }
    }

    #[test]
    fn anything_else_leads_to_the_account() {
        let long = format!("/{}", "a".repeat(MAX_BYTES));
        let long_encoded = format!("https://app.example.com/{}", "\"".repeat(MAX_BYTES / 2));
        for hostile in [
            "",
            "//evil.example",
            "///evil.example",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\u{0}/",
            " /account",
            "https:evil.example",
            "https:/evil.example",
            "https://evil.example",
            "http://app.example.com/",
            "https://app.example.com.evil.example/",
            "https://app.example.com@evil.example/",
            "https://user@app.example.com/",
            "https://app.example.com:444/",
            "https://app.example.com\\@evil.example/",
            "https://APP.example.com/",
            "https://app.example.com./",
            "https://app.example.com.:443/",
            "https://app.example.com:443/",
            "https://app.example.com:00443/",
            "https://app.example.com:/",
            "https://app.example.com:8443/",
            "https://b.example.com/",
            "https://@app.example.com/",
            "https://:@app.example.com/",
            "https://:pw@app.example.com/",
            "https://app.example.com%40evil.example/",
            "https://app.example.com%2eevil.example/",
            "https://app%2eexample.com/",
            "https://app\u{3002}example.com/",
            "https://xn--app-.example.com/",
            "https://xn--pp-1ia.example.com/",
            "https://\u{430}pp.example.com/",
            "https://b\u{fc}cher.example/",
            "https://xn--BCHER-KVA.example/",
            "https://bxn--bcher-kva.example/",
            "https://2130706433/",
            "https://0x7f.1/",
            "https://0177.0.0.1/",
            "https://127.1/",
            "https://127.0.0.1:443/",
            "https://127.0.0.01/",
            "https://127.0.0.1./",
            "https://[::ffff:127.0.0.1]/",
            "https://[::1]/",
            "https://[0:0:0:0:0:0:0:2]/",
            "https://[::2%25eth0]/",
            "javascript:alert(1)",
            "data:text/html,x",
            "/%2f/evil.example",
            "/%2F%2Fevil.example",
            "/%5Cevil.example",
            "/.//evil.example",
            "/..//evil.example",
            "/a/../..//evil.example",
            "/%2e%2e//evil.example",
            "/%0d%0aSet-Cookie:x=y",
            "/%09/evil.example",
            "/%252f%252fevil.example",
            "account",
            "?next",
            "/é",
            "/a b",
            long.as_str(),
            long_encoded.as_str(),
        ] {
            assert_eq!(Next::parse(hostile, &settings()).location(), "/account", "{hostile:?}");
        }
    }
}
