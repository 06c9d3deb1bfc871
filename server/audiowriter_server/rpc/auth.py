"""Authentication by TLS certificates and bearer tokens. They are reloaded when their files change.

If a changed certificate cannot be loaded, the error is logged and the previous one stays in use. If the token file cannot be
loaded, no token is valid, because the previous ones may have been revoked.
"""

import logging
import ssl
import time
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

import grpc

from ..errors import Unauthenticated

log = logging.getLogger("audiowriter")

_SCHEME = "bearer"
_LOG_AGAIN_S = 60.0
"""Minimum seconds between two log lines of the same error."""


class _RepeatedError:
    """Logs an error that may occur in every call or handshake: once, and again after _LOG_AGAIN_S."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._text = ""
        self._logged_at = 0.0

    def log(self, text: str) -> None:
        now = time.monotonic()
        if text != self._text or now - self._logged_at >= _LOG_AGAIN_S:
            self._text, self._logged_at = text, now
            log.error("%s: %s", self._message, text)

    def solved(self) -> None:
        """Log the next error at once, even if it is the same."""
        self._text = ""


class Tokens:
    """The bearer tokens in a file, one per line. Lines that start with # are comments.

    While the file is missing, unreadable or without tokens, every call is refused.
    """

    def __init__(self, path: str) -> None:
        """Raises ValueError if the file contains no token, and OSError if it cannot be read."""
        self._path = Path(path)
        self._state: list[tuple[int, int, int]] | None = _state([self._path])
        self._digests = self._read()
        self._errors = _RepeatedError("tokens not reloaded, all calls are refused")

    def check(self, authorization: str) -> None:
        """Raise Unauthenticated if the `authorization` metadata of a call has no valid token."""
        self._reload()
        scheme, _, token = authorization.partition(" ")
        # Digests have the same length, and all are compared, so the time that this takes reveals nothing about the tokens.
        received = sha256(token.encode()).digest()
        matches = [compare_digest(received, digest) for digest in self._digests]
        if scheme.lower() != _SCHEME or not any(matches):
            raise Unauthenticated

    def _reload(self) -> None:
        try:
            state = _state([self._path])
            if state == self._state:
                return
            self._digests = self._read()
            self._state = state
            self._errors.solved()
            log.info("tokens reloaded")
        except (OSError, ValueError) as exc:
            self._digests, self._state = [], None
            self._errors.log(str(exc))

    def _read(self) -> list[bytes]:
        lines = [line.strip() for line in self._path.read_text().splitlines()]
        tokens = [line for line in lines if line and not line.startswith("#")]
        if not tokens:
            raise ValueError(f"token_file={self._path}: contains no token")
        return [sha256(token.encode()).digest() for token in tokens]


class Certificates:
    """The server's certificate and key and, for mTLS, the authorities of client certificates."""

    def __init__(self, cert: str, key: str, client_ca: str) -> None:
        """Raises ValueError if a file is invalid or the key does not match, and OSError if a file cannot be read."""
        self._cert, self._key = Path(cert), Path(key)
        self._client_ca = Path(client_ca) if client_ca else None
        self._files = [self._cert, self._key, *([self._client_ca] if self._client_ca else [])]
        self._state = _state(self._files)
        self._configuration = self._read()
        self._errors = _RepeatedError("certificates not reloaded")

    def credentials(self) -> grpc.ServerCredentials:
        """Return the credentials. gRPC calls `_reload` at every handshake."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration,
            self._reload,  # type: ignore[arg-type]  # the stubs omit None, which means "no change"
            require_client_authentication=self._client_ca is not None,
        )

    def _reload(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            state = _state(self._files)
            if state == self._state:
                return None
            # Set before the files are read, so that an error is logged once and not at every handshake.
            self._state = state
            configuration = self._read()
        except (OSError, ValueError) as exc:
            self._errors.log(str(exc))
            return None
        self._errors.solved()
        log.info("certificates reloaded")
        return configuration

    def _read(self) -> grpc.ServerCertificateConfiguration:
        # Checked here, because gRPC reports only a failed handshake, and only when the first client connects.
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        try:
            context.load_cert_chain(self._cert, self._key, password=lambda: "")
        except ssl.SSLError as exc:
            raise ValueError(f"tls_cert={self._cert}, tls_key={self._key}: {exc.reason or exc}") from None
        authorities = None
        if self._client_ca is not None:
            try:
                context.load_verify_locations(self._client_ca)
            except ssl.SSLError as exc:
                raise ValueError(f"tls_client_ca={self._client_ca}: {exc.reason or exc}") from None
            authorities = self._client_ca.read_bytes()
        pair = (self._key.read_bytes(), self._cert.read_bytes())
        return grpc.ssl_server_certificate_configuration([pair], authorities)


def _state(files: Sequence[Path]) -> list[tuple[int, int, int]]:
    """Return values that change when a file is written or replaced, even within one tick of the clock."""
    return [(stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in (path.stat() for path in files)]
