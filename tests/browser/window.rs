//! A browser as a person uses it: look, type, press, go back. Each method waits, within a
//! limit, for what it names, and fails with what is on the page instead.

use std::time::{Duration, Instant};

use fantoccini::{Client, ClientBuilder, Locator, elements::Element, error::CmdError};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::{
    driver::{Driver, Extra},
    program::{Program, eventually},
    support::Engine,
};

/// How long something on a page may take, on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// How somebody looks at the pages. A walk of a person goes both ways, on an engine each.
#[derive(Debug, Clone, Copy)]
pub enum Way {
    /// A wide window, with JavaScript.
    Desk,
    /// A phone, without.
    Phone,
}

impl Way {
    pub fn open(self, port: u16) -> Browser {
        self.open_at(format!("http://127.0.0.1:{port}"))
    }

    /// The same for pages that begin with this address.
    pub fn open_at(self, origin: String) -> Browser {
        match self {
            Self::Desk => Browser::start(origin, true),
            Self::Phone => {
                let browser = Browser::start(origin, false);
                browser.resize(390, 844);
                browser
            }
        }
    }
}

/// Runs the test both ways, and so on both engines.
pub fn both_ways(test: impl Fn(Program, Way)) {
    for (engine, way) in [(Engine::Sqlite, Way::Desk), (Engine::Postgres, Way::Phone)] {
        println!("on {engine:?}, {way:?}");
        test(Program::new(engine), way);
    }
}

/// A browser with a profile of its own, in which nobody is signed in.
pub struct Browser {
    client: Client,
    runtime: Runtime,
    origin: String,
    // Last, so that it outlives the connection to it.
    driver: Driver,
}

impl Browser {
    /// Opens a browser for the server on this port of loopback.
    pub fn open(port: u16) -> Self {
        Self::start(format!("http://127.0.0.1:{port}"), true)
    }

    pub fn without_javascript(port: u16) -> Self {
        Self::start(format!("http://127.0.0.1:{port}"), false)
    }

    /// Opens a browser for a server that is reached below `example.com`, with any certificate.
    pub fn open_at(origin: String) -> Self {
        Self::start(origin, true)
    }

    fn start(origin: String, javascript: bool) -> Self {
        let driver = Driver::start();
        let runtime = Runtime::new().unwrap();
        let mut builder = ClientBuilder::new(HttpConnector::new());
        builder.capabilities(driver.capabilities(javascript));
        let client = runtime.block_on(builder.connect(&driver.url()));
        let browser = Self { client: client.expect("chromium starts"), runtime, origin, driver };
        browser.resize(1280, 800);
        // Keeps what the server sends.
        browser.devtools("Network.enable", json!({}));
        browser
    }

    fn run<T>(&self, command: impl Future<Output = Result<T, CmdError>>) -> T {
        self.attempt(command).unwrap()
    }

    fn attempt<T>(
        &self,
        command: impl Future<Output = Result<T, CmdError>>,
    ) -> Result<T, CmdError> {
        let limited = async { tokio::time::timeout(PATIENCE * 2, command).await };
        let done = self.runtime.block_on(limited);
        done.expect("chromedriver answers")
    }

    /// Opens an address: a path of ours, or a whole URL.
    pub fn visit(&self, address: &str) {
        let url = match address.strip_prefix('/') {
            Some(_) => format!("{}{address}", self.origin),
            None => address.to_owned(),
        };
        self.run(self.client.goto(&url));
    }

    /// Opens the address again and again until its page shows the text: the server remembers for a
    /// moment what somebody else has changed.
    pub fn visit_until_it_shows(&self, address: &str, text: &str) {
        let shows = || {
            self.visit(address);
            self.shows(text)
        };
        assert!(eventually(PATIENCE, shows), "{address} never shows {text:?}: {}", self.text());
    }

    /// Path and query of the page shown.
    pub fn address(&self) -> String {
        let url = self.run(self.client.current_url());
        url.as_str().replacen(&self.origin, "", 1)
    }

    /// The text of the page, as far as it can be seen.
    pub fn text(&self) -> String {
        let text = self.attempt(async {
            let body = self.client.find(Locator::Css("body")).await?;
            body.text().await
        });
        text.unwrap_or_default()
    }

