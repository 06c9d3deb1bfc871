"""The RPC methods. stream_call.py and unary_call.py handle the calls that encode."""

from typing import Any, TypeVar

import grpc
from audiowriter.v1 import audio_writer_pb2 as pb

from ..errors import InvalidArgument, Violation
from ..runtime.settings import Settings
from ..telemetry.call_record import SERVICE_NAME, CallRecord
from .admission import Admission, Context
from .format_info import list_formats
from .limits import Limits
from .memory import MemoryBudget, stream_bytes, unary_bytes
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
        handlers: dict[str, Any] = {
            "EncodeStream": grpc.stream_stream_rpc_method_handler(
                self.encode_stream, pb.EncodeStreamRequest.FromString, pb.EncodeStreamResponse.SerializeToString
            ),
            "Encode": grpc.stream_unary_rpc_method_handler(
                self.encode, pb.EncodeRequest.FromString, pb.EncodeResponse.SerializeToString
            ),
            "ResolveConfig": grpc.stream_unary_rpc_method_handler(
                self.resolve_config, pb.ResolveConfigRequest.FromString, pb.ResolveConfigResponse.SerializeToString
            ),
            "ListFormats": grpc.stream_unary_rpc_method_handler(
                self.list_formats, pb.ListFormatsRequest.FromString, pb.ListFormatsResponse.SerializeToString
            ),
            "GetServerInfo": grpc.stream_unary_rpc_method_handler(
                self.get_server_info, pb.GetServerInfoRequest.FromString, pb.GetServerInfoResponse.SerializeToString
            ),
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE_NAME, handlers),))

    async def encode_stream(self, _: object, context: Context) -> None:
        """Encode one stream. The proto file describes the order of messages."""
        await self._admission.run("EncodeStream", context, lambda record: self._encode_stream(context, record))

    async def encode(self, _: object, context: Context) -> pb.EncodeResponse:
        """Encode a whole file in one call."""
        return await self._admission.run("Encode", context, lambda record: self._encode(context, record))

    async def resolve_config(self, _: object, context: Context) -> pb.ResolveConfigResponse:
        """Return what a stream with this config would start with."""
        return await self._admission.run("ResolveConfig", context, lambda record: self._resolve_config(context, record))

    async def list_formats(self, _: object, context: Context) -> pb.ListFormatsResponse:
        """Return all formats with their options."""
        return await self._admission.run(
            "ListFormats", context, lambda record: self._list_formats(context, record), counts=False
        )

    async def get_server_info(self, _: object, context: Context) -> pb.GetServerInfoResponse:
        """Return the version and the limits of the server."""
        return await self._admission.run(
            "GetServerInfo", context, lambda record: self._get_server_info(context, record), counts=False
        )

    async def _encode_stream(self, context: Context, record: CallRecord) -> None:
        await self._scheduler.turns.turn(record.caller, CALL_MS)
        with self._memory.reserve(stream_bytes(self._settings)) as reservation:
            await StreamCall(context, record, self._scheduler, self._limits, self._waits, reservation).run()

    async def _encode(self, context: Context, record: CallRecord) -> pb.EncodeResponse:
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
        await self._scheduler.turns.turn(record.caller, CALL_MS)
        with self._memory.reserve(stream_bytes(self._settings)) as reservation:
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
        await self._read(context, pb.GetServerInfoRequest)
        record.received = 1
        record.sent = 1
        return server_info(self._settings)

    async def _list_formats(self, context: Context, record: CallRecord) -> pb.ListFormatsResponse:
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
