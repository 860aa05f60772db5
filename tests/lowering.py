"""What a program is for a device that is not here, before XLA optimises it."""

import re

_ASSIGNED = re.compile(r'(%\w+)(?::\d+)? = "?([\w.]+)"?(?:\((%\w+)\))?')


def program(jitted, *args, platform):
    """Returns the program for a platform as text."""
    return jitted.trace(*args).lower(lowering_platforms=(platform,)).as_text()


def branches(jitted, *args, platform):
    """Counts the branches that depend on a value.

    A branch by the platform depends on a constant, and XLA leaves nothing of it.
    """
    text = program(jitted, *args, platform=platform)
    constants, count = set(), 0
    for name, operation, operand in _ASSIGNED.findall(text):
        constant = operation == "stablehlo.constant" or operand in constants
        if operation == "stablehlo.case":
            count += not constant
        elif operation != "stablehlo.constant":
            constant = False
        (constants.add if constant else constants.discard)(name)
    return count
