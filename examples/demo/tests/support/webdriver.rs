//! Browser, driven by the WebDriver protocol (<https://www.w3.org/TR/webdriver2/>). Implements only
//! what the tests need, so that no build depends on a client with its HTTP stack.

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use serde_json::{Value, json};

use crate::http::ask;

/// Timeout that is longer than any page takes on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// WebDriver server, which controls the browsers.
pub(crate) struct Driver {
    process: Child,
    port: u16,
    chromium: PathBuf,
}

impl Driver {
    /// Starts the `chromedriver` beside the browser, or on the path.
    pub(crate) fn start(chromium: &Path) -> Self {
        let beside = chromium.with_file_name("chromedriver");
        let program = if beside.is_file() { beside } else { PathBuf::from("chromedriver") };
        let mut command = Command::new(program);
        command.arg("--port=0").stdout(Stdio::piped()).stderr(Stdio::null());
        let mut process = command.spawn().expect("chromedriver is installed");
        let mut output = BufReader::new(process.stdout.take().unwrap());
        let port = loop {
            let mut line = String::new();
            assert!(output.read_line(&mut line).unwrap() > 0, "chromedriver ended");
            if let Some((_, port)) = line.split_once("started successfully on port ") {
                break port.trim().trim_end_matches('.').parse().unwrap();
            }
        };
        Self { process, port, chromium: chromium.to_owned() }
    }

