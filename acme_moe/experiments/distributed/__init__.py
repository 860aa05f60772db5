"""Runs of many processes: Launchpad's nodes around the parts of a single-process run.

`program` says which nodes there are, `supervisor` starts a node's process again when
it dies, `coordinator` counts and decides, with `ledger` to hold the replay ratio, and
`launch` starts a program and shows how it goes. The other modules are the nodes.
"""
