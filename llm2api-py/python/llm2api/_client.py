"""The client, and its OpenAI-shaped path ``client.chat.completions.create``."""

from __future__ import annotations

import atexit
import os
import sys
from collections.abc import Iterable, Mapping
from datetime import timedelta
from types import TracebackType
from typing import TYPE_CHECKING, Any, Literal, NoReturn, overload

from llm2api import _llm2api, _settings
from llm2api._llm2api import Account, ChatCompletion, Checked, Model
from llm2api._request import ChatParams, Messages, Options, Request, encode
from llm2api._settings import Settings, UpstreamKind
from llm2api._stream import Stream

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


def _close_at_the_end(_: object) -> None:
    util = sys.modules["multiprocessing.util"]
    util.Finalize(None, _llm2api.close_all, exitpriority=0)


def _in_child() -> None:
    """Has a child of multiprocessing close its clients at its end, which is without atexit."""
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        # What was registered before the child begins its work is forgotten then, but for this.
        util.register_after_fork(_llm2api, _close_at_the_end)


atexit.register(_llm2api.close_all)
# This may be the child: one that was not forked off imports what it needs before it begins.
_in_child()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_in_child)


class BaseClient:
    """What both clients are made of: an engine, and what holds for calls in place of its settings."""

    def __init__(
        self,
        base_url: str | None = None,
        *,
        upstream: UpstreamKind = "auto",
        credentials: str | Iterable[str] = (),
        api_key: str | None = None,
        timeout: float | timedelta | None = None,
        max_retries: int | None = None,
        store: str | None = None,
        config: str | os.PathLike[str] | Mapping[str, Any] | None = None,
        **settings: Unpack[Settings],
    ) -> None:
        self._options = Options()
        self._engine = _settings.engine(
            base_url=base_url,
            upstream=upstream,
            credentials=credentials,
            api_key=api_key,
            timeout=timeout,
            max_retries=max_retries,
            store=store,
            config=config,
            settings=settings,
        )

    def with_options(
        self, *, timeout: float | timedelta | None = None, max_retries: int | None = None
    ) -> Self:
        """Returns a client for the same pool, whose calls have another timeout or other retries.

        Parameters
        ----------
        timeout:
            Seconds that a call may take, from its beginning to the end of its answer.
        max_retries:
            How many times a call is tried again before its first content, by all layers together.

        Examples
        --------
        >>> client = Client(upstream="demo")
        >>> print(client.with_options(timeout=5.0, max_retries=0).chat("Hello", model="demo").text)
        This is llm2api's built-in demo: ... You said: Hello
        """
        other = type(self).__new__(type(self))
        other._engine = self._engine
        other._options = self._options.but(timeout, max_retries)
        return other

    def _request(
        self, messages: Messages, model: str, stream: bool, params: Mapping[str, Any]
    ) -> Request:
        return encode(messages, model, stream, params, self._options)

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"a {type(self).__name__} cannot be pickled or copied: make one in each process"
        )


