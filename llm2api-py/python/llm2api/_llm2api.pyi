__version__: str
"""Version of the package, the same as that of the engine."""
