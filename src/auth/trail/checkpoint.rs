//! Signed checkpoints, and the line that each is when it is kept elsewhere:
//! `rolecall-checkpoint 1 NUMBER CHAIN-DIGEST TIME KIND KEY-ID MAC`.

use time::format_description::well_known::Rfc3339;

use crate::{
    app::App,
    auth::key::{Keys, Use},
    clock,
    db::{
        checkpoints::{Checkpoint, Kind},
        seals::End,
    },
};

const MARK: &str = "rolecall-checkpoint 1 ";

/// A checkpoint of now, under the newest key.
pub fn sign(app: &App, kind: Kind, end: &End) -> Checkpoint {
    let mut made = Checkpoint {
        number: end.number,
        kind,
        chain_digest: end.chain_digest.clone(),
        at: app.now(),
        key_id: String::new(),
        mac: Vec::new(),
    };
    let (key_id, mac) = app.keys.sign_whole(Use::Checkpoint, signed(&made).as_bytes());
    (made.key_id, made.mac) = (key_id, mac.to_vec());
    made
}

/// Whether it is what a key of ours signed; `None` when the key is missing.
pub fn is_signed(keys: &Keys, one: &Checkpoint) -> Option<bool> {
    keys.verify_whole(Use::Checkpoint, &one.key_id, signed(one).as_bytes(), &one.mac)
}

/// What the signature covers: the line up to the kind.
fn signed(one: &Checkpoint) -> String {
    let at = one.at.to_offset(time::UtcOffset::UTC).format(&Rfc3339).unwrap_or_default();
    format!("{MARK}{} {} {at} {}", one.number, hex::encode(&one.chain_digest), one.kind.name())
}

pub fn line(one: &Checkpoint) -> String {
    format!("{} {} {}", signed(one), one.key_id, hex::encode(&one.mac))
}

/// The checkpoints in a text: lines of [`line()`], alone or within lines of a log.
///
/// # Errors
/// The number of a line that has a checkpoint which cannot be read.
pub fn parse_all(text: &str) -> Result<Vec<Checkpoint>, usize> {
    let lines = text.lines().enumerate();
    let found = lines.filter_map(|(index, line)| Some((index, line.split_once(MARK)?.1)));
    found.map(|(index, rest)| parse(rest).ok_or(index + 1)).collect()
}

fn parse(rest: &str) -> Option<Checkpoint> {
    let is_ours = |c: char| c.is_ascii_alphanumeric() || " -:".contains(c);
    let end = rest.find(|c| !is_ours(c)).unwrap_or(rest.len());
    let words: Vec<&str> = rest[..end].split(' ').collect();
    let [number, chain_digest, at, kind, key_id, mac, ..] = words.as_slice() else { return None };
    let kind = [Kind::End, Kind::Pruned].into_iter().find(|one| one.name() == *kind)?;
    Some(Checkpoint {
        number: number.parse().ok()?,
        kind,
        chain_digest: hex::decode(chain_digest).ok()?,
        at: clock::parse(at)?,
        key_id: (*key_id).to_owned(),
        mac: hex::decode(mac).ok()?,
    })
}
