use core::convert::Infallible;
use core::fmt;
use core::pin::Pin;
use std::future::Future;

use axum::extract::{FromRequestParts, OptionalFromRequestParts};
use axum::http::HeaderMap;
use axum::http::request::Parts;

use crate::page::{NavItem, View};
use crate::problem::{Problem, UNAUTHENTICATED};
use crate::route::Route;

/// Decides whether a request may come in, before its handler runs and before its body is read.
///
/// The route says what is needed; who is asking follows from the head of the request. What the
/// guard finds out goes into the request's extensions, where [`Caller`] reads it.
pub trait Guard: Send + Sync {
    /// Looks at a request's head.
    fn admit(&self, route: &Route, parts: &mut Parts) -> Admission;

    /// Gives what stands above the page of a problem, which no handler made; its first entry is
    /// the way home of whoever asked.
    fn navigation(&self, _view: &View, _headers: &HeaderMap) -> Vec<NavItem> {
        Vec::new()
    }
}

/// What a guard answers.
pub enum Admission {
    /// The request comes in.
    Granted,
    /// The request is answered with a problem.
    Denied(Box<Problem>),
    /// The guard has to look something up first; the same question is asked again afterwards, once.
    AskAgain(Pin<Box<dyn Future<Output = ()> + Send>>),
}

impl fmt::Debug for Admission {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Granted => "Granted",
            Self::Denied(_) => "Denied",
            Self::AskAgain(_) => "AskAgain",
        })
    }
}

/// A guard that lets everybody in, for tests and for doors whose routes are all public.
#[derive(Clone, Copy, Debug)]
pub struct OpenToAll;

impl Guard for OpenToAll {
    fn admit(&self, _: &Route, _: &mut Parts) -> Admission {
        Admission::Granted
    }
}

/// Who is asking, as the door's [`Guard`] found out; 401 when it found nobody.
#[derive(Clone, Copy, Debug)]
pub struct Caller<A>(pub A);

impl<A: Clone + Send + Sync + 'static, S: Sync> FromRequestParts<S> for Caller<A> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Self, Problem> {
        match parts.extensions.get::<A>() {
            Some(who) => Ok(Self(who.clone())),
            None => Err(Problem::new(&UNAUTHENTICATED)),
        }
    }
}

/// For pages that anyone may see: whoever is asking, when the guard knows.
impl<A: Clone + Send + Sync + 'static, S: Sync> OptionalFromRequestParts<S> for Caller<A> {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _state: &S) -> Result<Option<Self>, Infallible> {
        Ok(parts.extensions.get::<A>().cloned().map(Self))
    }
}
