"""Runs of many processes: Launchpad nodes that use the parts of `acme_moe.runs`.

Read `program` first, which says which nodes there are. `coordinator` counts and
decides, with `budget` to hold the replay ratio; both are pure, and `service` serves
them to the nodes: `actor`, `learner`, `replay` and `evaluator`. `process` keeps a
node's process alive, `nodes` makes Launchpad's nodes of them, and `launch` starts a
program and shows how it goes.
"""
