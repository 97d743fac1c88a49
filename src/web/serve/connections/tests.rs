use std::future::pending;

use super::*;
use crate::config::Chosen;

fn connections(most: usize, of_address: usize) -> Connections {
    let chosen = Chosen {
        max_connections: Some(most),
        max_connections_per_address: Some(of_address),
        ..Chosen::default()
    };
    Connections::new(&Settings::resolve(chosen).unwrap())
}

/// A connection from there that does nothing by itself, unless it is turned away.
async fn open(all: &Connections, address: &str) -> Option<Arc<Pulse>> {
    let mut pulse = None;
    let slot = all.room().await;
    all.begin(slot, address.parse().ok(), |place| {
        pulse = Some(place.pulse.clone());
        async move {
            let _place = place;
            pending().await
        }
    });
    pulse
}

fn is_closed(pulse: &Pulse) -> bool {
    pulse.read().0 == Phase::Closed
}

#[tokio::test]
async fn of_an_address_with_too_many_the_one_goes_that_kept_us_waiting_the_longest() {
    let all = connections(100, 2);
    let other = open(&all, "192.0.2.9").await.unwrap();
    let first = open(&all, "192.0.2.1").await.unwrap();
    all.show(Duration::from_secs(2));
    let second = open(&all, "192.0.2.1").await.unwrap();
    all.show(Duration::from_secs(4));
    let third = open(&all, "192.0.2.1").await.unwrap();
    assert!(is_closed(&first), "it has waited for longer");
    assert!(!is_closed(&second) && !is_closed(&third) && !is_closed(&other));
}

#[tokio::test]
async fn an_address_that_keeps_all_of_its_connections_busy_gets_no_more() {
    let all = connections(100, 2);
    let busy = [open(&all, "192.0.2.1").await.unwrap(), open(&all, "192.0.2.1").await.unwrap()];
    all.show(Duration::from_secs(9));
    assert!(busy.iter().all(|one| one.begin()));
    all.show(Duration::from_secs(99));
    assert!(open(&all, "192.0.2.1").await.is_none());
    assert!(open(&all, "192.0.2.2").await.is_some(), "others do");
    busy[1].done();
    assert!(open(&all, "192.0.2.1").await.is_none(), "it has just been answered");
    all.show(Duration::from_secs(101));
    assert!(open(&all, "192.0.2.1").await.is_some());
    assert!(!is_closed(&busy[0]) && is_closed(&busy[1]));
}

#[tokio::test]
async fn a_64_of_ipv6_is_one_address_and_trusted_peers_have_any_number() {
    let all = connections(100, 1);
    assert!(open(&all, "2001:db8:1:2::1").await.is_some());
    assert!(open(&all, "2001:db8:1:2:3::9").await.is_none());
    assert!(open(&all, "2001:db8:1:3::1").await.is_some());
    for _ in 0..50 {
        assert!(open(&all, "trusted, or a unix socket").await.is_some());
    }
}

#[tokio::test]
async fn when_all_places_are_taken_whoever_kept_us_waiting_longest_makes_room() {
    let all = connections(5, 5);
    let at = async |second, enter: fn(&Pulse)| {
        all.show(Duration::from_secs(second));
        let one = open(&all, "192.0.2.1").await.unwrap();
        enter(&one);
        one
    };
    let busy = at(0, |pulse| assert!(pulse.begin())).await;
    let waiting = [
        at(1, |_| {}).await,
        at(2, |pulse| {
            assert!(pulse.begin());
            pulse.wants_body();
        })
        .await,
        at(3, |pulse| {
            pulse.done();
            pulse.stalls();
        })
        .await,
        at(4, |pulse| pulse.done()).await,
    ];
    all.show(Duration::from_secs(5));
    for number in 0..4 {
        assert!(waiting[number..].iter().all(|one| !is_closed(one)), "{number}");
        assert!(open(&all, "198.51.100.1").await.unwrap().begin());
        assert!(is_closed(&waiting[number]), "{number}");
    }
    assert!(!is_closed(&busy));
    let late = tokio::time::timeout(TICK * 2, all.room()).await;
    assert!(late.is_err(), "all are busy");
}

#[tokio::test]
async fn each_phase_has_its_time_and_what_drips_wins_none() {
    let [head, idle, send] = [limits::HEAD_TIMEOUT, limits::IDLE_TIMEOUT, limits::SEND_TIMEOUT];
    let all = connections(100, 100);
    for (name, limit, enter) in [
        ("no head", head, (|_| {}) as fn(&Pulse)),
        ("part of a head", head, |pulse| {
            pulse.done();
            pulse.heard();
        }),
        ("idle", idle, |pulse| pulse.done()),
        ("unread", send, |pulse| {
            pulse.done();
            pulse.stalls();
        }),
    ] {
        let begun = Duration::from_secs(1000);
        all.show(begun);
        let one = open(&all, "192.0.2.1").await.unwrap();
        enter(&one);
        let (phase, _) = one.read();
        all.show(begun + limit);
        if phase != Phase::Idle {
            one.heard();
            one.stalls();
        }
        all.close_now_late();
        assert!(!is_closed(&one), "{name}");
        all.show(begun + limit + TICK);
        all.close_now_late();
        assert!(is_closed(&one), "{name}");
        assert!(!one.begin(), "a request that comes now is not begun");
    }
}

#[tokio::test]
async fn an_answer_that_is_taken_piece_by_piece_has_time_for_each() {
    let all = connections(100, 100);
    let one = open(&all, "192.0.2.1").await.unwrap();
    one.done();
    one.stalls();
    for round in 1..20 {
        all.show(limits::SEND_TIMEOUT * round);
        one.moves();
        all.close_now_late();
        assert!(!is_closed(&one));
    }
    one.flushed();
    assert_eq!(one.read(), (Phase::Idle, 0));
}

#[tokio::test]
async fn what_is_closed_gives_its_place_back() {
    let all = connections(1, 1);
    for round in 1..20 {
        all.show(Duration::from_secs(round * 100));
        assert!(open(&all, "192.0.2.1").await.is_some());
    }
    all.show(Duration::from_secs(9000));
    all.close_now_late();
    all.ended().await;
    assert!(all.open().is_empty());
}
