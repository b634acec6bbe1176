//! The pages and the element, built from `widget/` and carried in the binary.

use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

use super::{Shared, problem};

/// `allow_missing`: the service is whole without them, and says how to have them.
#[derive(RustEmbed)]
#[folder = "$CARGO_MANIFEST_DIR/widget/dist"]
#[allow_missing = true]
struct Built;

pub async fn page() -> Response {
    serve("index.html")
}

/// For iframes: the page around it says who the agent is.
pub async fn embedded(State(service): Shared) -> Response {
    let policy = service.guard.embedded_policy.clone();
    ([(header::CONTENT_SECURITY_POLICY, policy)], serve("embedded.html")).into_response()
}

/// Every state of the element, from frames that the page carries.
pub async fn gallery() -> Response {
    serve("gallery.html")
}

pub async fn file(Path(path): Path<String>) -> Response {
    serve(&path)
}

/// Only what was built in can be named: no path leads to the disk.
fn serve(path: &str) -> Response {
    let Some(file) = Built::get(path) else {
        let text = if path.ends_with(".html") {
            "this binary was built without the pages: build widget/ first (make widget), then the binary"
        } else {
            "there is no such file in the element"
        };
        return problem(StatusCode::NOT_FOUND, "not_found", text);
    };
    // Vite names its assets by their content; the rest keeps its name and is asked for anew.
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let headers = [
        (header::CONTENT_TYPE, file.metadata.mimetype().to_owned()),
        (header::CACHE_CONTROL, caching.to_owned()),
        // Browsers let a page of another origin load a module only with this; the guard has looked at its Origin.
        (header::ACCESS_CONTROL_ALLOW_ORIGIN, "*".to_owned()),
    ];
    (headers, file.data).into_response()
}
