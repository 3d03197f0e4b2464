"""The text that comes out is the text that the model said, to the last character."""

import pytest

from wire import body, complete, finish_reasons, joined, stream

# Each starts and ends with a visible character: chat-ui itself trims what stands around a message.
TEXTS = {
    "ASCII": "The quick brown fox",
    "CJK": "日本語と中文，還有한국어。",
    "emoji": "🙂 👩‍👩‍👧‍👦 🇨🇭 ☀️!",
    "combining marks": "e\u0301 a\u0308 Größe",
    "right to left": "שלום עולם, مرحبا",
    "quotes and backslashes": "\"double\" 'single' \\back\\slash\\ \\n \\u0041 `code`",
    "markup": "<b>&amp;</b> <script>alert(1)</script> {{x}} %s ${y}",
    "what SSE is made of": "data: [DONE] event: x id: 1 : comment",
    "blanks inside": "a  b   c\td",
    "outside the first plane": "𝒳 𐍈 🀄",
    "invisible": "a\u200bb\ufeffc\u2028d\u0085e",
    "a long one": " ".join(f"word-{number}" for number in range(400)),
}
SCRIPTED = {
    **TEXTS,
    "lines": "first\nsecond\n\nfourth\r\nfifth\n- a\n- b",
    "code": "```python\nprint(\"Hi\")\n\tif x:\n        pass\n```\nThat is it.",
    "control characters": "a\u0001b\u001fc\u007fd",
}


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS.keys())
def test_an_echo_comes_back_as_it_went(scripted, text):
    prompt = f"ECHO:{text}"
    completion = complete(scripted.chat_url, body(scripted.model, prompt))
    assert completion["choices"][0]["message"]["content"] == text
    assert completion["choices"][0]["finish_reason"] == "stop"
    chunks = stream(scripted.chat_url, body(scripted.model, prompt))
    assert joined(chunks) == text
    assert finish_reasons(chunks) == ["stop"]


@pytest.mark.parametrize("text", SCRIPTED.values(), ids=SCRIPTED.keys())
def test_a_scripted_answer_comes_out_as_it_is(scripted, text):
    scripted.simulator.script({"answer": text})
    completion = complete(scripted.chat_url, body(scripted.model, "Hello"))
    assert completion["choices"][0]["message"]["content"] == text
    scripted.simulator.script({"answer": text})
    assert joined(stream(scripted.chat_url, body(scripted.model, "Hello"))) == text


def test_the_normal_answer_is_the_same_in_both_modes(stage):
    completion = complete(stage.chat_url, body(stage.model, "Größe 日本 🙂 \"quoted\"\nsecond line"))
    chunks = stream(stage.chat_url, body(stage.model, "Größe 日本 🙂 \"quoted\"\nsecond line"))
    assert joined(chunks) == completion["choices"][0]["message"]["content"]


def test_reasoning_is_kept_apart_from_the_text(scripted):
    completion = complete(scripted.chat_url, body(scripted.model, "THINK\nECHO:the answer"))
    message = completion["choices"][0]["message"]
    assert message["content"].strip() == "the answer"
    assert message["reasoning_content"].startswith("Let me think about")
    chunks = stream(scripted.chat_url, body(scripted.model, "THINK\nECHO:the answer"))
    assert joined(chunks).strip() == "the answer"
    deltas = [choice["delta"] for chunk in chunks for choice in chunk["choices"]]
    reasoning = "".join(delta.get("reasoning_content") or "" for delta in deltas)
    assert reasoning.startswith("Let me think about")
