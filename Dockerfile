# The server: installed from wheels only, without root; its root file system may be read-only.
#   docker build -t audiowriter .
#   docker run --rm --read-only --tmpfs /tmp --cap-drop ALL -p 127.0.0.1:50051:50051 -e AUDIOWRITER_INSECURE=true audiowriter
# Without TLS, tokens or AUDIOWRITER_INSECURE it does not start: the server would accept everyone on the network.
# Without a Docker engine: deploy/image/build.

ARG BASE=docker.io/library/python:3.11.14-slim-bookworm

FROM ${BASE} AS build
WORKDIR /src
COPY pyproject.toml README.md CHANGELOG.md LICENSE ./
COPY requirements requirements
COPY deploy/image/packages deploy/image/packages
COPY proto proto
COPY core core
COPY server server
COPY client/python client/python
COPY cli cli
# A script, so that `make sbom` describes the same packages. Bytecode is compiled here, because a read-only file system can't
# store it at start.
RUN deploy/image/packages /opt/audiowriter /opt/made \
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
