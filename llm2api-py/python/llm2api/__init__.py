"""Chat accounts behind one typed, OpenAI-shaped client.

Examples
--------
>>> import llm2api
>>> client = llm2api.Client(upstream="demo")  # or "http://127.0.0.1:8080/v1", credentials=["sk-…"]
>>> for chunk in client.chat("Hello", model="demo", stream=True):
...     print(chunk.text, end="")
This is llm2api's built-in demo: ... You said: Hello
"""

from llm2api._async_client import AsyncClient
from llm2api._client import Client
from llm2api._errors import (
    APIConnectionError,
    APIError,
    APIStatusError,
    APITimeoutError,
    AuthenticationError,
    BadRequestError,
    ClosedError,
    ConfigurationError,
    ConflictError,
    InternalServerError,
    LLM2APIError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    UnprocessableEntityError,
)
from llm2api._llm2api import (
    Account,
    ChatCompletion,
    Checked,
    Choice,
    Chunk,
    ChunkChoice,
    Delta,
    Function,
    FunctionDelta,
    Message,
    Model,
    Object,
    ToolCall,
    ToolCallDelta,
    Usage,
    __version__,
)
from llm2api._request import ChatParams, MessageParam, Messages
from llm2api._settings import Settings, UpstreamKind
from llm2api._stream import AsyncStream, Stream

__all__ = [
    "APIConnectionError",
    "APIError",
    "APIStatusError",
    "APITimeoutError",
    "Account",
    "AsyncClient",
    "AsyncStream",
    "AuthenticationError",
    "BadRequestError",
    "ChatCompletion",
    "ChatParams",
    "Checked",
    "Choice",
    "Chunk",
    "ChunkChoice",
    "Client",
    "ClosedError",
    "ConfigurationError",
    "ConflictError",
    "Delta",
    "Function",
    "FunctionDelta",
    "InternalServerError",
    "LLM2APIError",
    "Message",
    "MessageParam",
    "Messages",
    "Model",
    "NotFoundError",
    "Object",
    "PermissionDeniedError",
    "RateLimitError",
    "Settings",
    "Stream",
    "ToolCall",
    "ToolCallDelta",
    "UnprocessableEntityError",
    "UpstreamKind",
    "Usage",
    "__version__",
]
