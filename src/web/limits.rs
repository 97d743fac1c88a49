//! How much a request may bring, and how long it may take over it. `docs/limits.md` lists these
//! beside the limits of single fields, which stand where the fields are read.

use std::time::Duration;

use axum::http::Uri;

use super::Error;

/// Most bytes of the head of a request: its first line and its headers.
pub const HEAD_BYTES: usize = 64 * 1024;
/// Slow clients get this long to send the head of a request.
pub const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// A connection is kept so long without a request: longer than proxies keep theirs (60 s), so
/// that it is they who close, and no request meets a door that is just closing.
pub const IDLE_TIMEOUT: Duration = Duration::from_secs(75);
/// Slow clients get this long to take each piece of an answer of [`SEND_BYTES`], or its rest.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// So much of an answer is taken in [`SEND_TIMEOUT`] at least.
pub const SEND_BYTES: usize = 64 * 1024;
/// Most bytes of an address, path and query together.
pub const ADDRESS_BYTES: usize = 16 * 1024;
/// Most bytes of a form.
pub const FORM_BYTES: usize = 64 * 1024;
/// Most fields of a form; the largest of ours has about fifty.
pub const FORM_FIELDS: usize = 256;
/// Slow clients get this long to send a form after its head.
pub const FORM_TIMEOUT: Duration = Duration::from_secs(10);
/// Most cookies of devices that are looked at: at most as many accounts has a person.
pub const DEVICE_COOKIES: usize = 32;

/// Refuses an address that is too long.
pub fn address(address: &Uri) -> Result<(), Error> {
    let length = address.path_and_query().map_or(0, |address| address.as_str().len());
    if length > ADDRESS_BYTES { Err(Error::AddressTooLong) } else { Ok(()) }
}
