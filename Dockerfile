# docker build --target cpu -t acme_moe .         for CPUs, 3 GB
# docker build --target cuda -t acme_moe:cuda .   for NVIDIA GPUs, 8 GB
# docker run --rm --init -v "$PWD/runs:/runs" acme_moe train --config=dqn_minatar --workdir=minatar

FROM python:3.10-slim AS wheel
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY acme_moe acme_moe
RUN pip wheel --no-deps --wheel-dir=/wheels .

FROM python:3.10-slim AS cpu
ENV PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements.txt /tmp/
RUN pip install --no-deps --require-hashes --use-pep517 -r /tmp/requirements.txt
COPY --from=wheel /wheels /wheels
RUN pip install --no-deps /wheels/acme_moe-*.whl && acme-moe --help
WORKDIR /runs
ENTRYPOINT ["acme-moe"]

# The wheels hold CUDA; the host needs NVIDIA's driver and container toolkit.
FROM cpu AS cuda
COPY requirements-gpu.txt /tmp/
RUN pip install --no-deps --require-hashes -r /tmp/requirements-gpu.txt
