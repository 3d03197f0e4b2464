"""What came through a door, without what differs from call to call.

The form is that of `tests/scenarios/doors.json`; `tests/tests/doors/transcript.rs` documents it, and
reads it of the other doors. Every function takes the JSON of the wire.
"""

from typing import Any

Json = dict[str, Any]


def whole(answer: Json) -> Json:
    """Reads a whole answer."""
    transcript = Transcript()
    transcript.add(answer, "message")
    return transcript.told(stream=[])


def streamed(chunks: list[Json], error: Json | None = None) -> Json:
    """Puts the chunks of a stream together; `error` is what broke it."""
    transcript = Transcript()
    for chunk in chunks:
        transcript.add(chunk, "delta")
    assert len({chunk["id"] for chunk in chunks}) <= 1, chunks
    transcript.pieces.append("error" if error else "done")
    return transcript.told(error=error and without(error, "status", "retry_after"))


def refused(error: Json) -> Json:
    """What came instead of an answer."""
    return {"error": filled(error)}


def failure(error: Json, status: int | None = None, retry_after: bool = False) -> Json:
    """What went wrong, of the fields of an OpenAI error."""
    fields = {name: error[name] for name in ("type", "code", "param", "message")}
    return filled({"status": status, **fields, "retry_after": retry_after})


class Transcript:
    """A transcript under construction."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.fields: Json = {}
        self.text: dict[str, str] = {"text": "", "reasoning": ""}
        self.calls: dict[int, Json] = {}
        self.annotations: list[Json] = []

    def add(self, answer: Json, place: str) -> None:
        self.fields["model"] = answer["model"]
        if answer.get("llm2api_search"):
            self.fields["search"] = answer["llm2api_search"]
        assert len(answer["choices"]) <= 1, answer
        for choice in answer["choices"]:
            self.add_message(choice[place])
            if choice.get("finish_reason"):
                assert "finish_reason" not in self.fields, answer
                self.fields["finish_reason"] = choice["finish_reason"]
                self.saw("finish")
        if answer.get("usage"):
            self.fields["usage"] = answer["usage"]
            self.pieces.append("usage")

    def add_message(self, message: Json) -> None:
        if message.get("role"):
            assert message["role"] == "assistant", message
            self.pieces.append("role")
        for name, piece in (("reasoning_content", "reasoning"), ("content", "text")):
            if message.get(name):
                self.text[piece] += message[name]
                self.saw(piece)
        for at, call in enumerate(message.get("tool_calls") or []):
            self.add_call(call.get("index", at), call)
        if message.get("annotations"):
            self.annotations += message["annotations"]
            self.saw("annotation")

    def add_call(self, at: int, call: Json) -> None:
        if call.get("id") and at not in self.calls:
            assert call["id"] not in [known["id"] for known in self.calls.values()], call
            assert call["type"] == "function", call
            self.calls[at] = {"id": call["id"], "name": "", "arguments": ""}
        for name in ("name", "arguments"):
            self.calls[at][name] += call["function"].get(name) or ""
        self.saw("tool_call")

    def saw(self, piece: str) -> None:
        """Notes a piece, unless it goes on with what came last."""
        if self.pieces[-1:] != [piece]:
            self.pieces.append(piece)

    def told(self, **more: Any) -> Json:
        calls = [without(self.calls[at], "id") for at in sorted(self.calls)]
        said = {"tool_calls": calls, "annotations": self.annotations}
        return filled({"stream": self.pieces, **self.fields, **self.text, **said, **more})


def filled(fields: Json) -> Json:
    """Leaves out what is empty, which counts as not there."""
    return {name: value for name, value in fields.items() if value not in (None, "", [], False)}


def without(fields: Json, *names: str) -> Json:
    return {name: value for name, value in fields.items() if name not in names}
