# The worker, and the review console (workers/console.ts). From the root of the repository:
#   docker build -f k8s/install/worker.Dockerfile -t tuneline-worker .
# For a build that gives the same image tomorrow, name the bases by digest:
#   --build-arg NODE_DIGEST=@sha256:… --build-arg NODE_SLIM_DIGEST=@sha256:…
ARG NODE_DIGEST=
ARG NODE_SLIM_DIGEST=

FROM node:24-bookworm${NODE_DIGEST} AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# Of the development packages none is needed: Temporal's worker brings the compiler of its workflows.
RUN ["npm", "ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund"]

FROM node:24-bookworm-slim${NODE_SLIM_DIGEST}
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="Tuneline worker" \
      org.opencontainers.image.description="Runs lifecycles of language models as durable workflows, their Jobs on Kubernetes, and the review console" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}"
# The slim base has no certificate authorities, without which no TLS address of Temporal, MLflow or Kubernetes is trusted.
COPY --from=dependencies /etc/ssl/certs/ca-certificates.crt /etc/ssl/certs/ca-certificates.crt
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
# The lock is part of what a build of the worker is.
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
# Its commands look at the cluster with the worker's own account: kubectl exec deploy/worker -- node scripts/cli/tuneline.ts doctor
COPY scripts scripts
COPY examples examples
# The root file system is read-only, and /tmp is not.
ENV NODE_ENV=production HOME=/tmp XDG_CACHE_HOME=/tmp MALLOC_ARENA_MAX=2
USER 10001:10001
ENTRYPOINT ["node", "--disable-warning=ExperimentalWarning", "--max-semi-space-size=4", "--heap-growing-percent=20", "workers/worker.ts"]
