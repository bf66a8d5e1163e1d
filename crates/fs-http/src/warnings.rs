//! Warnings that are logged once for a site, not with every request.

use std::sync::Once;

/// Warnings that were logged already.
pub(crate) struct Warnings {
    no_peer: Once,
    unreadable_proxy: Once,
    ambiguous_cookie: Once,
}

impl Warnings {
    pub(crate) const fn new() -> Self {
        Self { no_peer: Once::new(), unreadable_proxy: Once::new(), ambiguous_cookie: Once::new() }
    }

    /// An adapter does not say where requests come from.
    pub(crate) fn no_peer(&self) {
        self.no_peer.call_once(|| {
            tracing::warn!(
                "requests come without the address of their client, so all of them share the rate \
                 limits of one network, and no proxy is believed. On axum serve the application with \
                 fs_axum::serve or into_make_service_with_connect_info::<SocketAddr>(); on Rocket and \
                 actix-web listen on TCP, not on a Unix socket; in a server of your own hand the \
                 peer's address to WebSecurity::begin"
            );
        });
    }

    /// A trusted proxy wrote something into `X-Forwarded-For` that is no address. What it is, is
    /// not logged: it may be the client's.
    pub(crate) fn unreadable_proxy(&self, last_known: Option<std::net::IpAddr>) {
        self.unreadable_proxy.call_once(|| {
            tracing::warn!(
                ?last_known,
                "an entry of X-Forwarded-For is no address, so the proxy that wrote it counts as the \
                 client: let the proxy write addresses"
            );
        });
    }

    /// A browser has several cookies of one name.
    pub(crate) fn ambiguous_cookie(&self, name: &str) {
        self.ambiguous_cookie.call_once(|| {
            tracing::warn!(
                name,
                "a request carried several cookies of this name, and more than one is good, so none \
                 counts: another application on this host, or an earlier configuration, sets it for \
                 another path or domain"
            );
        });
    }
}
