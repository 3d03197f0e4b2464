"""How a model that only writes text answers, in the convention of docs/EMULATION.md."""

import json


def call(tool: str, /, **arguments) -> str:
    """A call of a tool."""
    written = json.dumps({"name": tool, "arguments": arguments}, ensure_ascii=False)
    return f"<tool_call>\n{written}\n</tool_call>"
