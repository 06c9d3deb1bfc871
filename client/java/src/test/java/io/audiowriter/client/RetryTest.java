package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Any;
import com.google.protobuf.ByteString;
import com.google.rpc.Code;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.EncodeRequest;
import io.audiowriter.v1.EncodeResponse;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.EncodeStreamResponse;
import io.audiowriter.v1.EncodedChunk;
import io.audiowriter.v1.ResolveConfigRequest;
import io.audiowriter.v1.ResolveConfigResponse;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamStarted;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import io.grpc.protobuf.StatusProto;
import io.grpc.stub.StreamObserver;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Uses servers that refuse or accept every call. */
@Timeout(60)
class RetryTest {
    private static final StatusRuntimeException FULL = StatusProto.toStatusRuntimeException(
            com.google.rpc.Status.newBuilder()
                    .setCode(Code.UNAVAILABLE_VALUE)
                    .addDetails(Any.pack(ErrorInfo.newBuilder().setReason("MAX_STREAMS_EXCEEDED").build()))
                    .addDetails(Any.pack(RetryInfo.newBuilder()
                            .setRetryDelay(com.google.protobuf.Duration.newBuilder().setSeconds(1))
                            .build()))
                    .build());
    private static final StreamConfig CONFIG = Audio.config(AudioFormat.AUDIO_FORMAT_PCM);
    /** More than the buffers in between hold. */
    private static final byte[] PCM = new byte[1 << 20];

    private final List<Server> servers = new ArrayList<>();

    @AfterEach
    void stop() throws InterruptedException {
        for (Server server : servers) {
            server.shutdownNow().awaitTermination();
        }
    }

    @Test
    void concurrentStreamsReachTheServerWithRoom() throws Exception {
        callAtOnce(RetryTest::stream);
    }

    @Test
    void concurrentCallsOfEncodeReachTheServerWithRoom() throws Exception {
        callAtOnce(RetryTest::encode);
    }

    private void callAtOnce(Call call) throws Exception {
        Service full = new Service(FULL);
        Service empty = new Service(null);
        ExecutorService pool = Executors.newFixedThreadPool(20);
        try (AudioWriterClient client = client(full, empty)) {
            // Repeat until the connection to the full server is established as well.
            for (int round = 0; round < 5 || full.calls.get() == 0; round++) {
                List<Future<?>> calls = new ArrayList<>();
                for (int i = 0; i < 20; i++) {
                    calls.add(pool.submit(() -> {
                        assertEquals(PCM.length, call.bytes(client));
                        return null;
                    }));
                }
                for (Future<?> made : calls) {
                    made.get();
                }
            }
        } finally {
            pool.shutdownNow();
        }
    }

    @Test
    void theRefusalIsThrownIfAllServersAreFull() throws Exception {
        for (Call call : List.<Call>of(RetryTest::stream, RetryTest::encode, RetryTest::resolveConfig)) {
            Service one = new Service(FULL);
            Service other = new Service(FULL);
            try (AudioWriterClient client = client(one, other)) {
                AudioWriterException e = assertThrows(AudioWriterException.class, () -> call.bytes(client));
                assertEquals(Status.Code.UNAVAILABLE, e.code());
                assertEquals(Optional.of("MAX_STREAMS_EXCEEDED"), e.reason());
                assertEquals(Optional.of(Duration.ofSeconds(1)), e.retryAfter());
            }
            assertEquals(Retries.MAX_ATTEMPTS, one.calls.get() + other.calls.get());
        }
    }

    @Test
    void aCallThatAStoppingServerHasNotBegunIsRepeated() throws Exception {
        for (Call call : List.<Call>of(RetryTest::stream, RetryTest::encode, RetryTest::resolveConfig)) {
            Service stopping = new Service(Status.CANCELLED.withDescription("CANCELLED").asRuntimeException());
            try (AudioWriterClient client = client(stopping)) {
                AudioWriterException e = assertThrows(AudioWriterException.class, () -> call.bytes(client));
                assertEquals(Status.Code.CANCELLED, e.code());
            }
            assertEquals(Retries.MAX_ATTEMPTS, stopping.calls.get());
        }
    }

    @Test
    void encodeIsNotRepeatedAfterABrokenConnection() throws Exception {
        Service dying = new Service(Status.UNAVAILABLE.withDescription("connection reset").asRuntimeException());
        try (AudioWriterClient client = client(dying)) {
            assertThrows(AudioWriterException.class, () -> encode(client));
        }
        assertEquals(1, dying.calls.get());
    }

    @Test
    void anInterruptStopsTheRetries() throws Exception {
        Service full = new Service(FULL);
        try (AudioWriterClient client = client(full)) {
            Thread.currentThread().interrupt();
            AudioWriterException e = assertThrows(AudioWriterException.class, () -> encode(client));
            assertTrue(Thread.interrupted());
            assertEquals(Status.Code.CANCELLED, e.code());
        }
    }

