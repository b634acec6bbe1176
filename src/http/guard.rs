//! Who may ask at all: the Host and Origin of every request are checked, so that another site's page on the agent's own
//! machine reaches nothing.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::http::uri::Authority;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::listener::Peer;
use super::{Service, problem};
use crate::config::Http;

/// Pages run only what they came with, and nobody frames them but themselves.
const POLICY: &str = "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; frame-ancestors 'self'; base-uri 'none'; form-action 'none'";

/// What no page of ours asks a browser for.
const PERMISSIONS: &str = "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=(), display-capture=()";
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");

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
    fn refuse(&self, headers: &HeaderMap, is_tls: bool) -> Option<(&'static str, &'static str)> {
        if headers.get_all(header::HOST).iter().count() > 1 || headers.get_all(header::ORIGIN).iter().count() > 1 {
            return Some(("said_twice", "a request has one Host and one Origin at most"));
        }
        let text =
            |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::to_ascii_lowercase);
        let host = text(header::HOST).unwrap_or_default();
        let known = host
            .parse::<Authority>()
            .is_ok_and(|authority| self.hosts.iter().any(|name| name == authority.host() || *name == host));
        if !known {
            return Some(("unknown_host", "the service is not known by this Host; add it to http.hosts"));
        }
        // Without TLS here, a proxy may speak it for us; with TLS, no page of ours came without.
        let of_pages = |scheme: &str| scheme == "https" || (scheme == "http" && !is_tls);
        let own =
            |origin: &str| origin.split_once("://").is_some_and(|(scheme, rest)| of_pages(scheme) && rest == host);
        match text(header::ORIGIN) {
            Some(origin) if !own(&origin) && !self.origins.contains(&origin) => {
                Some(("unknown_origin", "pages of this Origin may not ask here; add it to http.origins"))
            }
            _ => None,
        }
    }
}

pub async fn check(
    State(service): State<Arc<Service>>,
    Extension(peer): Extension<Peer>,
    request: Request,
    next: Next,
) -> Response {
    let is_element = request.uri().path().starts_with("/widget");
    let mut response = match service.guard.refuse(request.headers(), peer.is_tls) {
        Some((code, text)) => problem(StatusCode::FORBIDDEN, code, text),
        None => next.run(request).await,
    };
    let headers = response.headers_mut();
    // The page for iframes brings its own, and may be framed by those that it names, which the older header cannot say.
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
        headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    }
    // Files have said how long they keep; answers hold people's histories.
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(PERMISSIONS));
    // The element and its page belong on others' pages; nothing else does.
    let resources = if is_element { "cross-origin" } else { "same-origin" };
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static(resources));
    if !is_element {
        headers.insert(OPENER_POLICY, HeaderValue::from_static("same-origin"));
    }
    if peer.is_tls {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    response
}
