"""From keywords to the settings of an engine."""

from __future__ import annotations

import json
import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from datetime import timedelta
from operator import index
from typing import Any, Literal, TypedDict, Union

from llm2api import _llm2api
from llm2api._errors import ConfigurationError

Duration = Union[str, float, timedelta]
"""Seconds, a ``timedelta``, or a text such as ``"30s"``."""
Size = Union[str, int]
"""Bytes, or a text such as ``"20MiB"``."""
UpstreamKind = Literal["auto", "chat-ui", "openai", "open-webui", "demo"]

_MANY = 1000
_LONG = 3650 * 24 * 3600
_CODE = "import sys; sys.path.insert(0, {!r}); from llm2api.__main__ import main; main()"


def _program() -> list[str]:
    """This Python, to be started anew with this package, whatever the environment holds by then; nothing
    where the program is no Python that could be.
    """
    if not sys.executable or getattr(sys, "frozen", False):
        return []
    packages = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    return [sys.executable, "-I", "-c", _CODE.format(packages)]


PROGRAM = _program()


class Settings(TypedDict, total=False):
    """The settings that have no parameter of their own; README.md says what each means."""

    data_dir: str
    master_key: str
    check_interval: Duration
    auth_code: str
    auth_url: str
    auth_public_key: str
    auth_grace: Duration
    pool_strategy: Literal["least-loaded", "round-robin"]
    max_concurrency_per_credential: int
    queue_timeout: Duration
    conversations: Literal["reuse", "fresh"]
    connect_timeout: Duration
    first_content_timeout: Duration
    response_timeout: Duration
    liveness_timeout: Duration
    progress_timeout: Duration
    upstream_event_limit: Size
    upstream_body_limit: Size
    strict_parameters: bool
    remote_images: Literal["off", "public"]
    searxng_url: str
    tool_all_in_one: bool
    search_block: bool
    search_timeout: Duration
    search_results: int
    search_result_pages: int
    search_read_pages: int
    search_categories: Union[str, Iterable[str]]
    search_time_range: Literal["day", "week", "month", "year"]
    search_language: str
    search_rewrite: bool
    search_cache: Duration


def engine(
    *,
    base_url: str | None,
    upstream: UpstreamKind,
    credentials: str | Iterable[str],
    api_key: str | None,
    timeout: float | timedelta | None,
    max_retries: int | None,
    store: str | None,
    config: str | os.PathLike[str] | Mapping[str, Any] | None,
    settings: Mapping[str, Any],
) -> _llm2api.Engine:
    """Makes an engine of the parameters of a client."""
    for name in settings:
        if name not in Settings.__annotations__:
            raise TypeError(f"there is no setting {name!r}: {', '.join(Settings.__annotations__)}")
    secrets = [credentials] if isinstance(credentials, str) else list(credentials)
    keywords = {
        **settings,
        "upstream_url": base_url,
        "upstream_kind": None if upstream == "auto" else upstream,
        "cookies": _cookies([*secrets, *([api_key] if api_key else [])]),
        "total_timeout": None if timeout is None else seconds(timeout),
        "retry_max_attempts": None if max_retries is None else attempts(max_retries),
        "store_url": store,
    }
    texts = {name.upper(): _text(value) for name, value in keywords.items() if value is not None}
    table = json.dumps(dict(config), default=_text) if isinstance(config, Mapping) else None
    path = None if config is None or isinstance(config, Mapping) else config
    made = _llm2api.Engine(texts, dict(os.environ), path, table, PROGRAM)
    for warning in made.warnings:
        warnings.warn(warning, stacklevel=3)
    return made


def attempts(max_retries: int) -> int:
    """How many times a call is sent that may be tried again so many times."""
    if not 0 <= index(max_retries) < _MANY:
        raise ValueError(f"max_retries is {max_retries!r}: write a whole number from 0 to {_MANY - 1}")
    return index(max_retries) + 1


def seconds(timeout: float | timedelta) -> float:
    """How many seconds a call may take."""
    number = timeout.total_seconds() if isinstance(timeout, timedelta) else float(timeout)
    if not 0 < number < _LONG:
        raise ValueError(f"timeout is {timeout!r}: write seconds, more than 0; None is no limit")
    return number


def _cookies(secrets: list[str]) -> str | None:
    """Credentials as the setting has them, one a line."""
    if any("," in secret or "\n" in secret for secret in secrets):
        raise ConfigurationError(
            "a credential holds a comma or a line break, which no cookie and no key has: "
            "give several as a list, each an item of its own"
        )
    return "\n".join(secrets) or None


def _text(value: Duration | Iterable[object]) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, timedelta):
        return f"{value.total_seconds():f}s"
    if isinstance(value, float):
        return f"{value:f}"
    if not isinstance(value, (str, bytes)) and isinstance(value, Iterable):
        return ",".join(map(str, value))
    return str(value)
