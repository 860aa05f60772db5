"""The commands: `acme-moe COMMAND`, or `python -m acme_moe.cli.COMMAND`.

A command's flags are defined when it runs and what it works with is imported once they
are parsed, so `--help` answers at once.
"""
