//! Choice of the crypto provider of TLS.

use std::sync::Once;

/// Installs ring as the process-wide crypto provider of rustls, once. `reqwest` panics if none is
/// installed. A provider that the application installed before is kept.
pub(crate) fn choose_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
