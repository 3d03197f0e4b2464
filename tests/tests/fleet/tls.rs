//! The store behind TLS, with a certificate that only this test trusts.

use llm2api_tests::processes::{Redis, Server};
use llm2api_tests::{Options, Simulator};
use tempfile::tempdir;

use crate::stage::{session, settings};

#[tokio::test(flavor = "multi_thread")]
async fn a_server_reaches_its_store_over_tls() {
    let options = Options { login: true, sessions: vec![session(0)], ..Options::default() };
    let upstream = Simulator::start(options).await.expect("the simulator listens");
    let (redis, data) = (Redis::start_with_tls().await, tempdir().expect("a directory"));
    let certificate = redis.certificate().display().to_string();
    let (upstream, url) = (upstream.url(), redis.url());
    let mut trusting = settings(&upstream, &url).to_vec();
    trusting.push(("SSL_CERT_FILE", &certificate));
    let server = Server::start(data.path(), &trusting).await;
    assert_eq!(server.api.add(&session(0).value).await.status, 200);
    assert_eq!(server.api.ids().await.len(), 1);

    let other = tempdir().expect("a directory");
    let said = Server::refuses(other.path(), &settings(&upstream, &url)).await;
    assert!(said.contains("Redis cannot be reached"), "it is not trusted: {said}");
}
