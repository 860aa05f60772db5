"""What hostile inputs are made of, and how many are tried.

Some hundreds in all, the same each time; thousands, others each time, with
HYPOTHESIS_PROFILE=thorough.
"""

import os

import hypothesis
from hypothesis import strategies as st

THOROUGH = os.environ.get("HYPOTHESIS_PROFILE") == "thorough"


def inputs(few, many):
    """Settings of a test that tries so many of them."""
    return hypothesis.settings(
        max_examples=many if THOROUGH else few,
        derandomize=not THOROUGH,
        deadline=None,
        database=None,
        suppress_health_check=list(hypothesis.HealthCheck),
    )


# Some of these are import paths, of what is there and of what is not.
_WORDS = ("", "dqn", "none", "nowhere:Thing", "json:loads", "a:", ":b", "../x", "\0")
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 300),
    st.integers(),
    st.sampled_from((10**30, -(10**400), 2**63)),
    st.floats(-1, 2),
    st.floats(),
    st.sampled_from(_WORDS),
    st.text(max_size=5),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.text(max_size=5), inner, max_size=3),
    ),
    max_leaves=4,
)


def attempt(call, *args, refusal=ValueError):
    """What a call returns, and None; or None, and the words of its refusal."""
    try:
        return call(*args), None
    except refusal as error:
        return None, str(error)


@st.composite
def damages(draw):
    """A function of bytes to other bytes: cut, flipped, overwritten or longer."""
    kind = draw(st.sampled_from(("flip", "cut", "zeros", "longer")))
    where = draw(st.floats(0, 1, exclude_max=True))
    mask = draw(st.integers(1, 255))

    def damage(data):
        at = int(where * len(data))
        if kind == "flip" and data:
            return data[:at] + bytes((data[at] ^ mask,)) + data[at + 1 :]
        if kind == "zeros" and any(data[at:]):
            return data[:at] + bytes(len(data) - at)
        if kind == "cut" and data:
            return data[:at]
        return data + bytes((mask,))

    return damage
