//! The key file: what makes cookies and form tokens unforgeable. Each use has a key of its own,
//! derived with HKDF-SHA256 (RFC 5869); keys have ids, so that a new one voids nothing.

use std::{
    fs::OpenOptions,
    io::{Read, Write},
    os::unix::fs::{OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, RwLock},
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use hkdf::Hkdf;
use hmac::{Hmac, KeyInit, Mac};
#[cfg(test)]
use sha2::Digest;
use sha2::Sha256;
use subtle::ConstantTimeEq;

use super::By;
use crate::{
    app::App,
    clock::Clock,
    db::{
        self, Db,
        audit::{Action, Entry, RecordError, Target},
        keys, turns,
    },
    random::{Random, RandomFailed},
};

/// What a key is used for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    SessionCookie,
    CheckCookie,
    FormToken,
    DeviceCookie,
    /// Names that do not exist, as logs show them.
    LoggedName,
    /// How far the chain of the trail was.
    Checkpoint,
}

impl Use {
    const ALL: [Self; 6] = [
        Self::SessionCookie,
        Self::CheckCookie,
        Self::FormToken,
        Self::DeviceCookie,
        Self::LoggedName,
        Self::Checkpoint,
    ];

    fn label(self) -> &'static [u8] {
        match self {
            Self::SessionCookie => b"rolecall session cookie",
            Self::CheckCookie => b"rolecall check cookie",
            Self::FormToken => b"rolecall form token",
            Self::DeviceCookie => b"rolecall device cookie",
            Self::LoggedName => b"rolecall logged name",
            Self::Checkpoint => b"rolecall audit checkpoint",
        }
    }
}

