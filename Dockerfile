# The server, wheels only, not root; runs with a read-only root file system.
#   docker build -t audiowriter .
#   docker run --rm --read-only --tmpfs /tmp -p 127.0.0.1:50051:50051 audiowriter

ARG BASE=docker.io/library/python:3.11-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md CHANGELOG.md LICENSE constraints.txt ./
COPY proto proto
COPY server server
COPY client/python client/python
RUN python3 -m venv /opt/audiowriter \
 && /opt/audiowriter/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
      --constraint constraints.txt 'hatchling>=1.27' \
 && /opt/audiowriter/bin/pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/audiowriter/bin/pip uninstall --yes --quiet hatchling \
 && /opt/audiowriter/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
      --constraint constraints.txt "$(echo /wheels/*.whl)[cli]" \
 && /opt/audiowriter/bin/pip uninstall --yes --quiet pip setuptools \
 && find /opt/audiowriter -depth -name '__pycache__' -exec rm -rf {} +

FROM ${BASE}
LABEL org.opencontainers.image.title="audiowriter" \
      org.opencontainers.image.description="Live PCM in, finished audio file out, over one bidirectional gRPC stream" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/audiowriter /opt/audiowriter
ENV PATH=/opt/audiowriter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
USER 10001:10001
EXPOSE 50051
HEALTHCHECK --interval=10s --timeout=3s --start-period=5s CMD ["audiowriter", "health", "--target", "127.0.0.1:50051"]
ENTRYPOINT ["audiowriter"]
CMD ["serve", "--host", "0.0.0.0", "--insecure"]
