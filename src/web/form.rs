//! The one way in for forms and queries: urlencoded, small, whole; a form also from this session.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, FromRequestParts, Request},
    http::{HeaderMap, header, request::Parts},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{Deserialize, de::DeserializeOwned};
use url::form_urlencoded;

use super::{
    Me,
    error::{Error, FormError},
    limits,
};
use crate::{
    app::App,
    auth::{access::CurrentUser, token},
};

/// The fields of a form. On a route for signed-in users it has also proven to come from a page
/// of the same session, by the hidden field `form_token`.
pub struct Form<T>(pub T);

impl<T: DeserializeOwned> FromRequest<App> for Form<T> {
    type Rejection = Error;

    async fn from_request(request: Request, app: &App) -> Result<Self, Error> {
        let me = request.extensions().get::<Me>().cloned();
        let (_, body) = whole(request).await?;
        if let Some(Me(user)) = me {
            is_of_session(app, &user, &body)?;
        }
        let fields = serde_html_form::from_bytes(&body).map_err(|_| FormError::Malformed)?;
        Ok(Self(fields))
    }
}

/// The form as it came, whole.
pub(super) async fn whole(request: Request) -> Result<(Parts, Bytes), Error> {
    let (parts, body) = request.into_parts();
    is_urlencoded(&parts.headers)?;
    let reading = tokio::time::timeout(limits::FORM_TIMEOUT, read(body));
    let body = reading.await.map_err(|_| FormError::TooSlow)??;
    if form_urlencoded::parse(&body).count() > limits::FORM_FIELDS {
        return Err(FormError::TooLarge.into());
    }
    are_fields_utf8(&body)?;
    Ok((parts, body))
}

/// Whether the form comes from a page of this user's session.
pub(super) fn is_of_session(app: &App, user: &CurrentUser, body: &[u8]) -> Result<(), Error> {
    let signed: Signed = serde_html_form::from_bytes(body).map_err(|_| FormError::Malformed)?;
    if token::is_form_token(&app.keys, user.session.id, &signed.form_token) {
        return Ok(());
    }
    Err(FormError::Expired.into())
}

/// The query of a page.
pub struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequestParts<App> for Asked<T> {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Error> {
        let query = parts.uri.query().unwrap_or_default();
        are_fields_utf8(query.as_bytes())?;
        serde_html_form::from_str(query).map(Self).map_err(|_| Error::BadRequest)
    }
}

/// Of a form that is only a button.
#[derive(Deserialize)]
pub struct NoFields {}

#[derive(Deserialize)]
struct Signed {
    #[serde(default)]
    form_token: String,
}

fn is_urlencoded(headers: &HeaderMap) -> Result<(), FormError> {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    let is_plain = !headers.contains_key(header::CONTENT_ENCODING);
    if is_plain && kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        Ok(())
    } else {
        Err(FormError::Unsupported)
    }
}

async fn read(body: Body) -> Result<Bytes, FormError> {
    match Limited::new(body, limits::FORM_BYTES).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(FormError::TooLarge),
        Err(_) => Err(FormError::Malformed),
    }
}

/// The parser would put a replacement character for what is not UTF-8, and so make different
/// passwords the same.
fn are_fields_utf8(body: &[u8]) -> Result<(), FormError> {
    let decoded: Vec<u8> = percent_encoding::percent_decode(body).collect();
    std::str::from_utf8(&decoded).map(|_| ()).map_err(|_| FormError::Malformed)
}
