"""A replay in the process that a seed decides, in place of a Reverb server."""

from acme_moe.replay.local.client import LocalReplay

__all__ = ["LocalReplay"]