/// Bytes of a message authentication code: HMAC-SHA256, cut in half (RFC 2104 §5).
pub const MAC_BYTES: usize = 16;
/// The same whole, for what is to hold for years.
pub const WHOLE_MAC_BYTES: usize = 32;

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("cannot read the key file {}: {reason}; name the right file with key_file, or restore it from a backup", path.display())]
    Unreadable { path: PathBuf, reason: std::io::Error },
    #[error("cannot write the key file {}: {reason}", path.display())]
    Unwritable { path: PathBuf, reason: std::io::Error },
    #[error("others can read the key file {}; run: chmod 600 {}", .0.display(), .0.display())]
    Exposed(PathBuf),
    #[error("the key file {} is damaged in line {line}; restore it from a backup", path.display())]
    Damaged { path: PathBuf, line: usize },
    #[error("the key file {} has a second key {id} in line {line}; take out the one that does not belong there", path.display())]
    Twice { path: PathBuf, line: usize, id: String },
    #[error("the database uses key {id}, which the key file {} does not have; name the right file with key_file, or restore it from a backup", path.display())]
    Missing { path: PathBuf, id: String },
    #[error("the database failed: {}", db::plain(.0))]
    Db(#[from] sqlx::Error),
    #[error(transparent)]
    Random(#[from] RandomFailed),
}

/// The keys of a running process. Reads the file again when it meets an id that it does not
/// know, so that a rotation beside it signs nobody out.
#[derive(Clone)]
pub struct Keys(Arc<Shared>);

struct Shared {
    path: PathBuf,
    ring: RwLock<Arc<Vec<Key>>>,
    read_at: Mutex<Instant>,
}

struct Key {
    id: String,
    macs: Vec<Hmac<Sha256>>,
    pepper: Pepper,
}

/// A secret that goes into password hashes, which are worth nothing without it.
#[derive(Clone, Copy)]
pub struct Pepper([u8; 32]);

impl Pepper {
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Least time between two readings of the file: whoever makes up key ids costs no more.
const REREAD_AFTER: Duration = Duration::from_millis(500);

impl Keys {
    /// Opens the key file of a database, and makes both agree: a database that names no key
    /// gets the ids of the file, which is made when it is missing.
    pub async fn open(
        db: &Db,
        path: PathBuf,
        clock: &Clock,
        random: &Random,
    ) -> Result<Self, KeyError> {
        if keys::list(db).await?.is_empty() {
            let mut tx = db.begin().await?;
            turns::take(&mut tx, turns::KEYS).await?;
            if keys::list_in(&mut tx).await?.is_empty() {
                if !path.exists() {
                    create_file(&path, random)?;
                }
                for key in read_file(&path)? {
                    keys::create(&mut tx, &key.id, clock.now()).await?;
                }
            }
            tx.commit().await?;
        }
        let ring = read_file(&path)?;
        for id in keys::list(db).await? {
            if !ring.iter().any(|key| key.id == id) {
                return Err(KeyError::Missing { path, id });
            }
        }
        Ok(Self(Arc::new(Shared {
            path,
            ring: RwLock::new(Arc::new(ring)),
            read_at: Mutex::new(Instant::now()),
        })))
    }

    /// Keys with these ids and made-up secrets.
    #[cfg(test)]
    pub(super) fn in_memory(ids: &[&str]) -> Self {
        let key = |id: &&str| Key::new((*id).to_owned(), &Sha256::digest(id).into());
        Self(Arc::new(Shared {
            path: PathBuf::new(),
            ring: RwLock::new(Arc::new(ids.iter().map(key).collect())),
            read_at: Mutex::new(Instant::now()),
        }))
    }

    /// Reads the file again when the database names a key that is not known here.
    pub async fn follow(&self, db: &Db) -> sqlx::Result<()> {
        let ring = self.ring();
        if keys::list(db).await?.iter().any(|id| ring.iter().all(|key| key.id != *id)) {
            self.reload();
        }
        Ok(())
    }

    /// Adds a key to the file; returns its id.
    fn add_to_file(&self, random: &Random) -> Result<String, KeyError> {
        let (id, line) = new_line(random)?;
        let mut file = OpenOptions::new()
            .append(true)
            .open(&self.0.path)
            .map_err(|reason| self.unwritable(reason))?;
        file.write_all(line.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(|reason| self.unwritable(reason))?;
        self.reload();
        Ok(id)
    }

    fn unwritable(&self, reason: std::io::Error) -> KeyError {
        KeyError::Unwritable { path: self.0.path.clone(), reason }
    }

    pub fn path(&self) -> &Path {
        &self.0.path
    }

    /// Signs `message` with the newest key. Returns the key's id and the code.
    pub fn sign(&self, purpose: Use, message: &[u8]) -> (String, [u8; MAC_BYTES]) {
        let (id, mac) = self.sign_whole(purpose, message);
        (id, half(mac))
    }

    /// The same with the whole code.
    pub fn sign_whole(&self, purpose: Use, message: &[u8]) -> (String, [u8; WHOLE_MAC_BYTES]) {
        let ring = self.ring();
        match ring.last() {
            Some(key) => (key.id.clone(), key.mac(purpose, message)),
            None => unreachable!("a key file without keys is refused when it is read"),
        }
    }

    /// Whether `mac` is the code of `message` under the key `id`.
    pub fn verify(&self, purpose: Use, id: &str, message: &[u8], mac: &[u8]) -> bool {
        let made = self.mac_by(id, purpose, message);
        made.is_some_and(|made| bool::from(half(made).ct_eq(mac)))
    }

    /// The same for a whole code; `None` when there is no such key.
    pub fn verify_whole(&self, purpose: Use, id: &str, message: &[u8], mac: &[u8]) -> Option<bool> {
        let made = self.mac_by(id, purpose, message)?;
        Some(bool::from(made.ct_eq(mac)))
    }

    fn mac_by(&self, id: &str, purpose: Use, message: &[u8]) -> Option<[u8; WHOLE_MAC_BYTES]> {
        let mut ring = self.ring();
        // Whoever makes up key ids has the file read no more often than this.
        if !ring.iter().any(|key| key.id == id) && self.may_reread() {
            self.reload();
            ring = self.ring();
        }
        let key = ring.iter().find(|key| key.id == id)?;
        Some(key.mac(purpose, message))
    }

    /// The pepper of the newest key, with the key's id.
    pub fn newest_pepper(&self) -> (String, Pepper) {
        match self.ring().last() {
            Some(key) => (key.id.clone(), key.pepper),
            None => unreachable!("a key file without keys is refused when it is read"),
        }
    }

    /// The pepper of the key `id`, which a hash in the database names; `None` when the file does
    /// not have it.
    pub fn pepper(&self, id: &str) -> Option<Pepper> {
        let known = || self.ring().iter().find(|key| key.id == id).map(|key| key.pepper);
        known().or_else(|| {
            self.reload();
            known()
        })
    }

    fn ring(&self) -> Arc<Vec<Key>> {
        self.0.ring.read().unwrap_or_else(|poisoned| poisoned.into_inner()).clone()
    }

    fn may_reread(&self) -> bool {
        let mut read_at = self.0.read_at.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let is_due = read_at.elapsed() >= REREAD_AFTER;
        if is_due {
            *read_at = Instant::now();
        }
        is_due
    }

    /// Takes the file as it is now; while it cannot be read, the keys that are known stay.
    fn reload(&self) {
        match read_file(&self.0.path) {
            Ok(ring) => {
                *self.0.ring.write().unwrap_or_else(|poisoned| poisoned.into_inner()) =
                    Arc::new(ring);
            }
            Err(error) => tracing::error!(%error, "the key file was not read again"),
        }
    }
}

/// Adds a key, first to the file and then to the database; from then on it makes the new
/// cookies, and the old keys still open theirs. Returns its id.
pub async fn rotate(app: &App, by: &By) -> Result<String, RotateError> {
    let id = app.keys.add_to_file(&app.pen.random)?;
    let mut tx = app.db.begin().await?;
    turns::take(&mut tx, turns::KEYS).await?;
    keys::create(&mut tx, &id, app.now()).await?;
    app.pen.record(&mut tx, by, Entry::new(Action::KeyRotate, Target::Key(id.clone()))).await?;
    tx.commit().await?;
    Ok(id)
}

#[derive(Debug, thiserror::Error)]
pub enum RotateError {
    #[error(transparent)]
    Key(#[from] KeyError),
    #[error(transparent)]
    Record(#[from] RecordError),
    #[error("the database failed: {}", db::plain(.0))]
    Db(#[from] sqlx::Error),
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Keys({})", self.0.path.display())
    }
}

impl Key {
    fn new(id: String, secret: &[u8; 32]) -> Self {
        let hkdf = Hkdf::<Sha256>::new(None, secret);
        let mac = |purpose: Use| Hmac::new(&derived::<64>(&hkdf, purpose.label()).into());
        let pepper = Pepper(derived(&hkdf, b"rolecall password pepper"));
        Self { id, macs: Use::ALL.map(mac).into(), pepper }
    }

    fn mac(&self, purpose: Use, message: &[u8]) -> [u8; WHOLE_MAC_BYTES] {
        self.macs[purpose as usize].clone().chain_update(message).finalize().into_bytes().into()
    }
}

fn derived<const N: usize>(hkdf: &Hkdf<Sha256>, label: &[u8]) -> [u8; N] {
    let mut derived = [0; N];
    let is_short = hkdf.expand(label, &mut derived).is_ok();
    debug_assert!(is_short, "HKDF gives up to 255 blocks");
    derived
}

fn half(mac: [u8; WHOLE_MAC_BYTES]) -> [u8; MAC_BYTES] {
    let mut half = [0; MAC_BYTES];
    half.copy_from_slice(&mac[..MAC_BYTES]);
    half
}

const HEADER: &str = "# Keys of rolecall, the newest last. Keep this file secret, and back it up with the database.\n";

fn new_line(random: &Random) -> Result<(String, String), RandomFailed> {
    let id = hex::encode(random.bytes::<4>()?);
    let secret = BASE64.encode(random.bytes::<32>()?);
    let line = format!("{id} {secret}\n");
    Ok((id, line))
}

fn create_file(path: &Path, random: &Random) -> Result<(), KeyError> {
    let (_, line) = new_line(random)?;
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
        file.write_all(HEADER.as_bytes())?;
        file.write_all(line.as_bytes())?;
        file.sync_all()
    };
    write().map_err(|reason| KeyError::Unwritable { path: path.to_owned(), reason })
}

/// The ids of the keys in a file, the newest last. Makes no file.
pub fn ids_in(path: &Path) -> Result<Vec<String>, KeyError> {
    Ok(read_file(path)?.into_iter().map(|key| key.id).collect())
}

fn read_file(path: &Path) -> Result<Vec<Key>, KeyError> {
    let unreadable = |reason| KeyError::Unreadable { path: path.to_owned(), reason };
    let mut file = std::fs::File::open(path).map_err(unreadable)?;
    let metadata = file.metadata().map_err(unreadable)?;
    if metadata.is_dir() {
        return Err(unreadable(std::io::ErrorKind::IsADirectory.into()));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(KeyError::Exposed(path.to_owned()));
    }
    let mut text = String::new();
    file.read_to_string(&mut text).map_err(unreadable)?;
    let mut ring = Vec::new();
    for (index, line) in text.lines().enumerate() {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (path, line, key) = (path.to_owned(), index + 1, parse_line(line));
        let Some(key) = key else { return Err(KeyError::Damaged { path, line }) };
        // What the newer signs would be held against the older.
        if ring.iter().any(|other: &Key| other.id == key.id) {
            return Err(KeyError::Twice { path, line, id: key.id });
        }
        ring.push(key);
    }
    if ring.is_empty() || !text.ends_with('\n') {
        return Err(KeyError::Damaged { path: path.to_owned(), line: text.lines().count().max(1) });
    }
    Ok(ring)
}

fn parse_line(line: &str) -> Option<Key> {
    let (id, secret) = line.split_once(' ')?;
    let is_id = id.len() == 8 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let secret: [u8; 32] = BASE64.decode(secret).ok()?.try_into().ok()?;
    is_id.then(|| Key::new(id.to_owned(), &secret))
}
