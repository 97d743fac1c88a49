//! How applications read the path of a request: each in its own way, some in very odd ones.

/// Every path that an application could take the target for: decoded never or up to three times,
/// with and without parameters, backslashes, dots, doubled slashes, and bytes that are no UTF-8.
pub fn of(target: &[u8]) -> Vec<String> {
    let target = without_origin(target);
    let path = target.split(|byte| *byte == b'?').next().unwrap();
    let mut readings = Vec::new();
    let mut decoded = path.to_vec();
    for _ in 0..4 {
        let utf_8 = String::from_utf8_lossy(&decoded).replace('\u{fffd}', "").into_bytes();
        for text in [decoded.clone(), up_to(&decoded, b"#"), up_to(&decoded, b"\0"), utf_8] {
            for parameters in [true, false] {
                let text = if parameters { text.clone() } else { without_parameters(&text) };
                readings.push(normal(&text));
            }
        }
        decoded = decode(&decoded);
    }
    readings
}

/// Whether any application would take it for something below `/admin`.
pub fn may_be_admin(target: &[u8]) -> bool {
    of(target).iter().any(|path| path.starts_with("/admin"))
}

fn without_origin(target: &[u8]) -> &[u8] {
    let Some(at) = target.windows(3).position(|bytes| bytes == b"://") else { return target };
    let authority = &target[at + 3..];
    if target[..at].iter().any(|byte| !byte.is_ascii_alphabetic()) {
        return target;
    }
    authority.iter().position(|byte| *byte == b'/').map_or(b"/", |at| &authority[at..])
}

fn up_to(path: &[u8], end: &[u8]) -> Vec<u8> {
    path.split(|byte| end.contains(byte)).next().unwrap().to_vec()
}

fn without_parameters(path: &[u8]) -> Vec<u8> {
    let segments = path.split(|byte| matches!(byte, b'/' | b'\\'));
    let bare = segments.map(|segment| segment.split(|byte| *byte == b';').next().unwrap());
    bare.collect::<Vec<_>>().join(&b'/')
}

/// Percent signs and the overlong UTF-8 of ASCII.
fn decode(path: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut at = 0;
    while at < path.len() {
        let digits = path.get(at + 1..at + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        match digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if path[at] == b'%' => {
                bytes.push(byte);
                at += 3;
            }
            _ => {
                bytes.push(path[at]);
                at += 1;
            }
        }
    }
    without_overlong(&bytes)
}

fn without_overlong(bytes: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        let (short, length) = match &bytes[at..] {
            [first @ 0xc0..=0xc1, next @ 0x80..=0xbf, ..] => ((first & 1) << 6 | next & 0x3f, 2),
            [0xe0, middle @ 0x80..=0x81, last @ 0x80..=0xbf, ..] => {
                ((middle & 1) << 6 | last & 0x3f, 3)
            }
            [0xf0, 0x80, middle @ 0x80..=0x81, last @ 0x80..=0xbf, ..] => {
                ((middle & 1) << 6 | last & 0x3f, 4)
            }
            _ => (bytes[at], 1),
        };
        plain.push(short);
        at += length;
    }
    plain
}

/// Lower case, without control bytes and spaces, with single slashes, and no dots.
fn normal(path: &[u8]) -> String {
    let printing = path.iter().filter(|byte| byte.is_ascii_graphic() || **byte > 0x7f);
    let text: String = printing.map(|byte| char::from(byte.to_ascii_lowercase())).collect();
    let mut segments = Vec::new();
    for segment in text.split(['/', '\\']) {
        match segment {
            "" | "." => {}
            ".." => {
                segments.pop();
            }
            other => segments.push(other),
        }
    }
    format!("/{}", segments.join("/"))
}

#[test]
fn what_leads_to_admin_is_known_as_such() {
    for target in [
        "/admin",
        "//admin",
        "/./admin",
        "/x/../admin",
        "/%61dmin",
        "/%2561dmin",
        "/ADMIN/x",
        "/;a/admin",
        "/x/..;/admin",
        "\\admin",
        "/x%2f..%2fadmin",
        "/x/%2e%2e/admin",
        "/%c0%afadmin",
        "/x/%c0%ae%c0%ae/admin",
        "/admin%00.html",
        "/adm\u{1}in",
        "https://app.example.com/admin",
        "/#/../admin",
        "/admin;x?y",
        "/%e0%80%afadmin",
        "/%5cadmin",
        "/%80admin",
        "/ad%c3min",
        "/\u{0}%ffadmin",
    ] {
        assert!(may_be_admin(target.as_bytes()), "{target}");
    }
    for target in ["/", "/x/admin", "/x?/admin", "/x?/../admin", "/adm", "/%61/dmin"] {
        assert!(!may_be_admin(target.as_bytes()), "{target}");
    }
}
