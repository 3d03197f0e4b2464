"""Tells errors apart: what is worth another try later, and what is not."""

import llm2api

client = llm2api.Client(max_retries=1, timeout=30.0)

try:
    answer = client.chat("Hello", model="no-such-model")
except llm2api.RateLimitError as error:
    print("come back in", error.retry_after, "s")
except llm2api.APITimeoutError:
    print("that took too long")
except llm2api.APIStatusError as error:
    print(error.status_code, error.code, error.message)
else:
    print(answer.text)
