package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.ResumePoint;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.Totals;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** What a resumed stream sends, and after which errors, with servers that fail on purpose. */
@Timeout(60)
class ResumeCallsTest {
    private static final StreamConfig CONFIG = Audio.config(AudioFormat.AUDIO_FORMAT_PCM);
    private static final StatusRuntimeException LOST = Status.UNAVAILABLE.asRuntimeException();
    private static final byte[] PCM = Audio.speech(100);

    @TempDir
    Path folder;

    private final ByteArrayOutputStream live = new ByteArrayOutputStream();
    private Server server;

    @AfterEach
    void stop() throws Exception {
        server.shutdownNow().awaitTermination();
    }

    @Test
    void aListenersStreamBeginsAtTheByteWhereItStopped() throws Exception {
        FailingService service = new LostOnce(LOST);
        stream(service, AudioSink.of(live));
        assertArrayEquals(PCM, live.toByteArray());
        assertEquals(2, service.calls.size());
        ByteString before = ByteString.copyFrom(PCM, 0, 80);
        Totals totals = TestTotals.of(before, before);
        ResumePoint resume = ResumePoint.newBuilder()
                .setOffset(80)
                .setSha256(totals.getSentSha256())
                .setSerial(FailingService.SERIAL)
                .setOutputSamples(20)
                .setCrc32C(totals.getFileCrc32C())
                .setFirstCrc32C(totals.getFileCrc32C())
                .build();
        EncodeStreamRequest config = EncodeStreamRequest.newBuilder().setConfig(CONFIG).build();
        assertEquals(config, service.calls.get(0).get(0));
        assertEquals(config.toBuilder().setResume(resume).build(), service.calls.get(1).get(0));
        assertEquals(service.calls.get(0).get(1).getPcm(), service.calls.get(1).get(1).getPcm());
        assertTrue(service.calls.get(1).get(1).hasFlush());
    }

    @ParameterizedTest
    @CsvSource({"80, 80, true", "79, 79, false", "80, 81, false", "80, 0, false", "0, 80, false", "0, 0, true"})
    void theHashOfAServerWithOtherPacketsBeginsWhereItGoesOn(long offset, int from, boolean isRight) throws Exception {
        FailingService service = new LostOnce(LOST) {
            @Override
            Totals totals(EncodeStreamRequest first, ByteString file) {
                ByteString sha256 = TestTotals.of(file.substring(from), file).getSentSha256();
                return super.totals(first, file).toBuilder()
                        .setSentSha256(sha256)
                        .setSentSha256Offset(offset)
                        .build();
            }
        };
        if (isRight) {
            ByteString file = ByteString.copyFrom(PCM);
            assertEquals(TestTotals.of(file, file), stream(service, AudioSink.of(live)));
        } else {
            assertThrows(TruncatedStreamException.class, () -> stream(service, AudioSink.of(live)));
        }
    }

    @Test
    void aFilesStreamBeginsAgainWithAnEmptyResumePoint() throws Exception {
        FailingService service = new LostOnce(LOST);
        stream(service, AudioSink.of(folder.resolve("file")));
        assertArrayEquals(PCM, Files.readAllBytes(folder.resolve("file")));
        EncodeStreamRequest again = EncodeStreamRequest.newBuilder()
                .setConfig(CONFIG)
                .setResume(ResumePoint.getDefaultInstance())
                .build();
        assertEquals(again, service.calls.get(1).get(0));
    }

    @Test
    void aResetIsALoss() throws Exception {
        stream(new LostOnce(Status.INTERNAL.withDescription("RST_STREAM closed stream").asRuntimeException()),
                AudioSink.of(live));
        assertArrayEquals(PCM, live.toByteArray());
    }

    @Test
    void aServerThatStopsBeforeItHasSeenTheCallIsALoss() throws Exception {
        stream(new LostOnce(Status.CANCELLED.withDescription("CANCELLED").asRuntimeException()), AudioSink.of(live));
        assertArrayEquals(PCM, live.toByteArray());
    }

    @ParameterizedTest
    @EnumSource(names = {"ABORTED", "CANCELLED", "INTERNAL", "RESOURCE_EXHAUSTED", "UNAUTHENTICATED", "UNKNOWN"})
    void otherErrorsAreFinal(Status.Code code) throws Exception {
        FailingService service = new LostOnce(code.toStatus().asRuntimeException());
        AudioWriterException e =
                assertThrows(AudioWriterException.class, () -> stream(service, AudioSink.of(live)));
        assertEquals(code, e.code());
        assertEquals(80, e.bytesReceived());
        assertEquals(40, e.inputSamples());
        assertFalse(e.getMessage().contains("not resumed"), e.getMessage());
        assertEquals(1, service.calls.size());
    }

