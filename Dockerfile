# The server: installed from wheels only, without root; its root file system may be read-only.
#   docker build -t audiowriter .
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL -p 127.0.0.1:50051:50051 -e AUDIOWRITER_INSECURE=true audiowriter
# Without TLS, tokens or AUDIOWRITER_INSECURE it does not start: the server would accept everyone on the network.
# Without a Docker engine: deploy/image/build.

ARG BASE=docker.io/library/python:3.11.14-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md CHANGELOG.md LICENSE constraints.txt ./
COPY proto proto
COPY core core
COPY server server
COPY client/python client/python
COPY cli cli
# The builder has its own environment, so that build tools are not part of the image. Bytecode is compiled here, because
# a read-only file system can't store it at start.
RUN python3 -m venv /opt/build \
 && /opt/build/bin/pip install --no-cache-dir --disable-pip-version-check --only-binary :all: \
      --constraint constraints.txt 'hatchling>=1.27' \
 && /opt/build/bin/pip wheel --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation --wheel-dir /wheels ./core . \
 && python3 -m venv --without-pip /opt/audiowriter \
 && /opt/build/bin/pip --python /opt/audiowriter/bin/python install --no-cache-dir --disable-pip-version-check --no-compile \
      --only-binary :all: --constraint constraints.txt /wheels/audiowriter_core-*.whl "$(echo /wheels/audiowriter-*.whl)[cli,otel]" \
 && find /opt/audiowriter -type d -name tests -prune -exec rm -rf {} + \
 && /opt/audiowriter/bin/python -m compileall -q --invalidation-mode unchecked-hash /opt/audiowriter/lib

FROM ${BASE}
ARG VERSION=unknown
LABEL org.opencontainers.image.title="audiowriter" \
      org.opencontainers.image.description="Live PCM in, finished audio file out, over one bidirectional gRPC stream" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --from=build /opt/audiowriter /opt/audiowriter
ENV PATH=/opt/audiowriter/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
# Numeric, because Kubernetes can't tell from a name that the user is not root.
USER 10001:10001
EXPOSE 50051
# Checks the process, not its readiness: a draining server must not be killed.
HEALTHCHECK --interval=30s --timeout=5s --start-period=10s \
  CMD ["audiowriter", "health", "--target", "127.0.0.1:50051", "--service", "liveness"]
STOPSIGNAL SIGTERM
ENTRYPOINT ["audiowriter"]
CMD ["serve", "--host", "0.0.0.0", "--log-format", "json"]
