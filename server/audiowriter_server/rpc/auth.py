"""Who may call: certificates and bearer tokens, read again when their files change.

A change that can't be read is logged and left alone: what worked goes on working.
"""

import logging
import ssl
from collections.abc import Sequence
from hashlib import sha256
from hmac import compare_digest
from pathlib import Path

import grpc

from ..errors import Unauthenticated

log = logging.getLogger("audiowriter")

_SCHEME = "bearer"


class Tokens:
    """The bearer tokens of a file, one a line; lines that start with # are comments."""

    def __init__(self, path: str) -> None:
        """Raises ValueError if there is no token in it, OSError if it can't be read."""
        self._path = Path(path)
        self._state = _state([self._path])
        self._digests = self._read()

    def check(self, authorization: str) -> None:
        """Take the `authorization` of a call, or raise Unauthenticated."""
        self._refresh()
        scheme, _, token = authorization.partition(" ")
        # Digests have one length, and all of them are looked at: the time taken says nothing of the tokens.
        given = sha256(token.encode()).digest()
        matches = [compare_digest(given, digest) for digest in self._digests]
        if scheme.lower() != _SCHEME or not any(matches):
            raise Unauthenticated

    def _refresh(self) -> None:
        try:
            state = _state([self._path])
            if state != self._state:
                self._state = state
                self._digests = self._read()
                log.info("tokens read again")
        except (OSError, ValueError) as exc:
            log.error("tokens not read again: %s", exc)

    def _read(self) -> list[bytes]:
        lines = [line.strip() for line in self._path.read_text().splitlines()]
        tokens = [line for line in lines if line and not line.startswith("#")]
        if not tokens:
            raise ValueError(f"token_file={self._path}: holds no token")
        return [sha256(token.encode()).digest() for token in tokens]


class Certificates:
    """Certificate, key and, for mTLS, the authorities of the callers."""

    def __init__(self, cert: str, key: str, client_ca: str) -> None:
        """Raises ValueError if they do not fit together, OSError if they can't be read."""
        self._cert, self._key = Path(cert), Path(key)
        self._client_ca = Path(client_ca) if client_ca else None
        self._files = [self._cert, self._key, *([self._client_ca] if self._client_ca else [])]
        self._state = _state(self._files)
        self._configuration = self._read()

    def credentials(self) -> grpc.ServerCredentials:
        """Make the credentials; grpc asks for a change at every handshake."""
        return grpc.dynamic_ssl_server_credentials(
            self._configuration,
            self._refresh,  # type: ignore[arg-type]  # the stubs leave out that None is for no change
            require_client_authentication=self._client_ca is not None,
        )

    def _refresh(self) -> grpc.ServerCertificateConfiguration | None:
        try:
            state = _state(self._files)
            if state == self._state:
                return None
            # Noted first: what can't be read is told once, not at every handshake.
            self._state = state
            configuration = self._read()
        except (OSError, ValueError) as exc:
            log.error("certificates not read again: %s", exc)
            return None
        log.info("certificates read again")
        return configuration

    def _read(self) -> grpc.ServerCertificateConfiguration:
        # grpc would say no more than that a handshake failed, and only when a caller comes.
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
    """What changes when a file is written or replaced, even within one tick of the clock."""
    return [(stat.st_mtime_ns, stat.st_ino, stat.st_size) for stat in (path.stat() for path in files)]
