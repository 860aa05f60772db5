"""Pictures of an agent's decisions: the game, and beside it the agent's view of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import cv2
import numpy as np

if TYPE_CHECKING:
    from acme_moe.viewing.play import Decision

_LEAST_HEIGHT = 210  # In pixels, for double size; lower screens are enlarged more.
_PANEL = 480  # Width of the panel, in pixels.
_LINE = 20  # Height of a line of text.
_BARS = 90  # Height of the bars of the Q-values.
_KEY = 96  # Least width of the key to the experts' colours.
_GAP = 4
_BACKGROUND = (24, 24, 24)
_TEXT = (230, 230, 230)
_CHOSEN = (255, 170, 40)
_OTHER = (110, 130, 150)


def draw(decision: Decision) -> np.ndarray:
    """Draws a decision.

    On the left is the game, twice as large as it is rendered; a small screen is
    enlarged by the even factor that makes it about as high as an Atari screen is then.

    On the right are maps of the mixture, if there is one. A top-1 mixture has one map,
    with the expert of each token, black where a token is dropped. Any other has a map
    for each expert: how much of each token goes into its slots, on one scale for all,
    from the least weight, black, to the largest, yellow. Both are given above, as
    multiples of what uniform weights would be.

    Below are the action, and a bar for the Q-value of each action, on a scale from the
    least to the greatest.

    Returns:
      `uint8 [height, width, 3]`, RGB, of the same size for all decisions of a run.
    """
    screen = decision.screen
    factor = 2 * math.ceil(_LEAST_HEIGHT / screen.shape[0])
    game = cv2.resize(
        screen, None, fx=factor, fy=factor, interpolation=cv2.INTER_NEAREST
    )
    panel = np.full((game.shape[0], _PANEL, 3), _BACKGROUND, np.uint8)
    title = f"return {decision.episode_return:g}"
    maps = panel[_LINE : -_BARS - _LINE]
    if decision.dispatch is not None:
        if decision.moe == "top1":
            _draw_choices(maps, decision.dispatch)
            title += "   expert of each token"
        else:
            means = decision.dispatch.mean(axis=(0, 1))
            # An expert's slots may hold no token.
            shares = decision.dispatch / np.where(means > 0, means, 1)
            low, high = float(shares.min()), float(shares.max())
            _draw_shares(maps, (shares - low) / max(high - low, 1e-6), screen)
            title += f"   dispatch weights {low:.3f} to {high:.3f} x uniform"
    _text(panel, title, (_GAP, 0))
    _draw_values(panel[-_BARS - _LINE :], decision)
    return np.concatenate([game, panel], axis=1)


def _draw_shares(area: np.ndarray, shares: np.ndarray, screen: np.ndarray) -> None:
    """Draws a map of shares in [0, 1] for each expert, over the screen."""
    experts = shares.shape[-1]
    columns, size = _tiling(experts, area)
    side = max(size - _GAP, 1)
    seen = cv2.cvtColor(cv2.resize(screen, (side, side)), cv2.COLOR_RGB2GRAY)
    seen = cv2.cvtColor(seen, cv2.COLOR_GRAY2RGB)
    levels = (255 * shares).astype(np.uint8)
    for expert in range(experts):
        heat = cv2.resize(
            np.ascontiguousarray(levels[..., expert]),
            (side, side),
            interpolation=cv2.INTER_NEAREST,
        )
        heat = cv2.cvtColor(
            cv2.applyColorMap(heat, cv2.COLORMAP_INFERNO), cv2.COLOR_BGR2RGB
        )
        tile = cv2.addWeighted(seen, 0.3, heat, 0.7, 0)
        if experts > 1 and side >= 3 * _LINE:
            _text(tile, str(expert), (_GAP, 0))
        row, column = divmod(expert, columns)
        _put(area, tile, row * size, column * size + _GAP)


def _draw_choices(area: np.ndarray, dispatch: np.ndarray) -> None:
    """Draws a map of the expert that each token goes to, and a key to its colours."""
    experts = dispatch.shape[-1]
    hues = np.linspace(0, 180, experts, endpoint=False, dtype=np.uint8)
    hsv = np.stack([hues, np.full_like(hues, 190), np.full_like(hues, 240)], axis=-1)
    colours = cv2.cvtColor(hsv[None], cv2.COLOR_HSV2RGB)[0]
    served = dispatch.max(axis=-1, keepdims=True) > 0
    chosen = np.where(served, colours[dispatch.argmax(axis=-1)], 0).astype(np.uint8)
    side = min(area.shape[0], area.shape[1] - _KEY) - _GAP
    tile = cv2.resize(chosen, (side, side), interpolation=cv2.INTER_NEAREST)
    _put(area, tile, 0, _GAP)
    key = area[:, side + 3 * _GAP :]
    columns, size = _tiling(experts, key, largest=2 * _LINE)
    for expert in range(experts):
        row, column = divmod(expert, columns)
        square = np.full((max(size - _GAP, 1),) * 2 + (3,), colours[expert], np.uint8)
        if size >= _LINE:
            _text(square, str(expert), (_GAP, 0), (0, 0, 0))
        _put(key, square, row * size, column * size)


def _draw_values(area: np.ndarray, decision: Decision) -> None:
    """Draws the action's name and value, and a bar for each action."""
    q_values, action = decision.q_values, decision.action
    name = decision.action_names[action].lower()
    _text(area, f"action {name}, Q {q_values[action]:.3f}", (_GAP, 0))
    low, span = q_values.min(), max(float(np.ptp(q_values)), 1e-12)
    width = area.shape[1] // len(q_values)
    floor = area.shape[0] - _GAP
    for i, value in enumerate(q_values):
        height = 2 + int((_BARS - 3 * _GAP) * (value - low) / span)
        colour = _CHOSEN if i == action else _OTHER
        left = i * width + _GAP
        area[floor - height : floor, left : left + max(width - _GAP, 1)] = colour


def _tiling(
    count: int, area: np.ndarray, largest: int | None = None
) -> tuple[int, int]:
    """Returns the columns and the size of the largest square tiles that fit."""
    height, width = area.shape[0], area.shape[1] - _GAP
    sizes = {
        columns: min(width // columns, height // -(-count // columns))
        for columns in range(1, count + 1)
    }
    columns = max(sizes, key=lambda n: sizes[n])
    size = max(sizes[columns], 1)
    return columns, size if largest is None else min(size, largest)


def _put(area: np.ndarray, tile: np.ndarray, top: int, left: int) -> None:
    """Copies a tile into an area, as far as there is room."""
    room = area[top : top + tile.shape[0], left : left + tile.shape[1]]
    room[:] = tile[: room.shape[0], : room.shape[1]]


def _text(
    area: np.ndarray,
    text: str,
    corner: tuple[int, int],
    colour: tuple[int, int, int] = _TEXT,
) -> None:
    """Writes one line below a corner `(left, top)`."""
    left, top = corner
    cv2.putText(
        area,
        text,
        (left, top + _LINE - 6),
        cv2.FONT_HERSHEY_SIMPLEX,
        0.45,
        colour,
        1,
        cv2.LINE_AA,
    )
