//! Pages: what a browser would get.

use crate::http::Reply;

/// The application's page.
pub(super) fn app(status: u16) -> Reply {
    let body = "<!doctype html>\n<html lang=\"en\">\n\t<head>\n\t\t<meta charset=\"utf-8\" />\n\
                \t\t<title>ChatUI</title>\n\t</head>\n\t<body><div id=\"app\"></div></body>\n</html>\n";
    Reply::new(status, "text/html", body).with("x-sveltekit-page", "true")
}

/// The page of the HTTP adapter for a body that is too large.
pub(super) fn too_large() -> Reply {
    let body = "<!doctype html>\n<html lang=\"en\">\n\t<head>\n\t\t<meta charset=\"utf-8\" />\n\
                \t\t<title>An error occurred</title>\n\t</head>\n\t<body>\n\
                \t\t<div class=\"error\">\n\t\t\t<span class=\"status\">413</span>\n\
                \t\t\t<div class=\"message\">\n\t\t\t\t<h1>An error occurred</h1>\n\
                \t\t\t</div>\n\t\t</div>\n\t</body>\n</html>\n";
    Reply::new(413, "text/html; charset=utf-8", body)
}
