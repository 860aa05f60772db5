"""Packages whose `__init__` runs only for what it alone defines."""

import subprocess
import sys
import textwrap


def run(code):
    """Runs code in a process of its own; returns what it printed."""
    result = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.split()


def test_a_run_imports_neither_all_of_tensorflow_nor_its_distributions():
    loaded = run(
        """
        import sys
        import acme_moe.replay.servers
        import acme_moe.runs.online
        from acme_moe.agents.rainbow import RainbowBuilder
        print(*sys.modules)
        """
    )
    assert {"reverb.reverb_types", "rlax", "acme.agents.jax.actors"} <= set(loaded)
    assert not set(loaded) & {
        "acme.jax.networks.distributional",
        "keras",
        "tensorflow.python.data",
        "tensorflow_probability",
    }


def test_a_figure_imports_no_more_of_tensorflow_than_it_asks():
    printed = run(
        """
        import sys
        import acme_moe.replay
        from matplotlib import figure
        import tensorflow as tf

        print(type(tf).__name__)
        figure.Figure().subplots().plot([1, 2], [3, 4])
        print(type(tf).__name__, "keras" in sys.modules)
        """
    )
    assert printed == ["_Deferred", "_Deferred", "False"]


def test_what_only_the_whole_package_has_is_found_all_the_same():
    printed = run(
        """
        import acme_moe
        import acme.jax.networks
        import distrax
        import numpy
        import reverb
        import rlax
        import tensorflow as tf

        spec = tf.TensorSpec((), tf.float32)
        table = reverb.Table("t", reverb.selectors.Uniform(), reverb.selectors.Fifo(),
                             9, reverb.rate_limiters.MinSize(1), signature=spec)
        server = reverb.Server([table])
        client = reverb.Client(f"localhost:{server.port}")
        client.insert(numpy.float32(2.5), {"t": 1.0})

        # Of these only the first line asks for a module.
        import tensorflow.keras
        dataset = reverb.TimestepDataset.from_table_signature(
            f"localhost:{server.port}", "t", 1)
        print(float(next(iter(dataset)).data + tf.constant(1.0)))
        print(tf.executing_eagerly())
        assert isinstance(tf.constant(1.0), tf.Tensor)
        assert tf.is_tensor(tf.constant(1.0))
        assert tf.TensorSpec is type(spec)
        assert "Categorical" in distrax.__all__
        assert distrax.__version__
        print(distrax.Categorical(logits=[0.0, 0.0]).num_categories)
        print(acme.jax.networks.CriticMultiplexer.__name__)
        server.stop()
        """
    )
    assert printed == ["3.5", "True", "2", "CriticMultiplexer"]


def test_a_function_that_uses_one_can_be_sent_to_another_process():
    printed = run(
        """
        import acme_moe
        import cloudpickle
        import reverb

        def table():
            return reverb.selectors.Uniform().__class__.__name__

        print(cloudpickle.loads(cloudpickle.dumps(table))(), type(reverb).__name__)
        """
    )
    assert printed == ["UniformSelector", "_Deferred"]


def test_what_is_not_there_is_refused_as_ever():
    printed = run(
        """
        import acme_moe
        import reverb
        print(hasattr(reverb, "nothing"), hasattr(reverb, "__nothing__"))
        try:
            import reverb.nothing
        except ModuleNotFoundError as error:
            print(error.name)
        """
    )
    assert printed == ["False", "False", "reverb.nothing"]


def test_a_package_that_was_there_before_is_left_alone():
    printed = run(
        """
        import reverb
        import acme_moe
        import acme_moe.replay
        print(type(reverb).__name__)
        """
    )
    assert printed == ["module"]
