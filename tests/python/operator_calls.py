"""The calls of an operator, each with the checks that every answer must pass."""

from typing import Any

import requests

from programs import Server, Stage
from wire import TIMEOUT

KEY = "sk-ours"
SETTINGS = {"API_KEY": KEY}
# An export holds secrets: whatever stands between must not keep it.
EXPORT_FORMATS = ("netscape", "json", "header", "plain")


class Operator:
    """Somebody with the admin key; without ADMIN_KEY that is the first API_KEY."""

    def __init__(self, server: Server, key: str = KEY) -> None:
        self.origin = server.origin
        self.headers = {"Authorization": f"Bearer {key}"}

    def get(self, path: str, **arguments: Any) -> requests.Response:
        return requests.get(
            f"{self.origin}{path}", headers=self.headers, timeout=TIMEOUT, **arguments
        )

    def post(self, path: str, body: Any = None, timeout: float = TIMEOUT) -> requests.Response:
        return requests.post(
            f"{self.origin}{path}", headers=self.headers, json=body, timeout=timeout
        )

    def done(self, path: str, **body: Any) -> Any:
        """Orders something that must succeed."""
        answer = self.post(path, body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def list(self) -> list[dict[str, Any]]:
        answer = self.get("/cookies")
        assert answer.status_code == 200, answer.text
        assert answer.json()["total"] == len(answer.json()["data"])
        return answer.json()["data"]

    def entry(self, identity: str) -> dict[str, Any]:
        [entry] = [entry for entry in self.list() if entry["id"] == identity]
        return entry

    def state(self, identity: str) -> str:
        return self.entry(identity)["state"]

    def add(self, cookie: str, **fields: Any) -> dict[str, Any]:
        """Adds a cookie that must be taken, and returns its entry."""
        entry = self.done("/cookie/add", cookie=cookie, **fields)
        assert cookie.removeprefix("hf-chat=") not in str(entry)
        return entry

    def export(self, form: str) -> str:
        answer = self.get("/cookies/export", params={"format": form})
        assert answer.status_code == 200, answer.text
        assert "no-store" in answer.headers["cache-control"]
        return answer.text

    def bring(self, text: str, form: str, timeout: float = TIMEOUT) -> requests.Response:
        """Imports what an export has given."""
        return self.post("/cookies/import", {"text": text, "format": form}, timeout=timeout)


def operator(stage: Stage) -> Operator:
    return Operator(stage.server)
