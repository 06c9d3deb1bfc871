"""Sends errors as google.rpc.Status in the trailing metadata, where gRPC libraries look for it."""

from typing import Any

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from ..errors import DOMAIN, CallError, InvalidArgument, Refused

CODES = {code.value[0]: code for code in grpc.StatusCode}
_DETAILS_KEY = "grpc-status-details-bin"


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: CallError) -> None:
    """End the call with the error's status. Does not return: grpc raises to unwind the handler."""
    status = status_pb2.Status(code=error.code, message=str(error))
    if isinstance(error, InvalidArgument):
        violations = [
            error_details_pb2.BadRequest.FieldViolation(field=violation.field, description=violation.description)
            for violation in error.violations
        ]
        _add(status, error_details_pb2.BadRequest(field_violations=violations))
    _add(status, error_details_pb2.ErrorInfo(reason=error.reason, domain=DOMAIN, metadata=error.metadata))
    if isinstance(error, Refused):
        # RetryInfo is for the application. There is no grpc-retry-pushback-ms, because it would make gRPC wait although
        # another server may be free, and all refused clients would retry at the same time.
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(int(error.retry_after_s * 1000))
        _add(status, error_details_pb2.RetryInfo(retry_delay=delay))
    await context.abort(CODES[error.code], str(error), ((_DETAILS_KEY, status.SerializeToString()),))


def _add(status: status_pb2.Status, detail: Message) -> None:
    packed = any_pb2.Any()
    packed.Pack(detail)
    status.details.append(packed)
