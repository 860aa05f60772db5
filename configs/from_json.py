"""The settings of an earlier run, from its config.json.

`--config=RUN/config.json` is short for `--config=configs/from_json.py:RUN/config.json`.
"""

from pathlib import Path

from ml_collections import ConfigDict

from acme_moe.experiments.config import read_config_json, to_config_dict


def get_config(path: str) -> ConfigDict:
    """The settings that stand in `path`."""
    return to_config_dict(read_config_json(Path(path)))
