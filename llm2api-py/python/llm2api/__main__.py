"""The command line: ``llm2api serve``, ``llm2api --help``; ``python -m llm2api`` does the same."""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from llm2api import _llm2api
from llm2api._settings import PROGRAM


def main() -> NoReturn:
    """Runs the server, or what else the command line says, and ends the process."""
    # Ctrl-C is the server's to act on: Python would raise an exception behind its orderly end.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_llm2api.main(["llm2api", *sys.argv[1:]], PROGRAM))


if __name__ == "__main__":
    main()
