r"""A tokenizer and a mixture of experts of your own, as a package outside `acme_moe`.

    cd examples/own_moe
    acme-moe train --config=dqn_atari --workdir=runs/own_moe \
        --config.network.tokenizer=own_moe.tokens:Rows \
        --config.network.moe=own_moe.routing:ExpertChoice

Everything else is the library's: run, replay, learner, diagnostics, video, sweep.
"""
