use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

use super::*;
use crate::web::serve::pulse::{Phase, Ticks};

#[tokio::test]
async fn the_pulse_tells_what_comes_and_what_is_not_taken() {
    let (near, mut far) = duplex(limits::SEND_BYTES);
    let ticks = Ticks::default();
    let pulse = Arc::new(Pulse::new(ticks.clone()));
    let mut near = Watched::new(Box::new(near), pulse.clone());
    let phase = || pulse.read().0;

    pulse.done();
    far.write_all(b"GET").await.unwrap();
    near.read_exact(&mut [0; 3]).await.unwrap();
    assert_eq!(phase(), Phase::Head);
    assert!(pulse.begin());
    far.write_all(b"body").await.unwrap();
    near.read_exact(&mut [0; 4]).await.unwrap();
    assert_eq!(phase(), Phase::Work, "that belongs to the request");

    pulse.done();
    let answer = vec![b'x'; 3 * limits::SEND_BYTES];
    let sending = tokio::spawn(async move {
        near.write_all(&answer).await.unwrap();
        near.flush().await.unwrap();
        near
    });
    let mut piece = vec![0; limits::SEND_BYTES];
    while phase() != Phase::Send {
        tokio::task::yield_now().await;
    }
    for _ in 0..2 {
        ticks.fetch_add(100, std::sync::atomic::Ordering::Relaxed);
        assert_eq!(pulse.read(), (Phase::Send, 100));
        far.read_exact(&mut piece).await.unwrap();
        while !matches!(pulse.read(), (Phase::Send | Phase::Idle, 0)) {
            tokio::task::yield_now().await;
        }
    }
    let _near = sending.await.unwrap();
    assert_eq!(phase(), Phase::Idle);
}
