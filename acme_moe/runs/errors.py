"""The errors of a run whose causes its user has to remove before another try."""

from __future__ import annotations


def permanent_errors() -> tuple[type[Exception], ...]:
    """Returns the errors after which another try would end in the same way.

    Their messages say everything, so commands print them without a traceback.
    `DiskError` is not among them: after that, a command also says how to resume.
    """
    from acme_moe.agents import BuilderError
    from acme_moe.agents.acting_device import NoAcceleratorError
    from acme_moe.environments import UnplayableError
    from acme_moe.environments.remembered import NotDeterministicError
    from acme_moe.folder_lock import FolderInUseError
    from acme_moe.learning.learner import NonFiniteLossError
    from acme_moe.offline.reader import DatasetError
    from acme_moe.runs.checkpoint import DamagedCheckpointError, OtherStateError

    return (
        BuilderError,
        DamagedCheckpointError,
        DatasetError,
        FolderInUseError,
        NoAcceleratorError,
        NonFiniteLossError,
        NotDeterministicError,
        OtherStateError,
        UnplayableError,
    )