    @Test
    void aServerThatIgnoresTheResumePointIsRefusedBeforeItGetsPcm() throws Exception {
        FailingService service = new LostOnce(LOST) {
            @Override
            int serial(EncodeStreamRequest first) {
                return first.hasResume() ? 0 : SERIAL;
            }
        };
        AudioWriterException e =
                assertThrows(AudioWriterException.class, () -> stream(service, AudioSink.of(live)));
        assertEquals(Status.Code.ABORTED, e.code());
        assertEquals("RESUME_MISMATCH", e.reason().orElseThrow());
        assertEquals(80, e.bytesReceived());
        assertEquals(List.of(), service.calls.get(1).subList(1, service.calls.get(1).size()));
    }

    @Test
    void aListenerOfAServerWithoutSerialIsNotResumed() throws Exception {
        FailingService service = new LostOnce(LOST) {
            @Override
            int serial(EncodeStreamRequest first) {
                return 0;
            }
        };
        AudioWriterException e =
                assertThrows(AudioWriterException.class, () -> stream(service, AudioSink.of(live)));
        assertEquals(Status.Code.UNAVAILABLE, e.code());
        assertTrue(e.getMessage().contains("too old"), e.getMessage());
        stop();
        service.calls.clear();
        stream(service, AudioSink.of(folder.resolve("file")));
        assertArrayEquals(PCM, Files.readAllBytes(folder.resolve("file")));
    }

    @Test
    void aFileIsCompleteIfOnlyItsStatusIsMissing() throws Exception {
        FailingService service = new FailingService() {
            @Override
            StatusRuntimeException errorAtTheEnd(int call) {
                return LOST;
            }
        };
        stream(service, AudioSink.of(live));
        assertArrayEquals(PCM, live.toByteArray());
        assertEquals(1, service.calls.size());
    }

    @Test
    void aStreamThatEndsEveryServerIsGivenUp() throws Exception {
        FailingService service = new FailingService() {
            @Override
            StatusRuntimeException errorAfter(int call, int messages) {
                return messages == 2 ? LOST : null;
            }
        };
        AudioWriterException e =
                assertThrows(AudioWriterException.class, () -> stream(service, AudioSink.of(live)));
        assertTrue(e.getMessage().contains("not resumed: 6 servers were lost in a row"), e.getMessage());
        // The first loss comes after progress, and the five after that without.
        assertEquals(6, service.calls.size());
    }

    @Test
    void theDelayThatAServerAsksForIsRespected() throws Exception {
        StatusRuntimeException full = StatusProto.toStatusRuntimeException(com.google.rpc.Status.newBuilder()
                .setCode(Status.Code.UNAVAILABLE.value())
                .addDetails(Any.pack(ErrorInfo.newBuilder().setReason("DRAIN_TIMEOUT_EXCEEDED").build()))
                .addDetails(Any.pack(RetryInfo.newBuilder()
                        .setRetryDelay(com.google.protobuf.Duration.newBuilder().setNanos(500_000_000))
                        .build()))
                .build());
        FailingService service = new LostOnce(full);
        stream(service, AudioSink.of(live));
        double seconds = (service.startedAt.get(1) - service.startedAt.get(0)) / 1e9;
        assertTrue(0.5 <= seconds && seconds < 5, () -> seconds + " s");
    }

    /** Fails the first call after 80 bytes of PCM. */
    private static class LostOnce extends FailingService {
        private final StatusRuntimeException error;

        LostOnce(StatusRuntimeException error) {
            this.error = error;
        }

        @Override
        StatusRuntimeException errorAfter(int call, int messages) {
            return call == 0 && messages == 2 ? error : null;
        }
    }

    private Totals stream(FailingService service, AudioSink sink) throws IOException {
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(service)
                .build()
                .start();
        try (AudioWriterClient client =
                AudioWriterClient.builder("127.0.0.1:" + server.getPort()).plaintext().build()) {
            return client.encodeStream(CONFIG, sink, out -> {
                out.write(PCM, 0, 80);
                out.flushEncoder();
                out.write(PCM, 80, PCM.length - 80);
            });
        }
    }
}
