package io.audiowriter.client;

import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.stub.MetadataUtils;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.Executor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Stream;

/** The channel of a client. It connects with the first call. */
final class Connection {
    /**
     * Calls are spread over all addresses. gRPC only retries the calls that have no retries of their own here: {@code
     * encode}, {@code resolveConfig} and streams have them.
     */
    private static final Map<String, ?> SERVICE_CONFIG = Map.of(
            "loadBalancingConfig", List.of(Map.of("round_robin", Map.of())),
            "methodConfig", List.of(Map.of(
                    "name", Stream.of(
                                    AudioWriterServiceGrpc.getListFormatsMethod(),
                                    AudioWriterServiceGrpc.getGetServerInfoMethod())
                            .map(method -> Map.of(
                                    "service", method.getServiceName(), "method", method.getBareMethodName()))
                            .toList(),
                    "retryPolicy", Map.of(
                            "maxAttempts", (double) Retries.MAX_ATTEMPTS,
                            "initialBackoff", "0.05s",
                            "maxBackoff", "0.2s",
                            "backoffMultiplier", 2.0,
                            "retryableStatusCodes", List.of("UNAVAILABLE", "CANCELLED")))));

    private static final long RECONNECT_NANOS = TimeUnit.SECONDS.toNanos(1);

    private final ManagedChannel channel;
    private final AtomicLong reconnectedAt = new AtomicLong(System.nanoTime() - RECONNECT_NANOS);

    /** @param token a bearer token; null: none */
    Connection(String target, ChannelCredentials credentials, String token) {
        ManagedChannelBuilder<?> builder = Grpc.newChannelBuilder(target, credentials)
                .defaultServiceConfig(SERVICE_CONFIG)
                .keepAliveTime(30, TimeUnit.SECONDS)
                .keepAliveTimeout(20, TimeUnit.SECONDS)
                .keepAliveWithoutCalls(true)
                .maxRetryAttempts(Retries.MAX_ATTEMPTS)
                // A file may be larger than its PCM; the server limits its size.
                .maxInboundMessageSize(Integer.MAX_VALUE);
        if (token != null) {
            Metadata headers = new Metadata();
            headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
            builder.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
        }
        channel = builder.build();
    }

    /** Starts an EncodeStream call. */
    void encodeStream(EncodeCall call) {
        AudioWriterServiceGrpc.newStub(channel).encodeStream(call);
    }

    AudioWriterServiceGrpc.AudioWriterServiceBlockingStub blockingStub() {
        return AudioWriterServiceGrpc.newBlockingStub(channel);
    }

    /** Runs a task after a delay, with a connection that no longer waits. */
    void reconnectAndRun(long delayNanos, Runnable task) {
        Runnable both = () -> {
            reconnect();
            task.run();
        };
        // A thread of its own: the writers may occupy all threads of the common pool until the task has run.
        Executor thread = run -> {
            Thread started = new Thread(run, "audiowriter-resume");
            started.setDaemon(true);
            started.start();
        };
        CompletableFuture.delayedExecutor(delayNanos, TimeUnit.NANOSECONDS, thread).execute(both);
    }

    /**
     * Lets gRPC try at once to connect to the servers that it has lost. By itself it waits for up to two minutes after
     * many failures. Has no effect within a second after the last time, because all streams of a server are lost
     * together.
     */
    private void reconnect() {
        long now = System.nanoTime();
        long last = reconnectedAt.get();
        if (now - last >= RECONNECT_NANOS && reconnectedAt.compareAndSet(last, now)) {
            channel.resetConnectBackoff();
        }
    }

    boolean isClosed() {
        return channel.isShutdown();
    }

    void close() {
        channel.shutdownNow();
    }
}
