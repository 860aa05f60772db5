"""Runs of many processes: Launchpad nodes on the parts that `acme_moe.runs` has.

Read `program` first, which says which nodes there are. `coordinator` counts and
decides, with `budget` to hold the replay ratio; both are pure, and `service` serves
them to the nodes: `actor`, `learner`, `replay` and `evaluator`. `process` keeps a
node's process alive, `nodes` makes Launchpad's nodes of them, and `launch` starts a
program and shows how it goes.
"""
