//! Over a real socket: what a client cannot do to the server.

use std::time::Duration;

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::oneshot,
    time::timeout,
};

use rolecall::config::Chosen;

use crate::support::{Database, Engine, TestApp};

/// A server on a port of its own.
struct Served {
    address: String,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
    _t: TestApp,
}

impl Served {
    async fn with(max_connections: usize) -> Self {
        Self::with_settings(|chosen| chosen.max_connections = Some(max_connections)).await
    }

    async fn with_settings(choose: impl FnOnce(&mut Chosen)) -> Self {
        let db = Database::create(Engine::Sqlite).await;
        let t = TestApp::with(db, |chosen| {
            chosen.listen = "127.0.0.1:0".parse().ok();
            chosen.public_url = "http://127.0.0.1:8000".parse().ok();
            choose(chosen);
        })
        .await;
        let listener = rolecall::web::listen(&t.app.settings.listen).await.unwrap();
        let address = listener.address().to_string();
        let (stop, stopped) = oneshot::channel();
        let app = t.app.clone();
        let done = tokio::spawn(async move {
            let stopped = async { stopped.await.unwrap_or_default() };
            rolecall::web::serve(app, listener, stopped).await;
        });
        Self { address, stop, done, _t: t }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).await.unwrap()
    }

    /// Sends these bytes, and gives back what comes until the server closes.
    async fn say(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut stream = self.connect().await;
        // The server may have closed before it has read all of it.
        let _ = stream.write_all(bytes.as_ref()).await;
        let mut answer = Vec::new();
        let reading = timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
        let _ = reading.await.expect("the server closes");
        String::from_utf8_lossy(&answer).into_owned()
    }

    async fn assert_well(&self) {
        let answer = self.say(ALIVE_ONCE).await;
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_http_is_refused_and_the_next_request_served() {
    let served = Served::with(64).await;
    let headers = |count: usize| "x: y\r\n".repeat(count);
    let ours = "GET /login HTTP/1.1\r\nhost: 127.0.0.1:8000\r\nconnection: close\r\n";
    for (bytes, start) in [
        (format!("{ours}\r\n"), "HTTP/1.1 200"),
        (format!("{ours}{}\r\n", headers(90)), "HTTP/1.1 200"),
        (format!("{ours}{}\r\n", headers(101)), "HTTP/1.1 431"),
        (format!("{ours}x: {}\r\n\r\n", "y".repeat(500_000)), "HTTP/1.1 431"),
        (format!("GET /{} HTTP/1.1\r\n\r\n", "a".repeat(500_000)), "HTTP/1.1 4"),
        ("GET /login HTTP/1.0\r\n\r\n".into(), "HTTP/1.0 421"),
        ("GET /login HTTP/1.1\r\nconnection: close\r\n\r\n".into(), "HTTP/1.1 421"),
        ("GET /login HTTP/9.9\r\n\r\n".into(), "HTTP/1.1 400"),
        ("\0\x01\x02\r\n\r\n".into(), "HTTP/1.1 400"),
        ("\x16\x03\x01\x02\0\x01\0\x01\u{fc}\x03\x03\r\n\r\n".into(), "HTTP/1.1 400"),
        (format!("{ours}a b: c\r\n\r\n"), "HTTP/1.1 400"),
        (format!("{ours}a: b\r\n folded: c\r\n\r\n"), "HTTP/1.1 400"),
        (format!("{ours}a: b\0c\r\n\r\n"), "HTTP/1.1 400"),
        (format!("{ours}transfer-encoding: identity\r\n\r\n"), "HTTP/1.1 400"),
        (format!("{ours}content-length: -1\r\n\r\n"), "HTTP/1.1 400"),
        (format!("TRACE /account{}\r\n", &ours["GET /login".len()..]), "HTTP/1.1 405"),
        (
            "POST /login HTTP/1.1\r\nhost: 127.0.0.1:8000\r\norigin: http://127.0.0.1:8000\r\n\
             content-length: 5\r\ncontent-length: 6\r\nconnection: close\r\n\r\nabcdef"
                .into(),
            "HTTP/1.1 400",
        ),
        (
            "POST /login HTTP/1.1\r\nhost: 127.0.0.1:8000\r\norigin: http://127.0.0.1:8000\r\n\
             content-type: application/x-www-form-urlencoded\r\n\
             transfer-encoding: chunked\r\nconnection: close\r\n\r\nzz\r\n"
                .into(),
            "HTTP/1.1 400",
        ),
    ] {
        let answer = served.say(&bytes).await;
        let asked: String = bytes.chars().take(90).collect();
        assert!(answer.starts_with(start), "{asked:?}: {answer}");
        served.assert_well().await;
    }
}

/// Two servers that read the ends of requests differently would take part of one for another.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_inside_another_is_never_answered() {
    let served = Served::with(64).await;
    let post = "POST /login HTTP/1.1\r\nhost: 127.0.0.1:8000\r\norigin: http://127.0.0.1:8000\r\n\
                content-type: application/x-www-form-urlencoded\r\n";
    let inside = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    for framing in [
        format!("content-length: {}\r\ntransfer-encoding: chunked\r\n", inside.len() + 5),
        format!("transfer-encoding: chunked\r\ncontent-length: {}\r\n", inside.len() + 5),
        "transfer-encoding: chunked, identity\r\n".into(),
        "transfer-encoding: chunked\r\ntransfer-encoding: identity\r\n".into(),
        "transfer-encoding:\x0bchunked\r\n".into(),
    ] {
        let answer = served.say(format!("{post}{framing}\r\n0\r\n\r\n{inside}")).await;
        assert!(!answer.contains("200 OK"), "{framing:?}: {answer}");
        served.assert_well().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_never_finishes_a_request_is_let_go_after_a_while() {
    let served = Served::with(64).await;
    let form = "POST /login HTTP/1.1\r\nhost: 127.0.0.1:8000\r\norigin: http://127.0.0.1:8000\r\n\
                content-type: application/x-www-form-urlencoded\r\ncontent-length: 100\r\n\r\n\
                username=kim";
    tokio::join!(
        served.say(""),
        served.say("GET"),
        served.say("GET /healthz HTTP/1.1\r\nhost: x\r\nslow: "),
        async {
            let answer = served.say(form).await;
            assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
            assert!(answer.contains("did not arrive in time"), "{answer}");
        },
        served.assert_well(),
    );
    served.assert_well().await;
}

const ALIVE: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n";
const ALIVE_ONCE: &str = "GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";

/// The login form of nobody, on a connection that ends with the answer.
fn login() -> String {
    let body = "username=nobody&password=x";
    format!(
        "POST /login HTTP/1.1\r\nhost: 127.0.0.1:8000\r\norigin: http://127.0.0.1:8000\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n{body}",
        body.len()
    )
}

/// Sends a request on a connection that stays open, and takes the answer.
async fn ask(stream: &mut TcpStream) {
    stream.write_all(ALIVE.as_bytes()).await.unwrap();
    let mut buffer = [0; 4096];
    let read = stream.read(&mut buffer).await.unwrap();
    assert!(buffer[..read].starts_with(b"HTTP/1.1 200"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_beyond_the_cap_wait_for_a_place() {
    let served = Served::with_settings(|chosen| {
        chosen.max_connections = Some(1);
        // A login that takes a while.
        chosen.argon2 = "m=65536,t=30,p=1".parse().ok();
    })
    .await;
    let mut busy = served.connect().await;
    busy.write_all(login().as_bytes()).await.unwrap();
    let answer = served.say(ALIVE_ONCE).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let mut first = [0; 12];
    let read = busy.try_read(&mut first).unwrap_or_default();
    assert_eq!(&first[..read], b"HTTP/1.1 401", "that was answered before, and not cut off");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_and_slow_connections_make_room_for_others() {
    let served = Served::with(3).await;
    let mut slow = [served.connect().await, served.connect().await, served.connect().await];
    ask(&mut slow[0]).await;
    slow[1].write_all(b"GET /healthz HTTP/1.1\r\nhost: x\r\nslow: ").await.unwrap();
    slow[2].write_all(&login().as_bytes()[..150]).await.unwrap();
    let mut others = Vec::new();
    for _ in 0..3 {
        let mut other = served.connect().await;
        ask(&mut other).await;
        others.push(other);
    }
    for mut one in slow {
        let mut rest = Vec::new();
        let _ = one.read_to_end(&mut rest).await;
        assert!(rest.is_empty(), "closed without an answer");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_its_number_of_connections_and_others_have_theirs() {
    let served = Served::with_settings(|chosen| chosen.max_connections_per_address = Some(2)).await;
    let mut kept = [served.connect().await, served.connect().await];
    for stream in &mut kept {
        ask(stream).await;
    }
    // It is closed at once, until one of the others has kept us waiting for a while.
    while served.say(ALIVE_ONCE).await.is_empty() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let closed = timeout(Duration::from_secs(20), kept[0].read(&mut [0; 16])).await;
    assert!(matches!(closed, Ok(Ok(0) | Err(_))), "{closed:?}");
    ask(&mut kept[1]).await;
    let elsewhere = tokio::net::TcpSocket::new_v4().unwrap();
    elsewhere.bind("127.0.0.2:0".parse().unwrap()).unwrap();
    let mut elsewhere = elsewhere.connect(served.address.parse().unwrap()).await.unwrap();
    ask(&mut elsewhere).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_trusted_proxy_has_any_number_of_connections() {
    let served = Served::with_settings(|chosen| {
        chosen.max_connections_per_address = Some(1);
        chosen.trusted_proxies = "127.0.0.1".parse().ok();
    })
    .await;
    let mut kept = Vec::new();
    for _ in 0..20 {
        kept.push(served.connect().await);
    }
    for stream in &mut kept {
        ask(stream).await;
    }
}

/// A request that was sent before the signal is answered, whether its connection was open
/// before, had answered others, or is new.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_loses_no_request_that_was_sent_before() {
    let served = Served::with(64).await;
    let mut streams = Vec::new();
    for used in [true, false].repeat(8) {
        let mut stream = served.connect().await;
        if used {
            ask(&mut stream).await;
        }
        streams.push(stream);
    }
    for stream in &mut streams {
        stream.write_all(ALIVE.as_bytes()).await.unwrap();
    }
    for _ in 0..8 {
        let mut new = served.connect().await;
        new.write_all(ALIVE.as_bytes()).await.unwrap();
        streams.push(new);
    }
    served.stop.send(()).unwrap();
    for mut stream in streams {
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer:?}");
    }
    timeout(Duration::from_secs(30), served.done).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stop_lets_requests_in_flight_finish() {
    let served = Served::with(64).await;
    let body = "username=nobody&password=x";
    let head = format!(
        "POST /login HTTP/1.1\r\nhost: 127.0.0.1:8000\r\norigin: http://127.0.0.1:8000\r\n\
         content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut stream = served.connect().await;
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    served.stop.send(()).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(&served.address).await.is_err(), "nobody new");
    stream.write_all(body.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
    timeout(Duration::from_secs(5), served.done).await.unwrap().unwrap();
}

/// Until the balancer has seen that it should ask elsewhere, whoever comes is served.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_it_drains_it_is_not_ready_and_serves_on() {
    let served = Served::with_settings(|chosen| chosen.drain_for = "3s".parse().ok()).await;
    let Served { address, stop, done, _t } = served;
    let ask = async |path: &str| {
        let head = "host: 127.0.0.1:8000\r\nconnection: close";
        let mut stream = TcpStream::connect(&address).await.unwrap();
        stream
            .write_all(format!("GET {path} HTTP/1.1\r\n{head}\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await.unwrap();
        answer.lines().next().unwrap_or_default().to_owned()
    };
    assert_eq!(ask("/readyz").await, "HTTP/1.1 200 OK");
    stop.send(()).unwrap();
    while ask("/readyz").await != "HTTP/1.1 503 Service Unavailable" {
        tokio::task::yield_now().await;
    }
    for path in ["/healthz", "/login"] {
        assert_eq!(ask(path).await, "HTTP/1.1 200 OK", "{path}");
    }
    timeout(Duration::from_secs(30), done).await.unwrap().unwrap();
    assert!(TcpStream::connect(&address).await.is_err(), "and then it stops");
}
