//! What a Prometheus server reads: the plain figures of the engine and of this server, put into text
//! when somebody asks. Nothing here is on the way of a request but [`Responses`].
//!
//! | part | what it does |
//! |---|---|
//! | `names` | every family of our own: its name, its unit, what it says |
//! | `gen_ai` | the names of OpenTelemetry's conventions for generative AI, behind a switch |
//! | `reading` | takes the figures, all at about the same moment |
//! | `calls`, `credentials`, `installation`, `process` | put them into families |
//! | `buckets` | joins the many buckets of the engine to the few that are told |
//! | `families`, `form`, `classic`, `page` | write the text, in one of two forms |
//!
//! Labels are bounded: a model is named once it has answered, or where it is listed or configured,
//! and all others are `other`; routes are the rows of the route table. `_created` samples, which
//! OpenMetrics allows, are left out.

mod buckets;
mod calls;
mod classic;
mod credentials;
mod families;
mod form;
mod gen_ai;
mod installation;
mod names;
mod page;
mod process;
mod reading;
mod responses;
#[cfg(test)]
mod tests;

pub(crate) use form::Form;
pub(crate) use page::write;
pub(crate) use responses::Responses;
