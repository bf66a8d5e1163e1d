//! Application on a free port, on a site of the test kit.

use fs_axum::Limits;
use fs_core::password::NewHash;
use fs_core::secret::Secret;
use fs_testkit::site::{Setup, Site};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;

pub(crate) const ANN: &str = "ann@example.com";
pub(crate) const PASSWORD: &str = "seven otters hold hands";
pub(crate) const NEW_PASSWORD: &str = "eight otters sleep on waves";

pub(crate) struct Server {
    site: Site,
    pub(crate) port: u16,
    /// Runtime of the server. Dropping it stops the server.
    runtime: Runtime,
}

impl Server {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().unwrap();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let port = listener.local_addr().unwrap().port();
        let mut setup = Setup::standard();
        let key = Secret::from("0123456789abcdef0123456789abcdef");
        setup.config = spa::config(key, format!("http://127.0.0.1:{port}"));
        setup.config.hashing.create = NewHash::CheapestForTests;
        setup.http = spa::insecure_http();
        let site = setup.build();
        let (app, limits) = (spa::app(&site.web), Limits::default());
        runtime.spawn(fs_axum::serve(listener, app, limits, std::future::pending()));
        Self { site, port, runtime }
    }

    /// Returns the path of the link in the only mail that waits.
    pub(crate) fn mailed_link(&self) -> String {
        let mails = self.runtime.block_on(self.site.mails());
        let [mail] = &mails[..] else { panic!("{} mails", mails.len()) };
        let (_, rest) = mail.text.as_deref().unwrap().split_once(&self.url("")).unwrap();
        rest.split_whitespace().next().unwrap().to_owned()
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }
}
