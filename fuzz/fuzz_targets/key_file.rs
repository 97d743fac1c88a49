//! The key file: what it opens with can sign, and finds its own signatures right, and those of
//! the key that the database names.
#![no_main]

use std::{
    fs::{self, Permissions},
    os::unix::fs::PermissionsExt,
    path::PathBuf,
    sync::LazyLock,
};

use libfuzzer_sys::{
    arbitrary::{self, Arbitrary},
    fuzz_target,
};
use rolecall::auth::key::{Keys, Use};
use rolecall_fuzz::{HOUSE, folder};

#[derive(Debug, Arbitrary)]
enum Part<'a> {
    /// The file of the house itself.
    Ours,
    /// Another key, by its id and secret.
    Key(u8, u8),
    Text(&'a str),
    Bytes(&'a [u8]),
}

static OURS: LazyLock<Vec<u8>> =
    LazyLock::new(|| fs::read(HOUSE.app.keys.path()).expect("a key file"));

static FILE: LazyLock<PathBuf> = LazyLock::new(|| {
    let _ = &HOUSE.app;
    let file = folder().join("other.key");
    fs::write(&file, "").expect("a file");
    fs::set_permissions(&file, Permissions::from_mode(0o600)).expect("its owner's alone");
    file
});

fuzz_target!(|parts: Vec<Part>| {
    let mut text = Vec::new();
    for part in &parts {
        match part {
            Part::Ours => text.extend_from_slice(&OURS),
            Part::Key(id, secret) => {
                let secret = char::from(b'a' + secret % 26).to_string().repeat(42);
                text.extend_from_slice(format!("{id:08x} {secret}A\n").as_bytes());
            }
            Part::Text(one) => text.extend_from_slice(one.as_bytes()),
            Part::Bytes(one) => text.extend_from_slice(one),
        }
    }
    fs::write(&*FILE, &text).expect("a file");
    let pen = &HOUSE.app.pen;
    let keys = Keys::open(&HOUSE.app.db, FILE.clone(), &pen.clock, &pen.random);
    let Ok(keys) = HOUSE.runtime.block_on(keys) else { return };
    assert!(text.ends_with(b"\n"));
    for signer in [&keys, &HOUSE.app.keys] {
        let (id, mac) = signer.sign_whole(Use::Checkpoint, b"text");
        assert_eq!(keys.verify_whole(Use::Checkpoint, &id, b"text", &mac), Some(true));
        assert_eq!(keys.verify_whole(Use::Checkpoint, &id, b"test", &mac), Some(false));
        assert_eq!(keys.verify_whole(Use::FormToken, &id, b"text", &mac), Some(false));
    }
    let (id, newest) = keys.newest_pepper();
    assert!(keys.pepper(&id).is_some_and(|pepper| pepper.as_bytes() == newest.as_bytes()));
});
