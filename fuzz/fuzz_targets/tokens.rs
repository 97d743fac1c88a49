//! What is handed out and comes back: the cookies of sessions, checks and devices, link tokens,
//! form tokens. Another byte in one that we made leaves nothing of it.
#![no_main]

use libfuzzer_sys::fuzz_target;
use rolecall::auth::{
    device::{self, Claims},
    key::Use,
    token::{self, Token},
};
use rolecall_fuzz::{HOUSE, altered};
use std::sync::LazyLock;

struct Genuine {
    token: Token,
    session: String,
    device: String,
}

static GENUINE: LazyLock<Genuine> = LazyLock::new(|| {
    let token = Token::new(&HOUSE.app.pen.random).expect("chance");
    let session = token.to_cookie(&HOUSE.app.keys, Use::SessionCookie);
    let device = device::introduce(&HOUSE.app, &HOUSE.admin).expect("a device");
    Genuine { token, session, device }
});

fuzz_target!(|input: (&str, u8, u8)| {
    let (text, place, byte) = input;
    let keys = &HOUSE.app.keys;
    for purpose in [Use::SessionCookie, Use::CheckCookie] {
        assert!(Token::from_cookie(keys, purpose, text).is_none());
        assert!(
            Token::from_cookie(keys, purpose, &altered(&GENUINE.session, place, byte)).is_none()
        );
    }
    let found = Token::from_cookie(keys, Use::SessionCookie, &GENUINE.session);
    assert!(found == Some(GENUINE.token));
    if let Some(token) = Token::parse(text) {
        assert_eq!(token.reveal(), text);
    }
    assert!(!token::is_form_token(keys, HOUSE.admin.id.0, text));
    assert!(knows(&GENUINE.device));
    assert!(!knows(text) && !knows(&altered(&GENUINE.device, place, byte)));
});

fn knows(value: &str) -> bool {
    let account = device::account_digest(&HOUSE.admin);
    let claims = Claims(vec![(account, value.to_owned())]);
    claims.device(&HOUSE.app, &HOUSE.admin).is_some()
}
