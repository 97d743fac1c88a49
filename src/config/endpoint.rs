//! Where traces are sent.

use std::{fmt, str::FromStr};

use url::Url;

use super::ConfigError;

/// The http address of a collector that speaks OTLP, without the path of any one signal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint(Url);

impl Endpoint {
    /// Where traces are posted (OTLP 1.9, OTLP/HTTP Request).
    pub fn traces(&self) -> String {
        format!("{}/v1/traces", self.0.as_str().trim_end_matches('/'))
    }
}

impl FromStr for Endpoint {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "{text:?} is no http URL of a collector, such as http://127.0.0.1:4318 (https is not spoken)"
            )
        };
        let url = Url::parse(text).map_err(|_| wrong())?;
        let alone = url.query().is_none() && url.fragment().is_none();
        let plain = url.username().is_empty() && url.password().is_none() && url.has_host();
        if url.scheme() == "http" && alone && plain { Ok(Self(url)) } else { Err(wrong()) }
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What was chosen, if this program was built with traces.
pub(super) fn if_built(
    chosen: Option<Endpoint>,
    is_built: bool,
) -> Result<Option<Endpoint>, ConfigError> {
    if chosen.is_some() && !is_built { Err(ConfigError::NoTraces) } else { Ok(chosen) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_collector_is_an_http_url_and_traces_are_posted_below_it() {
        for (text, traces) in [
            ("http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/traces"),
            ("http://127.0.0.1:4318/", "http://127.0.0.1:4318/v1/traces"),
            ("http://[::1]:4318", "http://[::1]:4318/v1/traces"),
            ("http://collector/otlp", "http://collector/otlp/v1/traces"),
        ] {
            assert_eq!(text.parse::<Endpoint>().unwrap().traces(), traces);
        }
        for text in [
            "",
            "127.0.0.1:4318",
            "https://collector.example.com",
            "grpc://127.0.0.1:4317",
            "http://",
            "http://kim:secret@collector",
            "http://collector?a=b",
            "http://collector/#a",
        ] {
            assert!(text.parse::<Endpoint>().is_err(), "{text:?}");
        }
    }

    #[test]
    fn a_program_without_traces_refuses_the_setting_and_says_how_it_is_built_with_them() {
        let endpoint: Endpoint = "http://127.0.0.1:4318".parse().unwrap();
        let refused = if_built(Some(endpoint.clone()), false).unwrap_err().to_string();
        assert!(refused.contains("--features otlp"), "{refused}");
        assert_eq!(if_built(Some(endpoint.clone()), true).unwrap(), Some(endpoint));
        assert_eq!(if_built(None, false).unwrap(), None);
    }
}
