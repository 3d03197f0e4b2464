//! Who a request comes from, by its cookies.

use uuid::Uuid;

use crate::http::Request;
use crate::options::Options;
use crate::trouble::Mark;

/// The visitor behind a request to chat-ui.
#[derive(Clone, Debug)]
pub(crate) struct Visitor {
    /// Value of the session cookie as it will be set: the one that was sent, or a new one.
    pub(crate) cookie: String,
    /// User, when logged in.
    pub(crate) user: Option<String>,
}

impl Visitor {
    /// Looks at the cookies of `request`.
    pub(crate) fn of(options: &Options, request: &Request) -> Self {
        let sent = request.cookie(&options.cookie_name).filter(|value| !value.is_empty());
        let Some(sent) = sent else { return Self::stranger() };
        if !options.login {
            return Self { cookie: sent.to_owned(), user: None };
        }
        let revoked = options.marks.get(sent) == Some(&Mark::Revoked);
        let mut alive = options.sessions.iter().filter(|_| !revoked);
        let Some(session) = alive.find(|session| session.value == sent) else {
            return Self { cookie: sent.to_owned(), user: None };
        };
        let coupled = options.coupled_cookie.as_deref();
        match coupled.map(|name| request.cookie(name)) {
            Some(value) if value != session.coupled.as_deref() => Self::stranger(),
            _ => Self { cookie: sent.to_owned(), user: Some(session.user.clone()) },
        }
    }

    fn stranger() -> Self {
        Self { cookie: Uuid::new_v4().to_string(), user: None }
    }

    /// Whom conversations belong to.
    pub(crate) fn owner(&self) -> &str {
        self.user.as_deref().unwrap_or(&self.cookie)
    }
}
