//! Who may ask at all: the Host and Origin of every request are checked, so that another site's page on the agent's own
//! machine reaches nothing.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::{Service, problem};
use crate::config::Http;

/// Pages run only what they came with, and nobody frames them but themselves.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// Names under which the service may be asked, and origins whose pages may.
pub struct Guard {
    hosts: Vec<String>,
    origins: Vec<String>,
    /// Of the page for iframes, which those of `http.embedded_by` may frame too.
    pub embedded_policy: String,
}

impl Guard {
    pub fn new(http: &Http) -> Self {
        let mut hosts: Vec<String> = ["localhost", "127.0.0.1", "[::1]"].map(str::to_owned).to_vec();
        hosts.extend(http.hosts.iter().map(|host| host.to_ascii_lowercase()));
        let origins = http.origins.iter().map(|origin| origin.trim_end_matches('/').to_ascii_lowercase()).collect();
        let framed_by = format!("frame-ancestors 'self' {}", http.embedded_by.join(" "));
        let embedded_policy = POLICY.replace("frame-ancestors 'self'", framed_by.trim_end());
        Self { hosts, origins, embedded_policy }
    }

    /// Why a request is refused, if it is.
    fn refuse(&self, headers: &HeaderMap) -> Option<(&'static str, &'static str)> {
        let text =
            |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_ascii_lowercase);
        let host = text(header::HOST).unwrap_or_default();
        let known = host
            .parse::<Authority>()
            .is_ok_and(|authority| self.hosts.iter().any(|name| name == authority.host() || *name == host));
        if !known {
            return Some(("unknown_host", "the service is not known by this Host; add it to http.hosts"));
        }
        let own = |origin: &str| {
            origin.split_once("://").is_some_and(|(scheme, rest)| matches!(scheme, "http" | "https") && rest == host)
        };
        match text(header::ORIGIN) {
            Some(origin) if !own(&origin) && !self.origins.contains(&origin) => {
                Some(("unknown_origin", "pages of this Origin may not ask here; add it to http.origins"))
            }
            _ => None,
        }
    }
}

pub async fn check(State(service): State<Arc<Service>>, request: Request, next: Next) -> Response {
    if let Some((code, text)) = service.guard.refuse(request.headers()) {
        return problem(StatusCode::FORBIDDEN, code, text);
    }
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    // The page for iframes brings its own.
    headers.entry(header::CONTENT_SECURITY_POLICY).or_insert(HeaderValue::from_static(POLICY));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}
