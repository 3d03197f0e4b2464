//! `GET /stats` and what is beside it: how the server fares, and what it has done.

mod credentials;
mod lists;
mod now;
mod query;
mod series;
mod wire;

pub(super) use credentials::sparks;
pub(super) use lists::{keys, models};
pub(super) use now::{of, show};
pub(super) use series::series;