class Client(BaseClient):
    """A client over a pool of chat accounts, in this process.

    Nothing is opened before the first call; each process that was forked off opens its own. A client
    is safe to use from many threads at once.

    Parameters
    ----------
    base_url:
        Base URL of the upstream. Without it, and without one in the environment or the settings
        file, the built-in demo answers.
    upstream:
        What the upstream speaks: ``chat-ui``, ``openai``, ``open-webui`` or ``demo``. ``auto`` goes by
        the environment and the settings file, else by the URL: ``openai`` where it ends in ``/v1``,
        and ``chat-ui`` elsewhere.
    credentials:
        One credential or several: a cookie ``name=value; name2=value2``, or a bare value, which is
        the ``hf-chat`` cookie of a chat-ui, or a key.
    api_key:
        One more credential, under the name that the ``openai`` package has for it.
    timeout:
        Seconds that a call may take, from its beginning to the end of its answer. No limit by
        default; how long the upstream may be silent is limited all the same.
    max_retries:
        How many times a call is tried again, with another account where there is one. 2 by default.
    store:
        Where accounts are kept: ``sqlite:PATH``, ``redis://HOST:PORT``, or ``memory:``, the default.
    config:
        Path of a settings file, or what it would hold as a dict: several upstreams, aliases, figures
        of the pool. By default ``llm2api.toml`` in the working directory, if there is one.
    **settings:
        Any other setting by its name in lower case; see :class:`Settings`.

    A parameter counts over the environment (``UPSTREAM_URL``, ``COOKIES``, ``QUEUE_TIMEOUT``, …),
    and the environment over the settings file.

    Raises
    ------
    ConfigurationError
        Where the settings cannot be used.

    Examples
    --------
    >>> import llm2api
    >>> client = llm2api.Client(upstream="demo")
    >>> print(client.chat("Hello", model="demo").text)
    This is llm2api's built-in demo: ... You said: Hello
    """

    @property
    def chat(self) -> Chat:
        """Asks for answers: ``client.chat(messages, model=…)``, or as the ``openai`` package does,
        ``client.chat.completions.create(messages=…, model=…)``.

        Examples
        --------
        >>> client = Client(upstream="demo")
        >>> conversation = [{"role": "user", "content": "Hello"}]
        >>> answer = client.chat.completions.create(messages=conversation, model="demo")
        >>> print(answer.choices[0].message.content)
        This is llm2api's built-in demo: ... You said: Hello
        """
        return Chat(self)

    def models(self) -> list[Model]:
        """Lists the models of all upstreams, and the aliases.

        Examples
        --------
        >>> [model.id for model in Client(upstream="demo").models()]
        ['demo']
        """
        return self._engine.models().wait()

    def pool(self) -> list[Account]:
        """Lists the accounts, oldest first: state, reason, until when, calls under way.

        Examples
        --------
        >>> client = Client(upstream="demo")
        >>> account = client.add("sk-123", label="Ann")
        >>> [(account.label, account.state) for account in client.pool()]
        [('Ann', 'active')]
        """
        return self._engine.pool().wait()

    def add(self, cookie: str, *, upstream: str | None = None, label: str | None = None) -> Account:
        """Adds an account, after asking the upstream about it.

        Parameters
        ----------
        cookie:
            A cookie ``name=value; name2=value2``, or a bare value.
        upstream:
            Name of the upstream that it is for; needed where there are several.
        label:
            A name for people.

        Raises
        ------
        BadRequestError
            ``invalid_cookie`` where the upstream does not know it.
        ConflictError
            ``duplicate_cookie`` where it is there already.
        """
        return self._engine.add(cookie, upstream, label).wait()

    def remove(self, account: str | Account) -> None:
        """Forgets an account, by its id.

        Raises
        ------
        BadRequestError
            ``cookie_not_found`` where no account has this id.
        """
        return self._engine.remove(_id(account)).wait()

    def check(self, account: str | Account | None = None) -> list[Checked]:
        """Asks the upstream whether an account works, or whether all do.

        Examples
        --------
        >>> client = Client(upstream="demo")
        >>> account = client.add("sk-123")
        >>> [checked.verdict for checked in client.check(account)]
        ['valid']
        """
        return self._engine.check(None if account is None else _id(account)).wait()

    def close(self) -> None:
        """Ends all calls and takes no others; waits up to 5 seconds for what is left to be told to
        upstreams. Clients that :meth:`with_options` made of this one, or this one of, close too.

        A client that nobody closes does so when it is lost, or at the end of the process.
        """
        self._engine.close().wait()

    def __enter__(self) -> Self:
        self._engine.open().wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class Chat:
    """Asks for answers."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @property
    def completions(self) -> Completions:
        """The same under the names of the ``openai`` package."""
        return Completions(self._client)

    @overload
    def __call__(
        self,
        messages: Messages,
        *,
        model: str,
        stream: Literal[False] = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...
    @overload
    def __call__(
        self, messages: Messages, *, model: str, stream: Literal[True], **params: Unpack[ChatParams]
    ) -> Stream: ...
    @overload
    def __call__(
        self, messages: Messages, *, model: str, stream: bool, **params: Unpack[ChatParams]
    ) -> ChatCompletion | Stream: ...
    def __call__(
        self,
        messages: Messages,
        *,
        model: str,
        stream: bool = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion | Stream:
        """Asks for an answer, whole or in pieces.

        Parameters
        ----------
        messages:
            One question, or a conversation of OpenAI's form, oldest message first. Messages of
            earlier answers may stand in it as they came.
        model:
            A name from :meth:`Client.models`, ``upstream/model``, or an alias.
        stream:
            Whether the answer comes in pieces.
        **params:
            OpenAI's parameters, and ``timeout`` and ``max_retries`` for this call.

        Raises
        ------
        APIError
            One of its subclasses, by the status that the server would answer with; whatever was safe
            to try again has been tried.
        """
        request = self._client._request(messages, model, stream, params)
        answer = self._client._engine.chat(*request).wait()
        return answer if isinstance(answer, ChatCompletion) else Stream(answer)


class Completions:
    """The path of the ``openai`` package."""

    def __init__(self, client: Client) -> None:
        self._chat = Chat(client)

    @overload
    def create(
        self,
        *,
        messages: Messages,
        model: str,
        stream: Literal[False] | None = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...
    @overload
    def create(
        self, *, messages: Messages, model: str, stream: Literal[True], **params: Unpack[ChatParams]
    ) -> Stream: ...
    @overload
    def create(
        self, *, messages: Messages, model: str, stream: bool | None, **params: Unpack[ChatParams]
    ) -> ChatCompletion | Stream: ...
    def create(
        self,
        *,
        messages: Messages,
        model: str,
        stream: bool | None = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion | Stream:
        """Does what :meth:`Chat.__call__` does."""
        return self._chat(messages, model=model, stream=bool(stream), **params)


def _id(account: str | Account) -> str:
    return account.id if isinstance(account, Account) else account
