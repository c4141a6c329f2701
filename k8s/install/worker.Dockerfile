# The image of the worker and of the review console (workers/console.ts). Build from the repository root:
#   docker build -f k8s/install/worker.Dockerfile -t tuneline-worker .
# For a reproducible build, name the base images by digest:
#   --build-arg NODE_DIGEST=@sha256:… --build-arg NODE_SLIM_DIGEST=@sha256:…
ARG NODE_DIGEST=
ARG NODE_SLIM_DIGEST=

FROM node:24-bookworm${NODE_DIGEST} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No development package is needed: Temporal's worker includes the compiler of its workflows.
RUN ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]

FROM node:24-bookworm-slim${NODE_SLIM_DIGEST}
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="Tuneline worker" \
      org.opencontainers.image.description="Runs lifecycles of language models as durable workflows, their Jobs on Kubernetes, and the review console" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The slim base has no certificate authorities. TLS connections to Temporal, MLflow or Kubernetes would fail without
# them.
COPY --from=dependencies /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
# The lock file is part of the worker's build ID.
COPY package.json package-lock.json LICENSE ./
COPY domain domain
COPY workflows workflows
COPY activities activities
COPY k8s k8s
COPY local local
COPY mlflow mlflow
COPY serving serving
COPY workers workers
COPY web web
# Its commands use the worker's own account: kubectl exec deploy/worker -- node scripts/cli/tuneline.ts doctor
COPY scripts scripts
COPY examples examples
# The root file system is read-only; /tmp is writable.
ENV NODE_ENV=production HOME=/tmp XDG_CACHE_HOME=/tmp MALLOC_ARENA_MAX=2
USER 10001:10001
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=4", "--heap-growing-percent=20", "workers/worker.ts"]
