"""The client for asyncio."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Literal, overload

from llm2api._client import BaseClient, _id
from llm2api._llm2api import Account, ChatCompletion, Checked, Model
from llm2api._request import ChatParams, Messages
from llm2api._stream import AsyncStream

if TYPE_CHECKING:
    from typing_extensions import Self, Unpack


class AsyncClient(BaseClient):
    """A client over a pool of chat accounts, in this process, for asyncio.

    It takes the parameters of :class:`Client` and has its methods; those that wait are awaited.
    Cancelling one ends what it has begun.

    Examples
    --------
    >>> import asyncio, llm2api
    >>> async def main():
    ...     async with llm2api.AsyncClient(upstream="demo") as client:
    ...         return await client.chat("Hello", model="demo")
    >>> print(asyncio.run(main()).text)
    This is llm2api's built-in demo: ... You said: Hello
    """

    @property
    def chat(self) -> AsyncChat:
        """Asks for answers: ``await client.chat(messages, model=…)``, or as the ``openai`` package
        does, ``await client.chat.completions.create(messages=…, model=…)``.
        """
        return AsyncChat(self)

    async def models(self) -> list[Model]:
        """Lists the models; see :meth:`Client.models`."""
        return await self._engine.models()

    async def pool(self) -> list[Account]:
        """Lists the accounts; see :meth:`Client.pool`."""
        return await self._engine.pool()

    async def add(
        self, cookie: str, *, upstream: str | None = None, label: str | None = None
    ) -> Account:
        """Adds an account; see :meth:`Client.add`."""
        return await self._engine.add(cookie, upstream, label)

    async def remove(self, account: str | Account) -> None:
        """Forgets an account; see :meth:`Client.remove`."""
        await self._engine.remove(_id(account))

    async def check(self, account: str | Account | None = None) -> list[Checked]:
        """Asks the upstream about accounts; see :meth:`Client.check`."""
        return await self._engine.check(None if account is None else _id(account))

    async def close(self) -> None:
        """Ends all calls and takes no others; see :meth:`Client.close`."""
        await self._engine.close()

    async def __aenter__(self) -> Self:
        await self._engine.open()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


class AsyncChat:
    """Asks for answers."""

    def __init__(self, client: AsyncClient) -> None:
        self._client = client

    @property
    def completions(self) -> AsyncCompletions:
        """The same under the names of the ``openai`` package."""
        return AsyncCompletions(self._client)

    @overload
    async def __call__(
        self,
        messages: Messages,
        *,
        model: str,
        stream: Literal[False] = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...
    @overload
    async def __call__(
        self, messages: Messages, *, model: str, stream: Literal[True], **params: Unpack[ChatParams]
    ) -> AsyncStream: ...
    @overload
    async def __call__(
        self, messages: Messages, *, model: str, stream: bool, **params: Unpack[ChatParams]
    ) -> ChatCompletion | AsyncStream: ...
    async def __call__(
        self,
        messages: Messages,
        *,
        model: str,
        stream: bool = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion | AsyncStream:
        """Asks for an answer, whole or in pieces; see :meth:`Chat.__call__`."""
        request = self._client._request(messages, model, stream, params)
        answer = await self._client._engine.chat(*request)
        return answer if isinstance(answer, ChatCompletion) else AsyncStream(answer)


class AsyncCompletions:
    """The path of the ``openai`` package."""

    def __init__(self, client: AsyncClient) -> None:
        self._chat = AsyncChat(client)

    @overload
    async def create(
        self,
        *,
        messages: Messages,
        model: str,
        stream: Literal[False] | None = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion: ...
    @overload
    async def create(
        self, *, messages: Messages, model: str, stream: Literal[True], **params: Unpack[ChatParams]
    ) -> AsyncStream: ...
    @overload
    async def create(
        self, *, messages: Messages, model: str, stream: bool | None, **params: Unpack[ChatParams]
    ) -> ChatCompletion | AsyncStream: ...
    async def create(
        self,
        *,
        messages: Messages,
        model: str,
        stream: bool | None = False,
        **params: Unpack[ChatParams],
    ) -> ChatCompletion | AsyncStream:
        """Does what :meth:`AsyncChat.__call__` does."""
        return await self._chat(messages, model=model, stream=bool(stream), **params)
