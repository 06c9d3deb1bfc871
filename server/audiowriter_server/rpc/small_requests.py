"""Bounds what clients can cost before they are authenticated: health checks and reflection.

gRPC reads a unary request of up to `max_message_bytes` before it calls the handler. These methods need about 100 bytes.
Therefore they are registered as streams, whose bytes on the wire are the same, and read their requests themselves: a few at
a time, and within a time limit. Until then, gRPC buffers at most the flow-control window of 64 KiB per call.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from weakref import WeakValueDictionary

import grpc
from google.protobuf.message import DecodeError

MAX_BYTES = 4096
"""Maximum length of a request, in bytes."""
READ_S = 10.0
"""Seconds within which a request must arrive."""
MAX_READS = 16
"""Requests that are read at the same time, in the process."""
MAX_PEER_READS = 4
"""Requests that are read at the same time, per address, so that one client cannot keep others from health checks."""
MAX_STREAMS = 64
"""Concurrent `Watch` and reflection calls, in the process. Further ones are refused."""

Context = grpc.aio.ServicerContext[Any, Any]
_Handler = Any  # grpc.RpcMethodHandler, which is generic in its type stubs only


class SmallRequests:
    """Stands in for the server when generated code registers a service. Its handlers read late."""

    def __init__(self, server: grpc.aio.Server) -> None:
        self._server = server
        self._reads = asyncio.Semaphore(MAX_READS)
        self._peer_reads: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._streams = 0

    def add_registered_method_handlers(self, service: str, handlers: Mapping[str, _Handler]) -> None:
        """Register the methods of a service. Generated code calls this."""
        late = {name: self._late(handler) for name, handler in handlers.items()}
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, late),))

    def add_generic_rpc_handlers(self, handlers: Sequence[Any]) -> None:
        """Ignore the same methods, which generated code registers a second time."""

    def _late(self, handler: _Handler) -> _Handler:
        codecs = handler.request_deserializer, handler.response_serializer
        if handler.unary_unary is not None:
            answer = handler.unary_unary

            async def one(_: object, context: Context) -> Any:
                return await answer(await self._read(context), context)

            return grpc.stream_unary_rpc_method_handler(one, *codecs)
        if handler.unary_stream is not None:
            watch = handler.unary_stream

            async def many(_: object, context: Context) -> None:
                request = await self._read(context)
                with await self._stream(context):
                    await watch(request, context)

            return grpc.stream_stream_rpc_method_handler(many, *codecs)
        answers = handler.stream_stream

        async def each(_: object, context: Context) -> None:
            with await self._stream(context):
                async for response in answers(self._requests(context), context):
                    await context.write(response)

        return grpc.stream_stream_rpc_method_handler(each, *codecs)

    async def _requests(self, context: Context) -> AsyncIterator[Any]:
        while (request := await self._read(context, last=True)) is not grpc.aio.EOF:
            yield request

    async def _read(self, context: Context, *, last: bool = False) -> Any:
        """Return a request; `last`: or the end of the stream."""
        peer = context.peer().rpartition(":")[0]
        try:
            async with asyncio.timeout(READ_S):
                request = await self._read_in_turn(peer, context)
        except TimeoutError:
            await context.abort(grpc.StatusCode.ABORTED, f"no request within {READ_S:g} s")
        except DecodeError:  # gRPC would log a traceback, and any client can send such a request
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request is not a valid message of this method")
        if request is grpc.aio.EOF:
            if not last:
                await context.abort(grpc.StatusCode.INVALID_ARGUMENT, "the request is missing")
        elif (size := request.ByteSize()) > MAX_BYTES:
            del request  # gRPC keeps the traceback of an aborted call, with the variables of this frame, for a while
            text = f"the request has {size} bytes: this method takes at most {MAX_BYTES}"
            await context.abort(grpc.StatusCode.INVALID_ARGUMENT, text)
        return request

    async def _read_in_turn(self, peer: str, context: Context) -> Any:
        turn = self._peer_reads.get(peer) or self._peer_reads.setdefault(peer, asyncio.Semaphore(MAX_PEER_READS))
        async with turn, self._reads:
            return await context.read()

    async def _stream(self, context: Context) -> Any:
        if self._streams >= MAX_STREAMS:
            text = f"{MAX_STREAMS} calls of this kind are live: end one, or retry later"
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, text)
        return self._counted()

    @contextmanager
    def _counted(self) -> Iterator[None]:
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1
