"""The symbols of server reflection. protobuf's pool does not find methods, but ghz and grpcurl ask for them."""

from typing import Any

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor


class SymbolPool:
    """protobuf's default pool, which also finds methods."""

    def __init__(self) -> None:
        self._pool: Any = descriptor_pool.Default()

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 - the pool's own name
        """Find the file of a message, an enum, a service, or a method of a service. Raises KeyError."""
        try:
            file: FileDescriptor = self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            service, _, method = symbol.rpartition(".")
            file = self._pool.FindServiceByName(service).methods_by_name[method].containing_service.file
        return file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)
