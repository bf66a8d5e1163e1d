//! Paths of endpoints for templates: `url_for("login")` and `url_prefix`.

use std::sync::{Arc, OnceLock};

use minijinja::{Environment, Error, ErrorKind};

use super::Pages;
use crate::route::Endpoint;
use crate::routes::Routes;

/// The routing table, which is known after the templates were read.
#[derive(Clone, Debug, Default)]
pub(super) struct Links(Arc<OnceLock<Arc<Routes>>>);

impl Links {
    /// Adds the function `url_for`: the path of an endpoint by its name, with the prefix. It is
    /// empty for an endpoint that is switched off.
    pub(super) fn add_to(&self, env: &mut Environment<'static>) {
        let links = self.clone();
        env.add_function("url_for", move |name: String| links.path(&name));
    }

    fn path(&self, name: &str) -> Result<String, Error> {
        let endpoint = Endpoint::ALL.iter().find(|endpoint| endpoint.name() == name);
        let endpoint = endpoint.ok_or_else(|| {
            let unknown = format!("url_for({name:?}): there is no endpoint of that name");
            // A mistake of the template, which is told at the start.
            Error::new(ErrorKind::UnknownFunction, unknown)
        })?;
        let path = self.0.get().and_then(|routes| routes.path(*endpoint));
        Ok(path.map(str::to_owned).unwrap_or_default())
    }
}

impl Pages {
    /// Tells the templates where the endpoints are.
    pub(crate) fn with_routes(self, routes: &Arc<Routes>) -> Self {
        // It is set once, here.
        let _ = self.links.0.set(Arc::clone(routes));
        self
    }
}
