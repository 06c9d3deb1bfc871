"""The RPC methods. stream_call.py and unary_call.py handle the calls that encode."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, TypeVar

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb

from ..errors import InvalidArgument, Violation
from ..runtime.settings import Settings
from ..telemetry.call_record import SERVICE_NAME, CallRecord
from .admission import Admission, Context, Handler
from .format_info import list_formats
from .limits import Limits
from .memory import MemoryBudget, unary_bytes
from .scheduling import Scheduler, StreamCost
from .server_info import server_info
from .session import Session
from .stream_call import StreamCall, Waits
from .turns import CALL_MS
from .unary_call import UnaryCall
from .watchdog import Watchdog

_Request = TypeVar("_Request")


class AudioWriterService:
    """Implements the service. One instance per process."""

    def __init__(self, settings: Settings, admission: Admission) -> None:
        self._settings = settings
        self._admission = admission
        self._scheduler = Scheduler(settings.encode_threads)
        self._memory = MemoryBudget(settings)
        self._limits = Limits(settings)
        self._waits = Waits(settings, admission.clock)

    def add_to(self, server: grpc.aio.Server) -> None:
        """Register the methods.

        All methods but EncodeStream are unary, but registered as streams. The bytes on the wire are the same. gRPC reads the
        request of a unary method before it calls the handler, so clients without a token could fill the memory. The handler
        of a stream reads the request itself, after authentication and admission.
        """
        stream, unary = grpc.stream_stream_rpc_method_handler, grpc.stream_unary_rpc_method_handler
        handlers: dict[str, Any] = {
            "EncodeStream": stream(
                self._handler("EncodeStream", self._encode_stream),
                pb.EncodeStreamRequest.FromString,
                pb.EncodeStreamResponse.SerializeToString,
            ),
            "Encode": unary(
                self._handler("Encode", self._encode),
                pb.EncodeRequest.FromString,
                pb.EncodeResponse.SerializeToString,
            ),
            "ResolveConfig": unary(
                self._handler("ResolveConfig", self._resolve_config),
                pb.ResolveConfigRequest.FromString,
                pb.ResolveConfigResponse.SerializeToString,
            ),
            "ListFormats": unary(
                self._handler("ListFormats", self._list_formats, counts=False),
                pb.ListFormatsRequest.FromString,
                pb.ListFormatsResponse.SerializeToString,
            ),
            "GetServerInfo": unary(
                self._handler("GetServerInfo", self._get_server_info, counts=False),
                pb.GetServerInfoRequest.FromString,
                pb.GetServerInfoResponse.SerializeToString,
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))

    def _handler(self, method: str, handler: Handler[Any], *, counts: bool = True) -> Callable[..., Awaitable[Any]]:
        return partial(self._admission.run, method, handler, counts=counts)

    def _encode_stream(self, context: Context, record: CallRecord) -> Awaitable[None]:
        """Encode one stream. The proto file describes the order of messages."""
        return StreamCall(context, record, self._scheduler, self._limits, self._waits, self._memory).run()

    async def _encode(self, context: Context, record: CallRecord) -> pb.EncodeResponse:
        """Encode a whole file in one call."""
        await self._scheduler.turns.turn(record.caller, CALL_MS)
        with self._memory.reserve(unary_bytes(self._settings.max_message_bytes)) as reservation:
            request = await self._read(context, pb.EncodeRequest)
            record.received = 1
            record.first_message()
            reservation.shrink(self._settings.max_message_bytes + unary_bytes(request.ByteSize()))
            call = UnaryCall(record, self._scheduler, self._limits, self._settings, reservation)
            encoded = await call.run(request)
            record.sent = 1
            record.first_byte()
            return encoded

    async def _resolve_config(self, context: Context, record: CallRecord) -> pb.ResolveConfigResponse:
        """Return what a stream with this config would start with."""
        await self._scheduler.turns.turn(record.caller, CALL_MS)
        with self._memory.reserve(self._memory.stream_bytes) as reservation:
            request = await self._read(context, pb.ResolveConfigRequest)
            record.received = 1
            self._limits.check_config(request.config)
            record.request_id = request.config.request_id
            session = Session()
            try:
                encoder = session.configure(request.config)
                reservation.add_encoder(encoder)
                # The codec's delay is known when the codec is open, which takes up to some milliseconds.
                first, *_ = await self._scheduler.pooled(record, StreamCost(encoder.cost), session.encode, b"")
            finally:
                session.close()
            record.sent = 1
            started = first.started
            started.ClearField("serial")  # it belongs to a stream, and there is none
            return pb.ResolveConfigResponse(started=started)

    async def _get_server_info(self, context: Context, record: CallRecord) -> pb.GetServerInfoResponse:
        """Return the version and the limits of the server."""
        await self._read(context, pb.GetServerInfoRequest)
        record.received = 1
        record.sent = 1
        return server_info(self._settings)

    async def _list_formats(self, context: Context, record: CallRecord) -> pb.ListFormatsResponse:
        """Return all formats with their options."""
        await self._read(context, pb.ListFormatsRequest)
        record.received = 1
        record.sent = 1
        return list_formats()

    async def _read(self, context: Context, kind: type[_Request]) -> _Request:
        """Return the only request of a unary method."""
        with Watchdog(self._waits.clock) as watchdog:
            watchdog.expect(self._waits.request)
            request = await context.read()
        if not isinstance(request, kind):
            raise InvalidArgument([Violation("request", "is missing: this method takes one message")])
        return request
