"""Answers that come in pieces."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Generator, Iterator
from types import TracebackType
from typing import NoReturn

from llm2api._llm2api import Chunk, Reader

_MANY = 32
"""Who finds so many chunks at once lags behind, and would never wait for any."""


class _Turn:
    """Lets the other tasks of the event loop have their turn."""

    def __await__(self) -> Generator[None, None, None]:
        yield


class _Answer:
    """What both kinds of streams have."""

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._ready: deque[Chunk] = deque()

    @property
    def request_id(self) -> str:
        """The id of the call, which errors name too."""
        return self._reader.request_id

    @property
    def ignored_parameters(self) -> list[str]:
        """The parameters of the request that the answer does not go by."""
        return self._reader.ignored_parameters

    def _close(self) -> None:
        self._ready.clear()
        self._reader.close()

    def _first(self, batch: list[Chunk]) -> Chunk:
        """Keeps all chunks but the first, which it returns."""
        self._ready.extend(batch[1:])
        return batch[0]

    def __reduce__(self) -> NoReturn:
        raise TypeError(f"a {type(self).__name__} cannot be pickled or copied: it is a live answer")


class Stream(_Answer, Iterator[Chunk]):
    """An answer that comes in pieces: an iterator of chunks, and a context manager.

    Closing it, leaving its ``with`` block or losing the last reference to it frees the upstream at
    once, as do its end and an exception, Ctrl-C included.

    Examples
    --------
    >>> import llm2api
    >>> client = llm2api.Client(upstream="demo")
    >>> with client.chat("Hello", model="demo", stream=True) as stream:
    ...     print("".join(chunk.text for chunk in stream))
    This is llm2api's built-in demo: ... You said: Hello
    """

    def __iter__(self) -> Stream:
        return self

    def __next__(self) -> Chunk:
        try:
            return self._ready.popleft()
        except IndexError:
            pass
        try:
            batch = self._reader.take()
            if batch is None:
                batch = self._reader.read().wait()
        except BaseException:
            self.close()
            raise
        if not batch:
            raise StopIteration
        return self._first(batch)

    def close(self) -> None:
        """Ends the answer and frees the upstream; the iteration is over then."""
        self._close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class AsyncStream(_Answer, AsyncIterator[Chunk]):
    """An answer that comes in pieces: an async iterator of chunks, and an async context manager.

    Closing it, leaving its ``async with`` block or losing the last reference to it frees the
    upstream at once, as do its end and an exception. So does cancelling a task that waits for a
    chunk: like an async generator, the stream is over then.

    Examples
    --------
    >>> import asyncio, llm2api
    >>> async def main():
    ...     async with llm2api.AsyncClient(upstream="demo") as client:
    ...         async for chunk in await client.chat("Hello", model="demo", stream=True):
    ...             print(chunk.text, end="")
    >>> asyncio.run(main())
    This is llm2api's built-in demo: ... You said: Hello
    """

    def __aiter__(self) -> AsyncStream:
        return self

    async def __anext__(self) -> Chunk:
        try:
            return self._ready.popleft()
        except IndexError:
            pass
        try:
            batch = self._reader.take()
            if batch is None:
                batch = await self._reader.read()
            elif len(batch) >= _MANY:
                await _Turn()
        except BaseException:
            self._close()
            raise
        if not batch:
            raise StopAsyncIteration
        return self._first(batch)

    async def close(self) -> None:
        """Ends the answer and frees the upstream; the iteration is over then."""
        self._close()

    aclose = close

    async def __aenter__(self) -> AsyncStream:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._close()
