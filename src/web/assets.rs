//! `/static`: the style sheet, the script and the icon, built into the binary.

use axum::{
    extract::Path,
    http::{HeaderValue, header},
    response::IntoResponse,
};

use super::Error;

const FILES: [(&str, &str, &str); 3] = [
    ("style.css", "text/css; charset=utf-8", include_str!("../../static/style.css")),
    ("app.js", "text/javascript; charset=utf-8", include_str!("../../static/app.js")),
    ("favicon.svg", "image/svg+xml; charset=utf-8", include_str!("../../static/favicon.svg")),
];

pub async fn file(Path(name): Path<String>) -> Result<impl IntoResponse, Error> {
    let (_, kind, content) =
        FILES.iter().find(|(known, ..)| *known == name).ok_or(Error::NotFound)?;
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=300")),
    ];
    Ok((headers, *content))
}
