//! The route table of the authority: the only list of its paths.

use std::sync::Arc;

use poem::error::NotFoundError;
use poem::{Endpoint, EndpointExt, Response, Route};

use super::office::Office;
use super::{audit, check, codes, health, issue, pages, revoke};
use crate::edge::Edge;
use crate::openai::error::Failure;
use crate::routes::resource::{Resource, admin_get, admin_post, page_get, probe_get, public_post};

/// Makes the endpoint that serves every path.
pub(super) fn app(office: Office) -> impl Endpoint<Output = Response> + 'static {
    let add = |route: Route, (path, resource): (&str, Resource<Office>)| route.at(path, resource);
    let route = table(&Arc::new(office)).into_iter().fold(Route::new(), add);
    Edge::new(route.around(async |route, request| route.call(request).await.map_err(named)))
}

/// The gateway's words for an unknown path would name paths that are not here.
fn named(error: poem::Error) -> poem::Error {
    if error.is::<NotFoundError>() { Failure::no_such_path().into() } else { error }
}

/// Lists every path and what answers there.
#[rustfmt::skip]
pub(super) fn table(office: &Arc<Office>) -> Vec<(&'static str, Resource<Office>)> {
    vec![
        ("/auth/check", public_post(office, check::check)),
        ("/auth/issue", admin_post(office, issue::issue)),
        ("/auth/revoke", admin_post(office, revoke::revoke)),
        ("/auth/codes", admin_get(office, codes::list)),
        ("/auth/audit", admin_get(office, audit::list)),
        ("/", page_get(office, pages::show)),
        ("/ui/style.css", page_get(office, pages::style)),
        ("/ui/authority.js", page_get(office, pages::script)),
        ("/livez", probe_get(office, health::live)),
        ("/readyz", probe_get(office, health::ready)),
    ]
}
