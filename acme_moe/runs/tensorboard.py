"""Scalars for TensorBoard, written as Acme's logger does, but without TensorFlow."""

from __future__ import annotations

import os
import socket
import time
from pathlib import Path

from acme.utils import loggers
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.plugins.scalar.summary import scalar_pb
from tensorboard.summary.writer.record_writer import RecordWriter


class EventLogger(loggers.Logger):
    """A logger like Acme's `tf_summary.TFSummaryLogger`, but without TensorFlow.

    Importing TensorFlow would take longer than all the rest of a run's start.
    """

    def __init__(self, folder: Path, label: str, steps_key: str) -> None:
        """Opens a file of its own.

        Args:
          folder: folder of the event files, made where it is missing.
          label: comes before each name, as in `label/LearnerSteps`.
          steps_key: the value that gives the position on TensorBoard's axis.
        """
        self._label = label
        self._steps_key = steps_key
        folder.mkdir(parents=True, exist_ok=True)
        # Names sort by time and are unique on all machines that share the folder.
        name = (
            f"events.out.tfevents.{time.time_ns()}.{socket.gethostname()}"
            f".{os.getpid()}.{label}.v2"
        )
        self._file = (folder / name).open("wb")
        self._records = RecordWriter(self._file)
        self._add(Event(wall_time=time.time(), file_version="brain.Event:2"))

    def write(self, data: loggers.LoggingData) -> None:
        """Writes a row of numbers, which TensorBoard sees at once."""
        step, now = int(data[self._steps_key]), time.time()
        for name, value in data.items():
            if name == self._steps_key:
                continue
            tag = f"{self._label}/{name.title().replace('_', '')}"
            summary = scalar_pb(tag, value)
            self._add(Event(wall_time=now, step=step, summary=summary))
        self._file.flush()

    def _add(self, event: Event) -> None:
        self._records.write(event.SerializeToString())

    def close(self) -> None:
        """Closes the file."""
        self._file.close()
