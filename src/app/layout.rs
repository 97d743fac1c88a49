//! What stands around the content of each page: ours, or that of an application which has the
//! pages in its own look.

use std::{error::Error, fmt, sync::Arc};

use askama::Template;

use crate::{config::PublicUrl, text};

pub(crate) type BoxError = Box<dyn Error + Send + Sync>;
type Render = dyn Fn(&LayoutParts<'_>) -> Result<String, BoxError> + Send + Sync;

/// Makes a whole HTML document of a page's parts. Cheap to clone.
///
/// Whatever it is, the pages keep their `Content-Security-Policy`: style sheets, scripts and images
/// load from their own origin. Nothing else loads, neither fonts nor frames, nor do styles and
/// scripts that stand in the document itself.
///
/// ```
/// use std::convert::Infallible;
/// use rolecall::{Layout, LayoutParts};
///
/// let layout = Layout::new(|page: &LayoutParts<'_>| {
///     let (title, content, style) = (page.title, page.content, page.path("/static/style.css"));
///     Ok::<_, Infallible>(format!(
///         "<!DOCTYPE html><html lang=\"en\"><title>{title}</title>\
///          <link rel=\"stylesheet\" href=\"{style}\"><link rel=\"stylesheet\" href=\"/news.css\">\
///          <main>{content}</main></html>"
///     ))
/// });
/// ```
#[derive(Clone)]
pub struct Layout(Arc<Render>);

impl Layout {
    /// `render` is asked for each page, error pages too. Where it fails, the answer is a plain
    /// error (500).
    pub fn new<F, E>(render: F) -> Self
    where
        F: Fn(&LayoutParts<'_>) -> Result<String, E> + Send + Sync + 'static,
        E: Into<BoxError>,
    {
        Self(Arc::new(move |page| render(page).map_err(Into::into)))
    }

    pub(crate) fn render(&self, page: &LayoutParts<'_>) -> Result<String, BoxError> {
        (self.0)(page)
    }
}

impl Default for Layout {
    fn default() -> Self {
        Self::new(|page| Ours { page }.render())
    }
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Layout")
    }
}

/// A page, for the layout around it. `title` and `content` are HTML and go in as they are; all
/// else is text, which the layout escapes.
pub struct LayoutParts<'a> {
    /// What the page is, for the `title` of the document.
    pub title: &'a str,
    /// What belongs into `main`, without the notice. Its own looks are in `/static/style.css`, and
    /// `/static/app.js` (`defer`) makes some of it handier.
    pub content: &'a str,
    /// How much room it wants: `narrow` (a form), `middle` or `wide` (tables), which are classes of
    /// `main` in our style sheet.
    pub width: &'a str,
    /// The setting `app_name`.
    pub app_name: &'a str,
    /// Who is signed in. They leave at `path("/logout")`.
    pub user: Option<&'a str>,
    /// Only pages that this user may open; empty when nobody is signed in.
    pub nav: &'a [NavItem],
    /// What just happened, a whole sentence; belongs into an element with the role `status`.
    pub notice: Option<&'a str>,
    pub(crate) public_url: &'a PublicUrl,
}

impl LayoutParts<'_> {
    /// The path of a route of ours on this host, such as `/people/static/style.css` of
    /// `/static/style.css`.
    pub fn path(&self, route: &str) -> String {
        self.public_url.path(route)
    }
}

/// A link of the navigation.
pub struct NavItem {
    pub(crate) route: &'static str,
    /// Its path on this host.
    pub href: String,
    /// What it is called.
    pub label: &'static str,
    /// The page shown stands under this link.
    pub current: bool,
}

#[derive(Template)]
#[template(path = "layout.html")]
struct Ours<'a> {
    page: &'a LayoutParts<'a>,
}
