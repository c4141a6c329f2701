# The image of the Jobs, and of the endpoint server, whose engines need the same packages. Build from the repository
# root:
#   docker build -f k8s/install/jobs.Dockerfile --target jobs -t tuneline-jobs .
#   docker build -f k8s/install/jobs.Dockerfile --target endpoint-server -t tuneline-endpoint-server .    (after the worker's image)
# For a reproducible build: --build-arg PYTHON_IMAGE=python:3.11-slim-bookworm@sha256:…
#
# The torch of the lock file includes the CUDA libraries and also runs without a GPU, so one image serves both. A
# smaller image for CPUs only needs its own lock file, made on a machine that reaches PyTorch's index:
#   uv pip compile --universal --python-version 3.11 --generate-hashes --torch-backend cpu jobs/requirements.in -o jobs/requirements-cpu.lock
#   docker build … --build-arg REQUIREMENTS=jobs/requirements-cpu.lock --build-arg TORCH_INDEX=ITS_ADDRESS
# Kernels that are compiled during training need a C compiler: --build-arg PYTHON_IMAGE=python:3.11-bookworm
ARG PYTHON_IMAGE=python:3.11-slim-bookworm
ARG WORKER_IMAGE=tuneline-worker

FROM ${PYTHON_IMAGE} AS environment
ARG REQUIREMENTS=jobs/requirements.lock
# PyTorch's own index, for a lock file that was made from it. The hashes of the lock file hold for every index.
ARG TORCH_INDEX=
WORKDIR /build
COPY local/toolchain/uv.requirements.lock ./
RUN ["pip", "install", "--no-cache-dir", "--disable-pip-version-check", "--no-deps", "--require-hashes", "-r", "uv.requirements.lock"]
COPY ${REQUIREMENTS} requirements.lock
# Compiles byte code at build time: a read-only root file system can't keep it, and torch takes long to compile at each
# start.
ENV UV_NO_CACHE=1 UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PYTHON_DOWNLOADS=never UV_INDEX=${TORCH_INDEX} UV_INDEX_STRATEGY=unsafe-best-match
RUN ["uv", "venv", "--python", "python3.11", "/opt/tuneline/tools/jobs"]
RUN ["uv", "pip", "sync", "--python", "/opt/tuneline/tools/jobs/bin/python", "--require-hashes", "requirements.lock"]

FROM ${PYTHON_IMAGE} AS jobs
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="Tuneline Jobs" \
      org.opencontainers.image.description="One stage of a lifecycle: explore, prepare, tune or evaluate" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
COPY --from=environment /opt/tuneline/tools/jobs /opt/tuneline/tools/jobs
COPY jobs/tuneline_jobs /opt/tuneline/jobs/tuneline_jobs
COPY LICENSE /opt/tuneline/LICENSE
# A Job may run as a user that has no name in the image, and torch asks for the name.
ENV PATH=/opt/tuneline/tools/jobs/bin:$PATH PYTHONPATH=/opt/tuneline/jobs PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 USER=tuneline HOME=/tmp NVIDIA_DRIVER_CAPABILITIES=compute,utility
USER 10001:10001
ENTRYPOINT ["python", "-m", "tuneline_jobs"]

FROM ${WORKER_IMAGE} AS worker

FROM jobs AS endpoint-server
LABEL org.opencontainers.image.title="Tuneline endpoint server" \
      org.opencontainers.image.description="Serves released models by the OpenAI routes"
COPY --from=worker /usr/local/bin/node /usr/local/bin/node
COPY --from=worker /app /app
WORKDIR /app
ENV NODE_ENV=production TUNELINE_HOME=/opt/tuneline
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "workers/endpoint.ts"]
