//! Everything the tasks of one simulator share.

use std::collections::{HashMap, HashSet, VecDeque};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use crate::faces::chat_ui::Generation;
use crate::lock::lock;
use crate::log::{Log, Snapshot};
use crate::options::Options;
use crate::script::Script;
use crate::tally::Tallies;
use crate::tasks::Tasks;
use crate::tree::Conversation;

/// The shared state.
#[derive(Debug)]
pub(crate) struct State {
    /// Where it listens.
    pub(crate) address: SocketAddr,
    /// What it received.
    pub(crate) log: Arc<Log>,
    /// What each session did.
    pub(crate) tallies: Arc<Tallies>,
    /// What runs.
    pub(crate) tasks: Tasks,
    /// What is kept between requests; dropped by a reset.
    pub(crate) memory: Mutex<Memory>,
    options: Mutex<Arc<Options>>,
    initial: Options,
}

/// What is kept between requests.
#[derive(Debug, Default)]
pub(crate) struct Memory {
    /// Scripts for chat sends.
    pub(crate) scripts: VecDeque<Script>,
    /// Scripts for paths that begin so.
    pub(crate) path_scripts: Vec<(String, Script)>,
    /// Scripts for whole paths.
    pub(crate) exact_scripts: Vec<(String, Script)>,
    /// Conversations, the oldest first.
    pub(crate) conversations: Vec<Conversation>,
    /// Generations by id, ended ones too.
    pub(crate) generations: HashMap<String, Arc<Generation>>,
    /// Conversations where stop-generating met nothing, and when.
    pub(crate) stop_marks: HashMap<String, Instant>,
    /// Sessions that accepted the welcome modal.
    pub(crate) accepted: HashSet<String>,
    /// Prompts that have failed once, as they asked for.
    pub(crate) failed_once: HashSet<String>,
    /// Times of messages, with session and address.
    pub(crate) messages: Vec<(Instant, String, IpAddr)>,
}

impl State {
    /// A fresh state.
    pub(crate) fn new(address: SocketAddr, options: Options) -> Arc<Self> {
        Arc::new(Self {
            address,
            log: Log::new(),
            tallies: Arc::default(),
            tasks: Tasks::default(),
            memory: Mutex::default(),
            options: Mutex::new(Arc::new(options.clone())),
            initial: options,
        })
    }

    /// The options in force.
    pub(crate) fn options(&self) -> Arc<Options> {
        Arc::clone(&lock(&self.options))
    }

    /// Puts other options in force.
    pub(crate) fn set_options(&self, options: Options) {
        *lock(&self.options) = Arc::new(options);
    }

    /// Changes the options in force.
    pub(crate) fn change_options(&self, change: impl FnOnce(&mut Options)) {
        change(Arc::make_mut(&mut lock(&self.options)));
    }

    /// Goes back to the beginning.
    pub(crate) fn reset(&self) {
        self.set_options(self.initial.clone());
        *lock(&self.memory) = Memory::default();
        self.log.clear();
        self.tallies.clear();
    }

    /// The log with the conversations that are left.
    pub(crate) fn snapshot(&self) -> Snapshot {
        let conversations = lock(&self.memory).conversations.clone();
        Snapshot { conversations, ..self.log.copy() }
    }

    /// Takes the next script for a chat send.
    pub(crate) fn take_script(&self) -> Option<Script> {
        lock(&self.memory).scripts.pop_front()
    }

    /// Takes the first script for just `path`, else the first whose prefix fits it.
    pub(crate) fn take_path_script(&self, path: &str) -> Option<Script> {
        let mut memory = lock(&self.memory);
        if let Some(place) = memory.exact_scripts.iter().position(|(exact, _)| path == exact) {
            return Some(memory.exact_scripts.remove(place).1);
        }
        let place = memory.path_scripts.iter().position(|(prefix, _)| path.starts_with(prefix))?;
        Some(memory.path_scripts.remove(place).1)
    }

    /// Notes that `prompt` fails; true the first time.
    pub(crate) fn first_failure(&self, prompt: &str) -> bool {
        lock(&self.memory).failed_once.insert(prompt.to_owned())
    }
}

impl Memory {
    /// The conversation with this id.
    pub(crate) fn conversation(&mut self, id: &str) -> Option<&mut Conversation> {
        self.conversations.iter_mut().find(|conversation| conversation.id == id)
    }

    /// Counts a message and says how many the fuller of session and address has this minute.
    pub(crate) fn count_message(&mut self, owner: &str, address: IpAddr) -> usize {
        let now = Instant::now();
        self.messages.retain(|(time, ..)| now.duration_since(*time) < Duration::from_secs(60));
        self.messages.push((now, owner.to_owned(), address));
        let by_owner = self.messages.iter().filter(|(_, other, _)| other == owner).count();
        let by_address = self.messages.iter().filter(|(.., other)| *other == address).count();
        by_owner.max(by_address)
    }
}
