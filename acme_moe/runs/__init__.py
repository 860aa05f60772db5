"""Runs: what they are asked to do, their state, and the engine of one process.

The engine of many processes, `acme_moe.distributed`, stands on the same parts.
"""
