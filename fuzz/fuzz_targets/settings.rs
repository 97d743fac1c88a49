//! Every kind of setting, alone and in the settings file; and times.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::{
    clock,
    config::{Chosen, HashParams, Listen, Origin, PublicUrl, Settings, Span, TrustedProxy},
};
use rolecall_fuzz::spelled;

#[rustfmt::skip]
const WORDS: &[&str] = &[
    "listen = \"", "public_url = \"", "trusted_proxies = [\"", "cookie_domain = \"",
    "allowed_return_origins = \"", "argon2 = \"", "hash_slots = ", "idle_timeout = \"", "\"\n", "\"]\n",
    "unix:", "127.0.0.1", ":8000", "[::1]", "::ffff:10.0.0.0", "/104", "/8", "https://", "http://",
    "login.example.com", ".", "m=19456,t=2,p=1", "m=", ",t=", ",p=", "4294967295", "15m", "12h",
    "30d", "10years", "2026-11-23T08:00:00", "Z", "+23:59", "9999-12-31T23:59:60", "xn--", "\u{200d}",
];

fuzz_target!(|bytes: &[u8]| {
    let text = spelled(bytes, WORDS);
    let text = text.as_str();
    if let Ok(listen) = text.parse::<Listen>() {
        assert_eq!(listen.to_string().parse(), Ok(listen));
    }
    if let Ok(url) = text.parse::<PublicUrl>() {
        assert!(url.is_origin(url.origin()));
        assert_eq!(
            url.to_string().parse::<PublicUrl>().map(|url| url.to_string()),
            Ok(url.to_string())
        );
    }
    if let Ok(origin) = text.parse::<Origin>() {
        assert!(origin.0.starts_with("https://"));
        assert_eq!(origin.0.parse(), Ok(origin));
    }
    if let (Ok(proxy), Ok(ip)) = (text.parse::<TrustedProxy>(), text.parse()) {
        assert!(proxy.covers(Some(ip)));
    }
    if let Ok(HashParams(params)) = text.parse() {
        assert!(params.m_cost() <= rolecall::config::MAX_HASH_KIB);
    }
    if let Ok(Span(span)) = text.parse() {
        assert!((1..=10 * 365 * 86_400).contains(&span.whole_seconds()));
    }
    if let Some(time) = clock::parse(text) {
        assert!((1970..=9999).contains(&time.year()));
    }
    let chosen = Chosen {
        cookie_domain: text.parse().ok(),
        trusted_proxies: text.parse().ok(),
        allowed_return_origins: text.parse().ok(),
        ..toml::from_str(text).unwrap_or_default()
    };
    let _ = Settings::resolve(chosen);
});