    /** Otherwise a proxy that retries would have to buffer the PCM. Envoy ends such a stream with UNKNOWN. */
    @Test
    void onlyTheConfigIsSentBeforeAServerHasAcceptedTheStream() throws Exception {
        ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
        AtomicInteger requests = new AtomicInteger();
        AtomicInteger requestsBeforeStarted = new AtomicInteger();
        try (AudioWriterClient client = client(new AudioWriterServiceGrpc.AudioWriterServiceImplBase() {
            @Override
            public StreamObserver<EncodeStreamRequest> encodeStream(StreamObserver<EncodeStreamResponse> call) {
                StreamObserver<EncodeStreamRequest> taking = new Service(null).encodeStream(call);
                return new StreamObserver<>() {
                    @Override
                    public void onNext(EncodeStreamRequest request) {
                        requests.incrementAndGet();
                        if (request.hasConfig()) {
                            later.schedule(() -> {
                                requestsBeforeStarted.set(requests.get());
                                taking.onNext(request);
                            }, 300, TimeUnit.MILLISECONDS);
                        } else {
                            taking.onNext(request);
                        }
                    }

                    @Override
                    public void onError(Throwable thrown) {}

                    @Override
                    public void onCompleted() {
                        taking.onCompleted();
                    }
                };
            }
        })) {
            assertEquals(PCM.length, stream(client));
        } finally {
            later.shutdownNow();
        }
        assertEquals(1, requestsBeforeStarted.get());
    }

    private AudioWriterClient client(AudioWriterServiceGrpc.AudioWriterServiceImplBase... services) throws IOException {
        List<String> targets = new ArrayList<>();
        for (AudioWriterServiceGrpc.AudioWriterServiceImplBase service : services) {
            Server server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                    .addService(service)
                    .build()
                    .start();
            servers.add(server);
            targets.add("127.0.0.1:" + server.getPort());
        }
        return AudioWriterClient.builder(targets.toArray(String[]::new)).plaintext().build();
    }

    private static int stream(AudioWriterClient client) throws IOException {
        ByteArrayOutputStream file = new ByteArrayOutputStream();
        client.encodeStream(CONFIG, AudioSink.of(file), out -> out.write(PCM));
        return file.size();
    }

    private static int encode(AudioWriterClient client) throws IOException {
        return client.encode(CONFIG, PCM).getFile().size();
    }

    private static int resolveConfig(AudioWriterClient client) throws IOException {
        return client.resolveConfig(CONFIG).getSerializedSize();
    }

    private interface Call {
        int bytes(AudioWriterClient client) throws IOException;
    }

    /** Returns the PCM as the file, or ends every call with an error. */
    private static final class Service extends AudioWriterServiceGrpc.AudioWriterServiceImplBase {
        private final StatusRuntimeException error;
        private final AtomicInteger calls = new AtomicInteger();

        Service(StatusRuntimeException error) {
            this.error = error;
        }

        @Override
        public void encode(EncodeRequest request, StreamObserver<EncodeResponse> call) {
            calls.incrementAndGet();
            if (error != null) {
                call.onError(error);
                return;
            }
            call.onNext(EncodeResponse.newBuilder()
                    .setFile(request.getPcm())
                    .setTotals(TestTotals.of(request.getPcm(), request.getPcm()))
                    .build());
            call.onCompleted();
        }

        @Override
        public void resolveConfig(ResolveConfigRequest request, StreamObserver<ResolveConfigResponse> call) {
            calls.incrementAndGet();
            call.onError(error);
        }

        @Override
        public StreamObserver<EncodeStreamRequest> encodeStream(StreamObserver<EncodeStreamResponse> call) {
            calls.incrementAndGet();
            if (error != null) {
                call.onError(error);
            }
            return new StreamObserver<>() {
                private ByteString file = ByteString.EMPTY;

                @Override
                public void onNext(EncodeStreamRequest request) {
                    if (error == null && request.hasConfig()) {
                        call.onNext(EncodeStreamResponse.newBuilder()
                                .setStarted(StreamStarted.getDefaultInstance())
                                .build());
                    }
                    file = file.concat(request.getPcm());
                }

                @Override
                public void onError(Throwable thrown) {}

                @Override
                public void onCompleted() {
                    if (error == null) {
                        call.onNext(EncodeStreamResponse.newBuilder()
                                .setChunk(EncodedChunk.newBuilder().setData(file))
                                .build());
                        call.onNext(EncodeStreamResponse.newBuilder()
                                .setFinished(StreamFinished.newBuilder().setTotals(TestTotals.of(file, file)))
                                .build());
                        call.onCompleted();
                    }
                }
            };
        }
    }
}
