//! Web framework that serves the demo. The pages are the same on each.

use std::error::Error;
use std::str::FromStr;
use std::time::Duration;

use fs_http::WebSecurity;
use tokio::net::TcpListener;

use crate::app::App;
use crate::on_axum;

/// Framework to select on the command line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    #[cfg(feature = "rocket")]
    Rocket,
    #[cfg(feature = "actix")]
    Actix,
}

/// Frameworks that this program is built with, by name.
const BUILT: &[(&str, Framework)] = &[
    ("axum", Framework::Axum),
    #[cfg(feature = "rocket")]
    ("rocket", Framework::Rocket),
    #[cfg(feature = "actix")]
    ("actix", Framework::Actix),
];

/// Frameworks that require a cargo feature of the same name.
const FEATURES: [&str; 2] = ["rocket", "actix"];

/// Error of selecting a framework.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum FrameworkError {
    /// The framework requires a feature that is disabled.
    #[error("this demo is built without it: cargo run --features {0} -- --framework {0}")]
    NotBuilt(&'static str),
    /// No framework has that name.
    #[error("it is axum, rocket or actix")]
    Unknown,
}

impl Framework {
    /// Serves requests until `stopped` completes, and finishes those in progress. Disconnects
    /// clients that are silent for longer than `silence` within a request, as far as the framework
    /// supports that. Calls `listening` once connections are accepted.
    pub(crate) async fn serve(
        self,
        listener: TcpListener,
        app: App,
        web: &WebSecurity,
        silence: Duration,
        listening: impl FnOnce() + Send + Sync + 'static,
        stopped: impl Future<Output = ()> + Send + 'static,
    ) -> Result<(), Box<dyn Error>> {
        match self {
            Self::Axum => on_axum::serve(listener, app, web, silence, listening, stopped).await,
            #[cfg(feature = "rocket")]
            // Rocket has no such limits: put a proxy in front of it.
            Self::Rocket => crate::on_rocket::serve(listener, app, web, listening, stopped).await?,
            #[cfg(feature = "actix")]
            Self::Actix => {
                crate::on_actix::serve(listener, app, web, silence, listening, stopped).await?;
            }
        }
        Ok(())
    }

    fn among(name: &str, built: &[(&str, Self)]) -> Result<Self, FrameworkError> {
        if let Some((_, framework)) = built.iter().find(|(known, _)| *known == name) {
            return Ok(*framework);
        }
        let feature = FEATURES.into_iter().find(|feature| *feature == name);
        Err(feature.map_or(FrameworkError::Unknown, FrameworkError::NotBuilt))
    }
}

impl FromStr for Framework {
    type Err = FrameworkError;

    fn from_str(name: &str) -> Result<Self, FrameworkError> {
        Self::among(name, BUILT)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_built_says_how_to_build_it() {
        let built = [("axum", Framework::Axum)];
        assert_eq!(Framework::among("axum", &built), Ok(Framework::Axum));
        let error = Framework::among("rocket", &built).unwrap_err();
        assert!(error.to_string().contains("cargo run --features rocket -- --framework rocket"));
        assert_eq!(Framework::among("actix", &built), Err(FrameworkError::NotBuilt("actix")));
        assert_eq!(Framework::among("warp", &built), Err(FrameworkError::Unknown));
    }
}
