use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::{Instant, advance, sleep};

use super::*;
use crate::adapt::Profile;
use crate::chat::{ChatRequest, ChatStream};
use crate::credential::Credential;
use crate::pool::PoolRules;
use crate::upstream::{Account, Capability, Upstream};

const SEARCH: &str = "web_search_options";
const MINUTE: Duration = Duration::from_secs(60);

/// An upstream that lists what it is told to, as soon as it is told to.
#[derive(Debug, Default)]
struct Shop {
    profile: Profile,
    list: Mutex<Option<Vec<Model>>>,
    wait: Mutex<Duration>,
    asked: AtomicU32,
}

impl Shop {
    fn with(profile: Profile, models: &[Model]) -> Arc<Self> {
        let list = Mutex::new(Some(models.to_vec()));
        Arc::new(Self { profile, list, ..Self::default() })
    }

    fn lists(&self, models: Option<&[Model]>) {
        *self.list.lock().expect("nobody panics") = models.map(<[Model]>::to_vec);
    }

    fn takes(&self, wait: Duration) {
        *self.wait.lock().expect("nobody panics") = wait;
    }
}

#[async_trait]
impl Upstream for Shop {
    fn capability(&self) -> Capability {
        Capability { profile: self.profile, ..Capability::default() }
    }

    async fn chat(&self, _: ChatRequest, _: &Credential) -> Result<ChatStream> {
        Err(Error::new(ErrorKind::Unsupported, "chat", "a shop is silent"))
    }

    async fn models(&self, _: Option<&Credential>) -> Result<Vec<Model>> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let wait = *self.wait.lock().expect("nobody panics");
        sleep(wait).await;
        let list = self.list.lock().expect("nobody panics").clone();
        list.ok_or_else(|| Error::new(ErrorKind::Connect, "list models", "the shop is shut"))
    }

    async fn check(&self, _: &Credential) -> Result<Account> {
        Ok(Account::default())
    }
}

fn model(id: &str, vision: Option<bool>) -> Model {
    Model { vision, ..Model::new(id, "shop") }
}

fn catalog(shops: &[(&str, &Arc<Shop>)], aliases: &[(&str, &[&str])]) -> Catalog {
    let edition = edition(shops, aliases);
    Catalog::new(edition, Pool::new(PoolRules::default(), Duration::ZERO))
}

fn edition(shops: &[(&str, &Arc<Shop>)], aliases: &[(&str, &[&str])]) -> Edition {
    let listed = |(name, shop): &(&str, &Arc<Shop>)| {
        Listed::new(name, Arc::clone(shop) as Arc<dyn Upstream>, *name == "any")
    };
    let alias = |(name, serve): &(&str, &[&str])| {
        ((*name).to_owned(), serve.iter().map(|target| (*target).to_owned()).collect())
    };
    let (listed, aliases) = (shops.iter().map(listed), aliases.iter().map(alias));
    Edition::new(listed.collect(), aliases.collect()).expect("known upstreams")
}

async fn ids(catalog: &Catalog) -> Vec<String> {
    catalog.models().await.expect("a list").into_iter().map(|model| model.id).collect()
}

fn details(model: &Model) -> Value {
    serde_json::to_value(model).expect("has a form")["llm2api"].take()
}

