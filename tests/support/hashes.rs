//! Password hashes of other programs, as `scripts/hash-vectors` has them made by these.

use serde_json::Value;

/// What they are called, but for ours.
pub const SCHEMES: [&str; 13] = [
    "Werkzeug scrypt",
    "Werkzeug PBKDF2",
    "Django PBKDF2",
    "Django argon2",
    "Django scrypt",
    "Django bcrypt",
    "Django bcrypt_sha256",
    "argon2i",
    "scrypt",
    "PBKDF2",
    "bcrypt",
    "sha256-crypt",
    "sha512-crypt",
];

/// Below the least length of new ones; there is a hash of it of each kind.
pub const PASSWORD: &str = "a:b$c$$d";

/// A hash of a kind and of a password.
pub fn made(scheme: &str, password: &str) -> String {
    let lines = include_str!("../data/hashes.jsonl").lines();
    let mut made = lines.map(|line| serde_json::from_str::<Value>(line).unwrap());
    let fits = |line: &Value| line["scheme"] == scheme && line["password"] == password;
    let line = made.rfind(fits).expect("such a hash");
    line["hash"].as_str().unwrap().to_owned()
}
