"""Server reflection, v1 and v1alpha, for tools such as grpcurl, buf and ghz.

grpcio-reflection has only v1alpha. The messages of v1 are the same on the wire: only the name of the package differs. So
the servicer of v1alpha serves both, and the descriptor of v1 is the one of v1alpha with the package renamed.
"""

from collections.abc import Iterable
from typing import Any

import grpc
from google.protobuf import descriptor_pool, text_format
from google.protobuf.descriptor import FileDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2

from .small_requests import SmallRequests

V1 = "grpc.reflection.v1.ServerReflection"
V1ALPHA: str = reflection.SERVICE_NAME


def add_reflection(services: Iterable[str], server: SmallRequests) -> None:
    """Register both versions of reflection. They list `services` and themselves."""
    servicer = reflection.aio.ReflectionServicer((*services, V1, V1ALPHA), pool=SymbolPool())
    method = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        reflection_pb2.ServerReflectionRequest.FromString,
        reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    for service in (V1, V1ALPHA):
        server.add_registered_method_handlers(service, {"ServerReflectionInfo": method})


class SymbolPool:
    """protobuf's default pool, which also finds methods and v1 of reflection.

    protobuf's pool does not find methods, but ghz and grpcurl ask for them.
    """

    def __init__(self) -> None:
        self._pool: Any = descriptor_pool.Default()
        # A separate pool: in the default one, the file would conflict with a package that contains v1.
        self._v1: Any = descriptor_pool.DescriptorPool()
        self._v1.Add(_v1_file())

    def FindFileByName(self, name: str) -> FileDescriptor:  # noqa: N802 - the pool's own name
        """Find a file by its path. Raises KeyError."""
        try:
            file: FileDescriptor = self._pool.FindFileByName(name)
        except KeyError:
            file = self._v1.FindFileByName(name)
        return file

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802 - the pool's own name
        """Find the file of a message, an enum, a service, or a method of a service. Raises KeyError."""
        for pool in (self._pool, self._v1):
            for find in (_file_of_symbol, _file_of_method):
                try:
                    return find(pool, symbol)
                except KeyError:
                    continue
        raise KeyError(symbol)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


def _file_of_symbol(pool: Any, symbol: str) -> FileDescriptor:
    file: FileDescriptor = pool.FindFileContainingSymbol(symbol)
    return file


def _file_of_method(pool: Any, symbol: str) -> FileDescriptor:
    service, _, method = symbol.rpartition(".")
    file: FileDescriptor = pool.FindServiceByName(service).methods_by_name[method].containing_service.file
    return file


def _v1_file() -> FileDescriptorProto:
    old, new = FileDescriptorProto(), FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(old)
    text_format.Parse(text_format.MessageToString(old).replace("v1alpha", "v1"), new)
    return new
