"""How long the nodes of a distributed run wait.

Apart from the settings, as supervisors need nothing else of what those import.
"""


class Seconds:
    """All waits of a distributed run."""

    # Between two calls to the coordinator: by an actor and by a learner that have to
    # wait for each other, and by any node that has nothing to do.
    ACTOR_ASKS_AGAIN = 0.01
    LEARNER_ASKS_AGAIN = 0.005
    ASK_WHETHER_OVER = 0.2
    # How long the learner updates before it asks again, and between its reports.
    LEARNER_BURST = 0.1
    LEARNER_REPORTS = 0.5
    # Between two copies of the coordinator's state, which it resumes from.
    KEEP_STATE = 1.0
    # Time-outs of a call, of a call for parameters, which may be large, and of one to
    # a coordinator that may be gone; and the wait before a call that failed is made
    # again.
    CALL = 10.0
    CALL_FOR_PARAMETERS = 60.0
    CALL_TO_GIVE_UP = 5.0
    CALL_AGAIN = 0.2
    # Between two looks of the launcher at the run, and between two checks by a node's
    # process whether the run is over.
    LAUNCHER_LOOKS = 0.25
    PROCESS_LOOKS = 0.5
    # Once the run is over: for a node's process to end by itself, for the coordinator
    # to tell all nodes, and for the launcher to see everybody gone. Each has to be
    # longer than the one before.
    PROCESS_ENDS = 4.0
    COORDINATOR_LEAVES = 5.0
    LAUNCHER_LEAVES = 7.0
