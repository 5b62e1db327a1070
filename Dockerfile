# One image for the code: `code` (code server), `webserver` and `daemon` run it with different commands.
# With its digest (python:3.12-slim@sha256:…) the image is the same whenever it is built: docs/security.md.
ARG PYTHON_IMAGE=python:3.12-slim

FROM ${PYTHON_IMAGE} AS build
ENV UV_LINK_MODE=copy UV_COMPILE_BYTECODE=1 UV_PROJECT_ENVIRONMENT=/opt/eurostat/.venv
RUN pip install --no-cache-dir uv==0.13.8
WORKDIR /opt/eurostat
COPY pyproject.toml uv.lock README.md LICENSE dagster.yaml workspace.yaml ./
RUN uv sync --frozen --no-default-groups --no-install-project --extra s3
COPY eurostat_assets ./eurostat_assets
RUN uv sync --frozen --no-default-groups --no-editable --extra s3

FROM ${PYTHON_IMAGE}
RUN groupadd --gid 10001 eurostat \
    && useradd --uid 10001 --gid 10001 --create-home eurostat \
    && mkdir -p /opt/eurostat \
    && install --directory --owner eurostat --group eurostat --mode 0750 /data
WORKDIR /opt/eurostat
COPY --from=build /opt/eurostat/.venv ./.venv
COPY dagster.yaml ./
COPY deploy/workspace.yaml ./workspace.yaml
COPY deploy/entrypoint.sh ./entrypoint.sh
ENV PATH=/opt/eurostat/.venv/bin:$PATH DAGSTER_HOME=/opt/eurostat EUROSTAT_HOME=/data
USER eurostat
VOLUME /data
ENTRYPOINT ["/opt/eurostat/entrypoint.sh"]
