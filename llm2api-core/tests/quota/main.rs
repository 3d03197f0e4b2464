//! Quotas through the public door.

#[cfg(feature = "redis")]
mod fleet;
#[cfg(feature = "sqlite")]
mod restart;