    /// Waits until `found` gives something; panics with the page.
    fn wait_for<T>(&self, what: &str, mut found: impl FnMut() -> Option<T>) -> T {
        let begun = Instant::now();
        loop {
            if let Some(found) = found() {
                return found;
            }
            if begun.elapsed() > PATIENCE {
                let (address, text) = (self.address(), self.text());
                panic!("no {what} at {address}, where it says:\n{text}");
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    pub fn arrives_at(&self, address: &str) {
        self.wait_for(address, || (self.address() == address).then_some(()));
    }

    pub fn sees(&self, text: &str) {
        self.wait_for(&format!("{text:?}"), || self.text().contains(text).then_some(()));
    }

    /// Whether the text is on the page that is there now.
    pub fn shows(&self, text: &str) -> bool {
        self.text().contains(text)
    }

    pub fn element(&self, selector: &str) -> Element {
        self.locate(Locator::Css(selector))
    }

    fn locate(&self, locator: Locator<'_>) -> Element {
        self.wait_for(&format!("{locator:?}"), || self.attempt(self.client.find(locator)).ok())
    }

    /// The text of an element.
    pub fn text_of(&self, selector: &str) -> String {
        self.run(self.element(selector).text())
    }

    pub fn is_displayed(&self, selector: &str) -> bool {
        self.run(self.element(selector).is_displayed())
    }

    pub fn property(&self, selector: &str, name: &str) -> Option<String> {
        self.run(self.element(selector).prop(name))
    }

    pub fn attribute(&self, selector: &str, name: &str) -> Option<String> {
        self.run(self.element(selector).attr(name))
    }

    /// The field with this label.
    fn field(&self, label: &str) -> Element {
        let label = format!(
            "//label[normalize-space() = '{label}' or normalize-space() = '{label} (optional)']"
        );
        self.wait_for(&label, || {
            let field = self.attempt(async {
                let id = self.client.find(Locator::XPath(&label)).await?.attr("for").await?;
                let id = id.expect("a label says whose it is");
                self.client.find(Locator::Css(&format!("[id='{id}']"))).await
            });
            field.ok()
        })
    }

    /// Does something with a field; again where the page was just replaced by another.
    fn with_field<T>(&self, label: &str, act: impl AsyncFn(Element) -> Result<T, CmdError>) -> T {
        self.wait_for(label, || match self.attempt(act(self.field(label))) {
            Err(error) if error.is_stale_element_reference() => None,
            done => Some(done.unwrap()),
        })
    }

    /// Types into a field, in place of what is there.
    pub fn fill(&self, label: &str, text: &str) {
        self.with_field(label, async |input| {
            input.clear().await?;
            input.send_keys(text).await
        });
    }

    /// Chooses one of a list.
    pub fn choose(&self, label: &str, option: &str) {
        self.with_field(label, async |list| list.select_by_label(option).await);
    }

    /// Ticks a box, or takes the tick away.
    pub fn tick(&self, label: &str) {
        self.run(self.field(label).click());
    }

    pub fn is_ticked(&self, label: &str) -> bool {
        self.with_field(label, async |field| field.is_selected().await)
    }

    /// What stands in a field.
    pub fn value(&self, label: &str) -> String {
        self.with_field(label, async |field| field.prop("value").await).expect("a value")
    }

    pub fn click(&self, selector: &str) {
        self.run(self.element(selector).click());
    }

    /// One of a page that was just replaced is looked for in the other.
    fn click_on(&self, path: &str) {
        self.wait_for(path, || match self.attempt(self.locate(Locator::XPath(path)).click()) {
            Err(error) if error.is_stale_element_reference() => None,
            done => {
                done.unwrap();
                Some(())
            }
        });
    }

    /// Presses the button with this label, as it is seen or, where that differs, heard.
    pub fn press(&self, label: &str) {
        let button = format!("//button[{}]", called(label));
        self.click_on(&button);
    }

    /// Presses the button of the form in which the field with this label stands.
    pub fn press_beside(&self, field: &str, button: &str) {
        let button =
            format!("//form[.//label[normalize-space() = '{field}']]//button[{}]", called(button));
        self.click_on(&button);
    }

    /// Follows the link with this text.
    pub fn follow(&self, text: &str) {
        let link = format!("//a[{}]", called(text));
        self.click_on(&link);
    }

    /// Follows a link that leads to a file; returns what is in it.
    pub fn download(&self, link: &str, name: &str) -> String {
        self.follow(link);
        let file = self.driver.downloads().join(name);
        self.wait_for(name, || std::fs::read_to_string(&file).ok().filter(|text| !text.is_empty()))
    }

    /// What can be followed, pressed or filled on the page, by its name, below the navigation.
    pub fn offers(&self) -> Vec<String> {
        let can_be_used = "main :is(a[href], button, input:not([type=hidden]), select, summary)";
        self.texts(&format!(
            "{NAME} const all = document.querySelectorAll('{can_be_used}');
             return [...all].filter(one => !one.hidden && one.tabIndex >= 0).map(name);",
        ))
    }

    /// Where the links of the page lead.
    pub fn links(&self) -> Vec<String> {
        self.texts(
            "return [...document.querySelectorAll('a[href]')].map(one => one.getAttribute('href'))",
        )
    }

    /// The session's cookie, as it is sent.
    pub fn cookie(&self) -> String {
        let cookie = self.run(self.client.get_named_cookie("rolecall"));
        format!("rolecall={}", cookie.value())
    }

    /// Takes away a cookie that a domain shares.
    pub fn forget_cookie(&self, name: &str, domain: &str) {
        self.devtools("Network.deleteCookies", json!({ "name": name, "domain": domain }));
    }

    /// The name of what has the focus.
    pub fn focused(&self) -> String {
        self.texts(&format!("{NAME} return [name(document.activeElement)]")).remove(0)
    }

    /// The texts that a script returns.
    pub fn texts(&self, script: &str) -> Vec<String> {
        serde_json::from_value(self.script(script)).expect("a list of texts")
    }

    /// Presses keys, wherever the focus is.
    pub fn press_key(&self, keys: &str) {
        self.run(async { self.client.active_element().await?.send_keys(keys).await });
    }

    pub fn back(&self) {
        self.run(self.client.back());
    }

    /// Opens another tab of the same browser and looks at it.
    pub fn open_tab(&self) {
        self.run(async {
            let tab = self.client.new_window(true).await?;
            self.client.switch_to_window(tab.handle).await
        });
    }

    /// Looks at the tab that was opened as the `number`th.
    pub fn look_at_tab(&self, number: usize) {
        self.run(async {
            let tabs = self.client.windows().await?;
            self.client.switch_to_window(tabs[number].clone()).await
        });
    }

    /// Sends the login form; whether that works is the caller's to see.
    pub fn try_login(&self, name: &str, password: &str) {
        self.fill("User name or email", name);
        self.fill("Password", password);
        self.press("Sign in");
    }

    pub fn log_in(&self, name: &str, password: &str) {
        self.visit("/login");
        self.try_login(name, password);
        self.arrives_at("/account");
    }

    /// Leaves by the link and the button.
    pub fn log_out(&self) {
        self.follow("Sign out");
        self.arrives_at("/logout");
        self.press("Sign out");
        self.arrives_at("/login?done=signed-out");
    }

    /// The result of a script that the page did not bring along.
    pub fn script(&self, script: &str) -> Value {
        self.run(self.client.execute(script, Vec::new()))
    }

    /// The result of a script that hands it to the function that it is given.
    pub fn script_that_calls_back(&self, script: &str) -> Value {
        self.run(self.client.execute_async(script, Vec::new()))
    }

    /// The HTML of the page as the server sent it.
    pub fn source(&self) -> String {
        let tree = self.devtools("Page.getFrameTree", json!({}));
        let id = &tree["frameTree"]["frame"]["loaderId"];
        let body = self.devtools("Network.getResponseBody", json!({ "requestId": id }));
        assert_eq!(body["base64Encoded"], false, "text");
        body["body"].as_str().expect("a page").to_owned()
    }

    pub fn devtools(&self, command: &str, parameters: Value) -> Value {
        self.run(self.client.issue_cmd(Extra::devtools(command, parameters)))
    }

    /// The size of what the page is shown in; no window can be made as narrow as a phone.
    pub fn resize(&self, width: u32, height: u32) {
        let size = json!({
            "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false,
        });
        self.devtools("Emulation.setDeviceMetricsOverride", size);
    }

    /// Asks for pages in `light` or `dark`, at once: colours fade into one another unless
    /// motion is to be reduced.
    pub fn prefer(&self, scheme: &str) {
        let features = json!([
            { "name": "prefers-color-scheme", "value": scheme },
            { "name": "prefers-reduced-motion", "value": "reduce" },
        ]);
        self.devtools("Emulation.setEmulatedMedia", json!({ "features": features }));
    }

    /// What stands in the browser's console since this was last asked, but for the line that
    /// every answer with an error status leaves there.
    pub fn complaints(&self) -> Vec<String> {
        let log = self.run(self.client.issue_cmd(Extra::browser_log()));
        let entries = log.as_array().expect("a log").iter();
        let messages = entries.map(|entry| entry["message"].as_str().unwrap().to_owned());
        let is_status = |message: &String| {
            message.contains("Failed to load resource: the server responded with a status of 4")
                && !message.contains("/static/")
        };
        messages.filter(|message| !is_status(message)).collect()
    }
}

/// The condition in XPath that something is called so.
fn called(name: &str) -> String {
    format!("@aria-label = '{name}' or not(@aria-label) and normalize-space() = '{name}'")
}

/// A function in JavaScript that gives the name of something on the page.
const NAME: &str = "const name = one => one.getAttribute('aria-label')
    ?? (one.labels?.[0] ?? one).textContent.trim().replace(/\\s+/g, ' ');";
