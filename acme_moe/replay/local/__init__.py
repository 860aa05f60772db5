"""A seeded replay in the process, in place of a Reverb server."""

from acme_moe.replay.local.client import LocalReplay

__all__ = ["LocalReplay"]
