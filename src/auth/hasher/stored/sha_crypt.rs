//! sha256-crypt `$5$` and sha512-crypt `$6$`: `$6$rounds=…$salt$hash`, 5,000 rounds without.

use sha_crypt::{Params, PasswordVerifier};

use super::{Cost, Flaw, Function, Unfit, cost, number};

pub struct ShaCrypt {
    text: String,
    rounds: u32,
    /// Bytes that are digested at once, and what that costs.
    block: (u64, u64),
}

/// Least significant first: what the last character may be tells which bits are left over.
const ALPHABET: &str = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

pub fn read(text: &str) -> Result<Function, Unfit> {
    let (rest, chars, last, block) = match (text.strip_prefix("$5$"), text.strip_prefix("$6$")) {
        (Some(rest), _) => (rest, 43, 16, (64, cost::SHA256_BLOCK)),
        (_, Some(rest)) => (rest, 86, 4, (128, cost::SHA512_BLOCK)),
        _ => return Err(Unfit::Unknown),
    };
    let (rounds, rest) = match rest.strip_prefix("rounds=") {
        Some(rest) => rest.split_once('$').ok_or(Flaw::Parts)?,
        None => ("5000", rest),
    };
    let rounds = number(rounds)?;
    if !(Params::ROUNDS_MIN..=Params::ROUNDS_MAX).contains(&rounds) {
        return Err(Flaw::Cost.into());
    }
    let (salt, output) = rest.split_once('$').ok_or(Flaw::Parts)?;
    let is_written = |text: &str| text.chars().all(|char| ALPHABET.contains(char));
    if salt.is_empty() {
        return Err(Flaw::NoSalt.into());
    }
    if !is_written(salt) {
        return Err(Flaw::Salt.into());
    }
    if output.len() != chars {
        return Err(Flaw::Length.into());
    }
    if !is_written(output) || !output.ends_with(|char| ALPHABET[..last].contains(char)) {
        return Err(Flaw::Digest.into());
    }
    Ok(Function::ShaCrypt(ShaCrypt { text: text.to_owned(), rounds, block }))
}

impl ShaCrypt {
    /// Each round digests the password once or twice, a digest and most times the salt.
    pub fn cost(&self, password_bytes: usize) -> Cost {
        let (bytes, nanos) = self.block;
        let password = u64::try_from(password_bytes).unwrap_or(u64::MAX);
        let round = password.saturating_mul(2).saturating_add(bytes) / bytes + 1;
        Cost::new(0, u64::from(self.rounds).saturating_mul(round), nanos)
    }

    pub fn opens_for(&self, password: &[u8]) -> bool {
        sha_crypt::ShaCrypt::default().verify_password(password, self.text.as_str()).is_ok()
    }
}
