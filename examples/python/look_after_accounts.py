"""Adds an account, checks all of them, shows how they are, and removes it again."""

import os

import llm2api

with llm2api.Client() as client:
    account = client.add(os.environ.get("ANOTHER_COOKIE", "sk-of-ann"), label="Ann")
    print("added", account.label, "for", account.upstream)

    for checked in client.check():
        print(checked.account.label, "is", checked.verdict, checked.message or "")

    for entry in client.pool():
        rest = f"until {entry.until}, {entry.reason}" if entry.until else ""
        print(entry.label, entry.state, f"{entry.in_flight}/{entry.max_concurrency}", rest)

    client.remove(account)
