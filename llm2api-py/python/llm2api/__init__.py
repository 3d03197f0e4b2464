"""Chat accounts behind one typed, OpenAI-shaped client."""

from llm2api._llm2api import __version__

__all__ = ["__version__"]
