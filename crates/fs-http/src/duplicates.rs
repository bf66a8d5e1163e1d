//! Clearing cookies of ours that a browser has more than once.
//!
//! A browser keeps one cookie for each name, path and domain, and sends the names and values of all
//! that fit. So an earlier configuration, or another application on the host, can leave a cookie
//! that comes along for ever. Nobody sees from where, so it is cleared wherever it can be.

use http::header::HeaderMap;

use crate::config::CookieAttributes;
use crate::cookies::{append, cleared};
use crate::exchange::Exchange;

/// Maximum depth of paths whose cookies are removed.
const DEEPEST: usize = 4;

impl Exchange {
    /// Clears the others where a cookie of ours came with several values, and leaves the one that
    /// is at its configured place.
    pub(crate) fn clear_duplicates(&self, headers: &mut HeaderMap) {
        let config = self.config();
        let csrf = config.csrf.cookie.as_ref().map(|cookie| &cookie.attributes);
        let ours = [
            &config.session_cookie,
            &self.site().data_cookie,
            &config.remember_cookie,
            &config.device_cookie,
        ];
        for attributes in ours.into_iter().chain(csrf) {
            // Browsers keep names with this prefix for one path and without a domain.
            if !attributes.name.starts_with("__Host-")
                && self.request().has_several(&attributes.name)
            {
                for elsewhere in self.elsewhere(attributes) {
                    append(headers, cleared(&elsewhere));
                }
            }
        }
    }

    /// Returns the other places at which the browser can have a cookie that it sends with this
    /// request.
    fn elsewhere(&self, attributes: &CookieAttributes) -> Vec<CookieAttributes> {
        let host = self.request().host().unwrap_or_default();
        let places = paths(self.request().path())
            .into_iter()
            .flat_map(|path| domains(host).into_iter().map(move |domain| (path.clone(), domain)));
        let places = places
            .filter(|(path, domain)| *path != attributes.path || *domain != attributes.domain);
        places
            .map(|(path, domain)| CookieAttributes { path, domain, ..attributes.clone() })
            .collect()
    }
}

/// Returns the path of a request and those above it.
fn paths(path: &str) -> Vec<String> {
    let ends = path.match_indices('/').map(|(at, _)| at).chain([path.len()]);
    let above = ends.filter(|at| *at > 0).filter_map(|at| path.get(..at));
    // A semicolon would begin another attribute of the cookie.
    let above = above.filter(|path| !path.contains(';'));
    let mut all: Vec<_> = above.take(DEEPEST).map(str::to_owned).collect();
    all.insert(0, "/".to_owned());
    all.dedup();
    all
}

/// Returns the host alone, and the domains that it is in: as far as they can be told from top-level
/// ones, which no browser takes.
fn domains(host: &str) -> Vec<Option<String>> {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    let mut all = vec![None];
    if name.ends_with(|end: char| end.is_ascii_digit() || end == ']') {
        return all;
    }
    let starts = [0].into_iter().chain(name.match_indices('.').map(|(at, _)| at + 1));
    let within = starts.filter_map(|at| name.get(at..)).filter(|domain| domain.contains('.'));
    all.extend(within.take(3).map(|domain| Some(domain.to_owned())));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_can_be_at_every_path_above() {
        assert_eq!(paths("/"), ["/"]);
        assert_eq!(paths("/app"), ["/", "/app"]);
        assert_eq!(paths("/app/x/"), ["/", "/app", "/app/x", "/app/x/"]);
        assert_eq!(paths("/1/2/3/4/5/6").len(), 1 + DEEPEST);
    }

    #[test]
    fn a_path_adds_no_attribute_to_a_cookie() {
        assert_eq!(paths("/app/x; Domain=site.test/y"), ["/", "/app"]);
    }

    #[test]
    fn a_cookie_can_be_in_every_domain_above() {
        let some = |name: &str| Some(name.to_owned());
        assert_eq!(domains("app.site.test:8000"), [None, some("app.site.test"), some("site.test")]);
        for host in ["localhost:8000", "127.0.0.1:8000", "[::1]:8000", ""] {
            assert_eq!(domains(host), [None], "{host}");
        }
    }
}
