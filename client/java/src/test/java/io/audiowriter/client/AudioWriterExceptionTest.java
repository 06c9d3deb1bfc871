package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.Any;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.time.Duration;
import java.util.Optional;
import org.junit.jupiter.api.Test;

class AudioWriterExceptionTest {
    private static final ErrorInfo FULL =
            ErrorInfo.newBuilder().setReason("MAX_STREAMS_EXCEEDED").putMetadata("value", "16").build();
    private static final RetryInfo AFTER_1500_MS = RetryInfo.newBuilder()
            .setRetryDelay(com.google.protobuf.Duration.newBuilder().setSeconds(1).setNanos(500_000_000))
            .build();

    @Test
    void aRefusalHasARetryDelay() {
        AudioWriterException e = AudioWriterException.of(StatusProto.toStatusRuntimeException(
                com.google.rpc.Status.newBuilder()
                        .setCode(Code.UNAVAILABLE_VALUE)
                        .addDetails(Any.pack(FULL))
                        .addDetails(Any.pack(AFTER_1500_MS))
                        .build()));
        for (AudioWriterException thrown : new AudioWriterException[] {e, new AudioWriterException(e)}) {
            assertEquals(Status.Code.UNAVAILABLE, thrown.code());
            assertEquals(Optional.of("MAX_STREAMS_EXCEEDED"), thrown.reason());
            assertEquals("16", thrown.metadata().get("value"));
            assertEquals(Optional.of(Duration.ofMillis(1500)), thrown.retryAfter());
        }
    }

    @Test
    void aStatusWithoutDetailsHasEmptyFields() {
        AudioWriterException e = AudioWriterException.of(Status.UNAVAILABLE.asRuntimeException());
        assertEquals(Optional.empty(), e.retryAfter());
        assertEquals(Optional.empty(), e.reason());
    }
}