#[tokio::test]
async fn a_model_of_two_upstreams_appears_once_with_both_and_what_holds_at_both() {
    let team = Shop::with(Profile::Text, &[model("a", Some(true)), model("b", Some(false))]);
    let local = Shop::with(Profile::OpenAi, &[model("b", Some(false)), model("c", None)]);
    let catalog = catalog(&[("team", &team), ("local", &local)], &[]);
    assert_eq!(ids(&catalog).await, ["a", "b", "c"]);
    let models = catalog.models().await.expect("a list");
    let can = |vision: Value, kind: &str| json!({"vision": vision, "tools": kind, "reasoning": null, "structured_output": kind});
    let wanted = [
        json!({"upstreams": ["team"], "capabilities": can(json!(true), "emulated")}),
        json!({"upstreams": ["team", "local"], "capabilities": can(json!(false), "emulated")}),
        json!({"upstreams": ["local"], "capabilities": can(json!(null), "native")}),
    ];
    assert_eq!(models.iter().map(details).collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn an_alias_shows_what_it_serves_and_what_its_first_target_can_do() {
    let team = Shop::with(Profile::Text, &[model("a", Some(true))]);
    let local = Shop::with(Profile::OpenAi, &[]);
    let aliases: &[(&str, &[&str])] = &[("fast", &["local/x", "team/a"]), ("see", &["team/a"])];
    let catalog = catalog(&[("team", &team), ("local", &local)], aliases);
    assert_eq!(ids(&catalog).await, ["a", "fast", "see"]);
    let fast = details(&catalog.model("fast").await.expect("an alias"));
    assert_eq!(fast["serve"], json!(["local/x", "team/a"]));
    assert_eq!(fast["capabilities"]["tools"], "native");
    assert_eq!(fast["parameters"]["local"]["n"], "honoured");
    assert_eq!(fast["parameters"]["team"]["n"], "rejected");
    let see = details(&catalog.model("see").await.expect("an alias"));
    assert_eq!(see["capabilities"]["vision"], true);
    assert_eq!(see["parameters"]["team"]["messages.image_url"], "honoured");
}

#[tokio::test]
async fn a_model_is_shown_under_every_name_that_a_request_may_use() {
    let team = Shop::with(Profile::Text, &[model("a/b", Some(false))]);
    let catalog = catalog(&[("team", &team), ("local", &Shop::with(Profile::OpenAi, &[]))], &[]);
    for id in ["a/b", "team/a/b"] {
        let model = catalog.model(id).await.expect("a model");
        assert_eq!((model.id.as_str(), &details(&model)["upstreams"]), (id, &json!(["team"])));
        let parameters = &details(&model)["parameters"];
        assert_eq!(parameters["temperature"], "ignored");
        assert_eq!(parameters["messages.image_url"], "rejected", "it is blind");
    }
    for id in ["a", "team/a", "local/a/b", "team/", ""] {
        let error = catalog.model(id).await.expect_err(id);
        assert_eq!((error.kind(), error.param()), (ErrorKind::ModelNotFound, Some("model")));
    }
}

#[tokio::test]
async fn a_search_is_emulated_for_every_upstream_once_it_is_set_up() {
    let team = Shop::with(Profile::Text, &[model("a", None)]);
    let local = Shop::with(Profile::OpenAi, &[model("b", None)]);
    let shops: [(&str, &Arc<Shop>); 2] = [("team", &team), ("local", &local)];
    let aliases: &[(&str, &[&str])] = &[("both", &["team/a", "local/b"])];
    let catalog = catalog(&shops, aliases);
    let shown = async |id: &str| {
        let parameters = details(&catalog.model(id).await.expect("a model"))["parameters"].take();
        match id {
            "both" => json!([&parameters["team"][SEARCH], &parameters["local"][SEARCH]]),
            _ => parameters[SEARCH].clone(),
        }
    };
    assert_eq!(shown("a").await, "rejected");
    assert_eq!(shown("both").await, json!(["rejected", "honoured"]));
    catalog.replace(edition(&shops, aliases).with_search(true));
    for id in ["a", "b", "local/b"] {
        assert_eq!(shown(id).await, "emulated", "{id}");
    }
    assert_eq!(shown("both").await, json!(["emulated", "emulated"]));
}

#[tokio::test]
async fn an_upstream_that_takes_any_model_shows_those_that_nobody_lists() {
    let any = Shop::with(Profile::OpenAi, &[]);
    let catalog = catalog(&[("team", &Shop::with(Profile::Text, &[])), ("any", &any)], &[]);
    for id in ["new", "any/new"] {
        let model = catalog.model(id).await.expect("a model");
        assert_eq!(details(&model)["upstreams"], json!(["any"]), "{id}");
    }
    assert!(catalog.model("team/new").await.is_err());
}

#[tokio::test(start_paused = true)]
async fn a_list_that_was_known_once_is_served_while_its_upstream_is_down() {
    let team = Shop::with(Profile::Text, &[model("a", None)]);
    let local = Shop::with(Profile::OpenAi, &[model("b", None)]);
    let catalog = catalog(&[("team", &team), ("local", &local)], &[]);
    assert_eq!(ids(&catalog).await, ["a", "b"]);
    team.lists(None);
    for _ in 0..100 {
        advance(MINUTE).await;
        assert_eq!(ids(&catalog).await, ["a", "b"]);
        let routes = catalog.routes("a").await.expect("a route");
        assert_eq!(*routes[0].upstream, *"team", "calls are routed by it too");
    }
    team.lists(Some(&[model("new", None)]));
    advance(MINUTE).await;
    assert_eq!(ids(&catalog).await, ["b", "new"]);
}

#[tokio::test(start_paused = true)]
async fn one_that_never_listed_any_is_left_out_and_no_model_is_said_to_be_unknown() {
    let (team, local) = (Shop::with(Profile::Text, &[]), Shop::with(Profile::OpenAi, &[]));
    team.lists(None);
    local.lists(Some(&[model("b", None)]));
    let catalog = catalog(&[("team", &team), ("local", &local)], &[]);
    assert_eq!(ids(&catalog).await, ["b"]);
    let error = catalog.model("a").await.expect_err("who knows");
    assert_eq!(error.kind(), ErrorKind::Connect);
    local.lists(None);
    advance(MINUTE).await;
    assert_eq!(ids(&catalog).await, ["b"]);
}

#[tokio::test(start_paused = true)]
async fn nobody_waits_long_for_an_upstream_whose_list_is_known() {
    let team = Shop::with(Profile::Text, &[model("old", None)]);
    let catalog = catalog(&[("team", &team)], &[]);
    let (_stop, stopped) = watch::channel(());
    let calls = async {
        assert_eq!(ids(&catalog).await, ["old"]);
        team.lists(Some(&[model("new", None)]));
        team.takes(Duration::from_secs(3));
        advance(MINUTE).await;
        for _ in 0..10 {
            let before = Instant::now();
            assert_eq!(ids(&catalog).await, ["old"]);
            assert!(before.elapsed() < Duration::from_secs(1), "{:?}", before.elapsed());
        }
        sleep(Duration::from_secs(4)).await;
        assert_eq!(ids(&catalog).await, ["new"], "somebody waited for it");
        assert_eq!(team.asked.load(Ordering::Relaxed), 3, "at first, in vain, and to the end");
    };
    tokio::select! {
        () = calls => {}
        () = catalog.work(stopped) => panic!("nobody stopped it"),
    }
}
