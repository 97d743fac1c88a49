//! A wire to the Postgres server that a test can cut, or leave to chance.

use std::{
    collections::BTreeSet,
    io::{Error, Result},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
};

use super::{Database, Dice};

/// It is cut ([`CUT`]), or dead ([`DEAD`]) so that nothing comes through.
#[derive(Clone)]
pub struct Wire {
    pub url: String,
    shared: Arc<Shared>,
}

pub const WHOLE: u8 = 0;
pub const DEAD: u8 = 1;
pub const CUT: u8 = 2;

#[derive(Default)]
struct Shared {
    state: AtomicU8,
    /// What goes wrong by chance, if anything does.
    chance: Mutex<Option<Dice>>,
    faults: AtomicUsize,
    /// Process ids of the server's sides of the connections.
    backends: Mutex<BTreeSet<i32>>,
}

/// What happens to a piece of what goes over the wire.
enum Luck {
    Through,
    Later(Duration),
    /// So many bytes arrive, and then nothing more.
    CutAfter(usize),
}

impl Wire {
    pub async fn to(db: &Database) -> Self {
        let server = url::Url::parse(&db.url).unwrap();
        let (host, port) = (server.host_str().unwrap(), server.port().unwrap_or(5432));
        let target = format!("{host}:{port}");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let mut url = server.clone();
        url.set_host(Some("127.0.0.1")).unwrap();
        url.set_port(Some(listener.local_addr().unwrap().port())).unwrap();
        let shared = Arc::new(Shared::default());
        let wire = Self { url: url.into(), shared: shared.clone() };
        tokio::spawn(async move {
            loop {
                let (near, _) = listener.accept().await.unwrap();
                let far = TcpStream::connect(&target).await.unwrap();
                tokio::spawn(connect(near, far, shared.clone()));
            }
        });
        wire
    }

    pub fn set(&self, state: u8) {
        self.shared.state.store(state, Ordering::Relaxed);
    }

    /// From now on pieces are late or cut as the dice fall; `None`: all come through again.
    pub fn leave_to(&self, dice: Option<Dice>) {
        *self.shared.chance.lock().unwrap() = dice;
    }

    /// How often chance has struck.
    pub fn faults(&self) -> usize {
        self.shared.faults.load(Ordering::Relaxed)
    }

    /// Process ids of the server's sides of the connections.
    pub fn backends(&self) -> Vec<i32> {
        self.shared.backends.lock().unwrap().iter().copied().collect()
    }
}

async fn connect(near: TcpStream, far: TcpStream, shared: Arc<Shared>) {
    let (near, far) = (near.into_split(), far.into_split());
    let backend = Mutex::new(None);
    tokio::select! {
        _ = carry(near.0, far.1, &shared, |_| {}) => {}
        _ = carry(far.0, near.1, &shared, |piece| {
            let mut backend = backend.lock().unwrap();
            if let (None, Some(id)) = (*backend, backend_id(piece)) {
                shared.backends.lock().unwrap().insert(id);
                *backend = Some(id);
            }
        }) => {}
        () = while_not(CUT, &shared.state) => {}
    }
    if let Some(id) = *backend.lock().unwrap() {
        shared.backends.lock().unwrap().remove(&id);
    }
}

/// The process id in the message BackendKeyData, which is among the server's first.
fn backend_id(piece: &[u8]) -> Option<i32> {
    let message = piece.windows(9).find(|bytes| bytes.starts_with(b"K\0\0\0\x0c"))?;
    Some(i32::from_be_bytes(message[5..].try_into().unwrap()))
}

/// Carries bytes one way; they wait while the wire is dead.
async fn carry(
    mut from: OwnedReadHalf,
    mut to: OwnedWriteHalf,
    shared: &Shared,
    look: impl Fn(&[u8]),
) -> Result<()> {
    let mut buffer = [0; 8192];
    loop {
        let read = from.read(&mut buffer).await?;
        if read == 0 {
            return Ok(());
        }
        look(&buffer[..read]);
        while shared.state.load(Ordering::Relaxed) == DEAD {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        match shared.draw(read) {
            Luck::Through => {}
            Luck::Later(by) => tokio::time::sleep(by).await,
            Luck::CutAfter(bytes) => {
                to.write_all(&buffer[..bytes]).await?;
                return Err(Error::other("cut"));
            }
        }
        to.write_all(&buffer[..read]).await?;
    }
}

impl Shared {
    fn draw(&self, bytes: usize) -> Luck {
        let mut chance = self.chance.lock().unwrap();
        let Some(dice) = chance.as_mut() else { return Luck::Through };
        let luck = match dice.below(250) {
            0 => Luck::CutAfter(dice.below(bytes + 1)),
            1 | 2 => Luck::Later(Duration::from_millis(dice.below(30) as u64)),
            _ => return Luck::Through,
        };
        self.faults.fetch_add(1, Ordering::Relaxed);
        luck
    }
}

async fn while_not(awaited: u8, state: &AtomicU8) {
    while state.load(Ordering::Relaxed) != awaited {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
