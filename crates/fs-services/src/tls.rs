//! Which implementation of cryptography TLS uses.

use std::sync::Once;

/// Chooses ring, once and for all: rustls asks which one to use, and `reqwest` panics without an
/// answer. An application that has chosen already keeps its choice.
pub(crate) fn choose_ring() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let _ = rustls::crypto::ring::default_provider().install_default();
    });
}