    /// Opens a browser with a profile of its own, in which nobody is signed in.
    pub(crate) fn open(&self) -> Browser {
        let arguments = ["--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"];
        let options = json!({ "binary": self.chromium, "args": arguments });
        let wanted = json!({ "browserName": "chrome", "goog:chromeOptions": options });
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let session = call(self.port, "POST", "/session", Some(&body)).unwrap();
        let id = session["sessionId"].as_str().unwrap();
        Browser { port: self.port, session: format!("/session/{id}") }
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Browser session. Elements are selected by XPath.
pub(crate) struct Browser {
    port: u16,
    session: String,
}

impl Browser {
    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    pub(crate) fn url(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    /// Returns the visible text of the page, or an empty text while pages change.
    pub(crate) fn text(&self) -> String {
        let text = self.run("return document.body ? document.body.innerText : ''");
        text.as_str().unwrap().to_owned()
    }

    pub(crate) fn has(&self, xpath: &str) -> bool {
        !self.all(xpath).is_empty()
    }

    /// Waits until the page shows a text.
    pub(crate) fn wait_for(&self, text: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.text().contains(text) {
            assert!(Instant::now() < until, "{text:?} is not on {}:\n{}", self.url(), self.text());
        }
    }

    /// Waits until the URL contains a part.
    pub(crate) fn wait_for_url(&self, part: &str) {
        let until = Instant::now() + PATIENCE;
        while !self.url().contains(part) {
            assert!(Instant::now() < until, "{} is not at {part}:\n{}", self.url(), self.text());
        }
    }

    /// Opens a page repeatedly until it contains an element.
    pub(crate) fn open_until(&self, url: &str, xpath: &str) {
        let until = Instant::now() + PATIENCE;
        self.open(url);
        while !self.has(xpath) {
            assert!(Instant::now() < until, "{xpath} is not on {url}:\n{}", self.text());
            self.open(url);
        }
    }

    pub(crate) fn click(&self, xpath: &str) {
        self.of_element(xpath, "POST", "click", Some(&json!({})));
    }

    pub(crate) fn press(&self, button: &str) {
        self.click(&format!("//button[normalize-space()='{button}']"));
    }

    pub(crate) fn follow(&self, link: &str) {
        self.click(&format!("//a[normalize-space()='{link}']"));
    }

    /// Returns the visible text of an element.
    pub(crate) fn text_of(&self, xpath: &str) -> String {
        self.of_element(xpath, "GET", "text", None).as_str().unwrap().to_owned()
    }

    /// Replaces the content of the field with that label.
    pub(crate) fn fill(&self, label: &str, text: &str) {
        let field = format!("//input[@id=//label[normalize-space()='{label}']/@for]");
        self.of_element(&field, "POST", "clear", Some(&json!({})));
        self.of_element(&field, "POST", "value", Some(&json!({ "text": text })));
    }

    /// Enters a frame of the page. Opening another page leaves it.
    pub(crate) fn enter_frame(&self, xpath: &str) {
        let frame = json!({ ELEMENT: self.find(xpath) });
        self.post("/frame", &json!({ "id": frame }));
    }

    pub(crate) fn leave_frame(&self) {
        self.post("/frame", &json!({ "id": null }));
    }

    /// Returns a screenshot of the whole page, at that width of the screen and in the given color
    /// scheme.
    pub(crate) fn picture(&self, width: u32, scheme: &str) -> Vec<u8> {
        let metrics =
            json!({ "width": width, "height": 844, "deviceScaleFactor": 1, "mobile": false });
        self.cdp("Emulation.setDeviceMetricsOverride", &metrics);
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.cdp("Emulation.setEmulatedMedia", &json!({ "features": [feature] }));
        // A frame adapts only when it is loaded again.
        if self.has("//iframe") {
            self.post("/refresh", &json!({}));
        }
        let whole = json!({ "captureBeyondViewport": true });
        let picture = self.cdp("Page.captureScreenshot", &whole);
        let picture = picture["data"].as_str().unwrap();
        base64::engine::general_purpose::STANDARD.decode(picture).unwrap()
    }

    /// Returns by how many pixels the page is wider than the screen.
    pub(crate) fn overhang(&self) -> i64 {
        let overhang = "const page = document.documentElement; \
                        return page.scrollWidth - page.clientWidth";
        self.run(overhang).as_i64().unwrap()
    }

    fn run(&self, script: &str) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": [] }))
    }

    fn cdp(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
    }

    /// Sends a command for an element. If the page is replaced between finding the element and the
    /// command, uses the element of the new page.
    fn of_element(&self, xpath: &str, method: &str, what: &str, body: Option<&Value>) -> Value {
        let until = Instant::now() + PATIENCE;
        loop {
            let path = format!("{}/element/{}/{what}", self.session, self.find(xpath));
            match call(self.port, method, &path, body) {
                Ok(value) => return value,
                Err(error) if error.contains("stale element") && Instant::now() < until => {}
                Err(error) => panic!("{xpath}: {error}"),
            }
        }
    }

    /// Waits until the element exists.
    fn find(&self, xpath: &str) -> String {
        let until = Instant::now() + PATIENCE;
        loop {
            if let Some(first) = self.all(xpath).into_iter().next() {
                return first;
            }
            assert!(Instant::now() < until, "{xpath} is not on {}", self.url());
        }
    }

    fn all(&self, xpath: &str) -> Vec<String> {
        let found = self.post("/elements", &json!({ "using": "xpath", "value": xpath }));
        let found = found.as_array().unwrap().iter();
        found.map(|element| element[ELEMENT].as_str().unwrap().to_owned()).collect()
    }

    fn get(&self, path: &str) -> Value {
        call(self.port, "GET", &format!("{}{path}", self.session), None).unwrap()
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        call(self.port, "POST", &format!("{}{path}", self.session), Some(body)).unwrap()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        let _ = call(self.port, "DELETE", &self.session, None);
    }
}

/// Member by which the protocol identifies elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Sends a request of the protocol.
fn call(port: u16, method: &str, path: &str, body: Option<&Value>) -> Result<Value, String> {
    let mut answer = ask(port, method, path, &[], body).map_err(|error| error.to_string())?;
    let value = answer.body["value"].take();
    match value["error"].as_str() {
        Some(error) => Err(format!("{} {error}: {}", answer.status, value["message"])),
        None => Ok(value),
    }
}
