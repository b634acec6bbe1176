//! Who asks, by the token of the `Authorization` header, and whether the token says that they may.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::{Service, problem};
use crate::auth::{Authority, Identity, Refused, Scope};

/// What a route needs: a valid token, and perhaps a scope in it. Nothing, where no authentication is configured.
#[derive(Clone)]
pub struct Needs {
    pub service: Arc<Service>,
    pub scope: Option<Scope>,
}

/// Lets in who may; who that is stands in the request's extensions.
pub async fn check(State(Needs { service, scope }): State<Needs>, mut request: Request, next: Next) -> Response {
    match may(&service, request.headers(), scope).await {
        Ok(None) => {}
        Ok(Some(identity)) => _ = request.extensions_mut().insert(identity),
        Err(refusal) => return refusal,
    }
    next.run(request).await
}

/// The caller, or the answer to a caller who lacks the scope; `None` where no authentication is configured.
pub async fn may(service: &Service, headers: &HeaderMap, scope: Option<Scope>) -> Result<Option<Identity>, Response> {
    let identity = identity(service, headers).await.map_err(unauthorized)?;
    match (&identity, scope) {
        (Some(identity), Some(scope)) if !identity.scopes.has(scope) => Err(lacks(scope)),
        _ => Ok(identity),
    }
}

/// Who asks; `None` where no authentication is configured.
pub async fn identity(service: &Service, headers: &HeaderMap) -> Result<Option<Identity>, Refused> {
    match &service.way.door.authority {
        Authority::Nobody => Ok(None),
        Authority::Tokens(tokens) => tokens.identity(token(headers)).await.map(Some),
    }
}

/// The token of the header; of the URL none is ever read, as URLs are logged and remembered everywhere.
pub fn token(headers: &HeaderMap) -> Option<&str> {
    let mut said = headers.get_all(header::AUTHORIZATION).into_iter();
    let (scheme, token) = said.next()?.to_str().ok()?.split_once(' ')?;
    (scheme.eq_ignore_ascii_case("bearer") && said.next().is_none()).then(|| token.trim())
}

pub fn unauthorized(refused: Refused) -> Response {
    if refused == Refused::KeysMissing {
        return problem(StatusCode::SERVICE_UNAVAILABLE, "keys_missing", refused.text());
    }
    let (code, challenge) = match refused {
        // RFC 6750: whoever brought nothing is told no error.
        Refused::Missing => ("token_needed", "Bearer realm=\"backstory\"".to_owned()),
        refused => {
            let text = refused.text();
            (
                "token_refused",
                format!("Bearer realm=\"backstory\", error=\"invalid_token\", error_description=\"{text}\""),
            )
        }
    };
    challenged(problem(StatusCode::UNAUTHORIZED, code, refused.text()), &challenge)
}

fn lacks(scope: Scope) -> Response {
    let name = scope.name();
    let refusal = problem(StatusCode::FORBIDDEN, "scope_missing", &format!("the token lacks the scope {name}"));
    challenged(refusal, &format!("Bearer realm=\"backstory\", error=\"insufficient_scope\", scope=\"{name}\""))
}

fn challenged(mut refusal: Response, challenge: &str) -> Response {
    if let Ok(challenge) = HeaderValue::from_str(challenge) {
        refusal.headers_mut().insert(header::WWW_AUTHENTICATE, challenge);
    }
    refusal
}
