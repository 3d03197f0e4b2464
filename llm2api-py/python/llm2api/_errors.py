"""What calls may end with: one base, and a class for each kind, named as in the ``openai`` package."""

from __future__ import annotations

from typing import Any


class LLM2APIError(Exception):
    """The base of all exceptions of this package.

    Attributes
    ----------
    message:
        One sentence that says what to do.
    code:
        A stable word that programs may compare, such as ``pool_exhausted``.
    status_code:
        The HTTP status that the server would answer with; None where nothing was asked.
    type, param:
        The ``error.type`` of OpenAI's envelope, and the field of the request at fault.
    request_id:
        The id of the call.
    retry_after:
        Seconds after which a later call may succeed, where that is known.
    body:
        The ``error`` object that the server would answer with.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        type: str | None = None,
        param: str | None = None,
        status_code: int | None = None,
        request_id: str | None = None,
        retry_after: float | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = code
        self.type = type
        self.param = param
        self.status_code = status_code
        self.request_id = request_id
        self.retry_after = retry_after

    @property
    def body(self) -> dict[str, Any]:
        """The ``error`` object that the server would answer with."""
        return {
            "message": self.message,
            "type": self.type,
            "param": self.param,
            "code": self.code,
            "request_id": self.request_id,
        }

    def __reduce__(self) -> tuple[Any, ...]:
        # The attributes travel as the instance's state.
        return type(self), (self.message,), self.__dict__


class ConfigurationError(LLM2APIError):
    """The settings cannot be used."""


class ClosedError(LLM2APIError):
    """The client was closed, or the answer belongs to another process."""


class APIError(LLM2APIError):
    """A call failed."""


class APIConnectionError(APIError):
    """The upstream cannot be reached, or broke the connection."""


class APITimeoutError(APIConnectionError):
    """The call, or the upstream, took longer than it may."""


class APIStatusError(APIError):
    """The upstream or the engine refused the call, or failed."""


class BadRequestError(APIStatusError):
    """The request is wrong (400)."""


class AuthenticationError(APIStatusError):
    """The caller is not known (401). Rejected accounts of yours are 503, code ``no_credential``."""


class PermissionDeniedError(APIStatusError):
    """The call is not allowed, as where the authorisation code is not good (403)."""


class NotFoundError(APIStatusError):
    """There is no such model (404)."""


class ConflictError(APIStatusError):
    """It is there already (409)."""


class UnprocessableEntityError(APIStatusError):
    """The upstream cannot process the request (422)."""


class RateLimitError(APIStatusError):
    """The upstream, or the pool, has no place for the call now (429)."""


class InternalServerError(APIStatusError):
    """The upstream or the engine failed (500 and above)."""


_BY_KIND: dict[str, type[LLM2APIError]] = {
    "closed": ClosedError,
    "configuration": ConfigurationError,
    "connection": APIConnectionError,
    "timeout": APITimeoutError,
}

_BY_STATUS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    409: ConflictError,
    422: UnprocessableEntityError,
    429: RateLimitError,
}


def make(kind: str, message: str, **fields: Any) -> LLM2APIError:
    """Makes the exception of a kind of fault; one that has a status, by its status."""
    status = fields.get("status_code") or 500
    by_status = InternalServerError if status >= 500 else APIStatusError
    return _BY_KIND.get(kind, _BY_STATUS.get(status, by_status))(message, **fields)
