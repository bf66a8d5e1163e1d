//! The answer of an endpoint.

use bytes::Bytes;
use http::Response;

/// An answer, or the one that takes its place because something failed on the way.
pub(super) type Answer = Result<Response<Bytes>, Box<Response<Bytes>>>;
