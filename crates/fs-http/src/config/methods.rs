//! HTTP methods in settings files: `["POST"]`.

use http::Method;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serializer};

pub(super) fn serialize<S: Serializer>(methods: &[Method], to: S) -> Result<S::Ok, S::Error> {
    to.collect_seq(methods.iter().map(Method::as_str))
}

pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<Method>, D::Error> {
    let names = Vec::<String>::deserialize(from)?;
    let known = |name: String| match name.as_str() {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        "PUT" => Ok(Method::PUT),
        "PATCH" => Ok(Method::PATCH),
        "DELETE" => Ok(Method::DELETE),
        _ => Err(D::Error::custom(format!("{name:?} is no method; write \"POST\" or \"GET\""))),
    };
    names.into_iter().map(known).collect()
}
