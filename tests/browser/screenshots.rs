//! Every page as a picture, for people to judge.

use std::path::Path;

use base64::{Engine as _, prelude::BASE64_STANDARD};
use serde_json::json;

use crate::{program::Program, support::Engine, terminal::Terminal, tour, window::Browser};

#[test]
#[ignore = "writes screenshots; see `just screenshots`"]
fn every_page_as_it_looks() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("screenshots");
    std::fs::create_dir_all(&folder).unwrap();

    let program = Program::new(Engine::Sqlite);
    let mut terminal = Terminal::serve(&program);
    let link = terminal.setup_link();
    let browser = Browser::open(url::Url::parse(&link).unwrap().port().unwrap());
    browser.visit(&link);
    take_pictures(&browser, &folder, "setup");
    drop((browser, terminal));

    tour::move_in(&program);
    let server = program.serve(&[]);
    let browser = Browser::open(server.port);
    tour::take(&program, &browser, |name| {
        take_pictures(&browser, &folder, name);
    });
}

/// Four of the page that is shown: wide and narrow, light and dark.
fn take_pictures(browser: &Browser, folder: &Path, name: &str) {
    for (size, width) in [("wide", 1280), ("narrow", 390)] {
        browser.resize(width, 844);
        for scheme in ["light", "dark"] {
            browser.prefer(scheme);
            let picture = browser.devtools(
                "Page.captureScreenshot",
                json!({ "format": "png", "captureBeyondViewport": true }),
            );
            let picture = BASE64_STANDARD.decode(picture["data"].as_str().unwrap());
            let file = folder.join(format!("{name}-{size}-{scheme}.png"));
            std::fs::write(file, picture.unwrap()).unwrap();
        }
    }
}
