//! Devices that know an account: a signed cookie, one for each account that has signed in there.
//! It opens nothing. Its tries are counted apart from those of strangers, so that nobody can
//! lock a person out of their own devices.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use sha2::{Digest, Sha256};
use time::Duration;

use super::{
    Result,
    key::{Keys, Use},
    token::{self, Token},
};
use crate::{app::App, db::users::User};

/// How long a device knows an account after it signed in there.
pub const LIFETIME: Duration = Duration::days(365);

/// What the cookies of devices are called, before the digest of the account.
pub const COOKIE_PREFIX: &str = "rolecall-device-";

/// What a browser says of the accounts it knows: digests and values, not yet believed.
#[derive(Debug, Default, Clone)]
pub struct Claims(pub Vec<(String, String)>);

/// A device that knows an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// By which its tries are counted.
    pub key: String,
}

/// Ends the name of the account's cookie: what a name says is no secret, an id need not be told.
pub fn account_digest(user: &User) -> String {
    BASE64.encode(&Sha256::digest(user.id.0.as_bytes())[..12])
}

/// The cookie's value for a device that has just signed in: 128 random bits, the time, and a MAC
/// over them, the account and its epoch of devices.
pub fn introduce(app: &App, user: &User) -> Result<String> {
    let device = Token::new(&app.pen.random)?.reveal();
    let since = app.now().unix_timestamp();
    let (key, mac) = app.keys.sign(Use::DeviceCookie, &signed(user, &device, since));
    Ok(format!("{device}.{since}.{key}.{}", BASE64.encode(mac)))
}

impl Claims {
    /// The device, if it knows the account.
    pub fn device(&self, app: &App, user: &User) -> Option<Device> {
        let digest = account_digest(user);
        let (_, value) = self.0.iter().find(|(account, _)| *account == digest)?;
        let device = read(&app.keys, user, value)?;
        let age = app.now().unix_timestamp() - device.1;
        let is_young = (0..LIFETIME.whole_seconds()).contains(&age);
        is_young.then(|| Device { key: format!("{} {}", user.id, device.0) })
    }
}

fn read(keys: &Keys, user: &User, value: &str) -> Option<(String, i64)> {
    let mut parts = value.split('.');
    let (device, since) = (parts.next()?, parts.next()?);
    let (key, mac) = (parts.next()?, token::decode_mac(parts.next()?)?);
    let since = since.parse().ok()?;
    let is_ours = keys.verify(Use::DeviceCookie, key, &signed(user, device, since), &mac);
    let is_whole = parts.next().is_none() && device.len() == 22;
    (is_ours && is_whole).then(|| (device.to_owned(), since))
}

fn signed(user: &User, device: &str, since: i64) -> Vec<u8> {
    format!("{} {} {device} {since}", user.id, user.device_epoch).into_bytes()
}
