"""Runs: settings, the run folder, checkpoints, training in one process."""
