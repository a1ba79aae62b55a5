"""The version of m31a-ledger, read by the build and by `--version`."""

__version__ = "0.1.0"
