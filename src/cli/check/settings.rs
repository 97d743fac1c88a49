//! The settings in force, and what is weak about them.

use std::net::IpAddr;

use ipnet::IpNet;

use super::Report;
use crate::{
    config::{self, OnOff, Settings, TrustedProxy},
    text::count,
};

pub fn look(report: &mut Report, settings: &Settings) {
    let found = report.0.len();
    for name in config::unknown_variables() {
        report.warn("settings", format!("{name} is no setting of rolecall"), "unset it");
    }
    public_url(report, settings);
    proxies(report, settings);
    passwords(report, settings);
    if report.0.len() == found {
        report.ok("settings", format!("they fit; people reach us at {}", settings.public_url));
    }
}

fn public_url(report: &mut Report, settings: &Settings) {
    let url = &settings.public_url;
    let is_assumed = settings.is_public_url_assumed;
    if is_assumed && !settings.trusted_proxies.is_empty() {
        report.warn(
            "public_url",
            format!("it is not set, though there is a proxy: links lead to {url}"),
            "set it to what people enter: ROLECALL_PUBLIC_URL=https://login.example.com",
        );
    } else if !url.is_https() && !url.is_loopback() {
        report.fail(
            "public_url",
            format!("{url} is not https: passwords and cookies can be read on the way"),
            "put a proxy with TLS before it and name the https address",
        );
    }
}

fn proxies(report: &mut Report, settings: &Settings) {
    let is_behind_one = settings.public_url.is_https();
    if settings.trusted_proxies.is_empty() && is_behind_one {
        report.warn(
            "trusted_proxies",
            "none, though public_url is https: all people have the proxy's address, and its limits",
            "name the proxy: ROLECALL_TRUSTED_PROXIES=127.0.0.1",
        );
    }
    for proxy in &settings.trusted_proxies {
        let TrustedProxy::Net(net) = proxy else { continue };
        let advice = "name the addresses of the proxies alone";
        if net.prefix_len() == 0 {
            let found = format!("{net} is everybody: anyone can pass for any address");
            report.fail("trusted_proxies", found, advice);
        } else if is_wide(net) {
            let found = format!("{net} holds very many public addresses that can pass for others");
            report.warn("trusted_proxies", found, advice);
        }
    }
}

/// More public addresses than the networks of large proxy services have.
fn is_wide(net: &IpNet) -> bool {
    let most = match net {
        IpNet::V4(_) => 12,
        IpNet::V6(_) => 29,
    };
    net.prefix_len() < most && !PRIVATE.iter().any(|private| private.contains(net))
}

/// Networks that no packet from elsewhere comes from (RFC 1918, 4193, 4291, 6598).
const PRIVATE: [IpNet; 8] = [
    net(IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 0)), 8),
    net(IpAddr::V4(std::net::Ipv4Addr::new(172, 16, 0, 0)), 12),
    net(IpAddr::V4(std::net::Ipv4Addr::new(192, 168, 0, 0)), 16),
    net(IpAddr::V4(std::net::Ipv4Addr::new(100, 64, 0, 0)), 10),
    net(IpAddr::V4(std::net::Ipv4Addr::new(169, 254, 0, 0)), 16),
    net(IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), 8),
    net(IpAddr::V6(std::net::Ipv6Addr::new(0xfc00, 0, 0, 0, 0, 0, 0, 0)), 7),
    net(IpAddr::V6(std::net::Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0, 0)), 10),
];

const fn net(address: IpAddr, prefix: u8) -> IpNet {
    IpNet::new_assert(address, prefix)
}

fn passwords(report: &mut Report, settings: &Settings) {
    if settings.throttle == OnOff::Off {
        report.fail(
            "throttle",
            "it is off: passwords may be guessed as fast as they are hashed",
            "take throttle=off out; it is for benchmarks",
        );
    }
    if config::is_cheap(&settings.argon2) {
        report.warn(
            "argon2",
            "it is cheaper than OWASP advises: from a stolen database passwords are guessed sooner",
            "take it out; the default is m=19456,t=2,p=1",
        );
    }
    if settings.password_min_length < config::ADVISED_PASSWORD_LENGTH {
        let length = settings.password_min_length as u64;
        report.warn(
            "password_min_length",
            format!("{} are few for the only factor", count(length, "character", "characters")),
            "take it out; the default is 15 (NIST SP 800-63B-4)",
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_wide_when_it_holds_many_public_addresses() {
        for (text, wide) in [
            ("10.0.0.0/8", false),
            ("127.0.0.1/32", false),
            ("fc00::/7", false),
            ("203.0.113.7/32", false),
            ("104.16.0.0/13", false),
            ("2a06:98c0::/29", false),
            ("8.0.0.0/8", true),
            ("10.0.0.0/7", true),
            ("0.0.0.0/1", true),
            ("2000::/3", true),
        ] {
            assert_eq!(is_wide(&text.parse().unwrap()), wide, "{text}");
        }
    }
}
