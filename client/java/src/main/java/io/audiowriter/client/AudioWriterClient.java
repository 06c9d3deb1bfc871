package io.audiowriter.client;

import com.google.protobuf.UnsafeByteOperations;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.EncodeRequest;
import io.audiowriter.v1.EncodeResponse;
import io.audiowriter.v1.FormatInfo;
import io.audiowriter.v1.ListFormatsRequest;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamFinished;
import io.grpc.ChannelCredentials;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.ManagedChannelBuilder;
import io.grpc.Metadata;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import io.grpc.stub.MetadataUtils;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/**
 * A connection to one or more audiowriter servers. Safe for any number of threads and streams; make one and keep it.
 *
 * <p>It connects with the first call. A deadline of the current {@link io.grpc.Context} holds for the calls made in it;
 * without one a call lasts as long as the server lets it. A server that is gone is noticed within 50 s.
 */
public final class AudioWriterClient implements AutoCloseable {
    /**
     * Calls are spread over all addresses, and a stream that a server refuses with UNAVAILABLE goes to another one.
     * Encoding has no side effects, and gRPC retries only while nothing has come back, so no byte of a file can come
     * twice. Encode is retried by its method.
     */
    private static final Map<String, ?> SERVICE_CONFIG = Map.of(
            "loadBalancingConfig", List.of(Map.of("round_robin", Map.of())),
            "methodConfig", List.of(Map.of(
                    "name", Stream.of(
                                    AudioWriterServiceGrpc.getEncodeStreamMethod(),
                                    AudioWriterServiceGrpc.getListFormatsMethod())
                            .map(method -> Map.of(
                                    "service", method.getServiceName(), "method", method.getBareMethodName()))
                            .toList(),
                    "retryPolicy", Map.of(
                            "maxAttempts", (double) Retries.MAX_ATTEMPTS,
                            "initialBackoff", "0.05s",
                            "maxBackoff", "0.2s",
                            "backoffMultiplier", 2.0,
                            "retryableStatusCodes", List.of("UNAVAILABLE")))));

    private final ManagedChannel channel;
    private final AudioWriterServiceGrpc.AudioWriterServiceStub stub;
    private final AudioWriterServiceGrpc.AudioWriterServiceBlockingStub blockingStub;

    private AudioWriterClient(ManagedChannel channel) {
        this.channel = channel;
        this.stub = AudioWriterServiceGrpc.newStub(channel);
        this.blockingStub = AudioWriterServiceGrpc.newBlockingStub(channel);
    }

    /**
     * Starts the making of a client.
     *
     * @param targets either any one gRPC target, such as {@code localhost:50051} or {@code dns:///audio.example:443},
     *     or several of the form {@code host:port}
     * @return a builder
     */
    public static Builder builder(String... targets) {
        return new Builder(targets);
    }

    /**
     * Opens a stream. Returns before the server has seen the config: a bad one fails a later call of the stream.
     *
     * @param config the PCM that will be written, and the file that it shall become
     * @param sink where the file goes; abandoned if the stream can't be opened
     * @return the stream, to be written and closed
     * @throws AudioWriterException if no server can be reached
     * @throws IOException if the sink failed
     */
    public AudioWriterOutputStream openStream(StreamConfig config, AudioSink sink) throws IOException {
        AudioWriterOutputStream out = new AudioWriterOutputStream(sink);
        out.open(stub, config);
        return out;
    }

    /**
     * Makes a file of all that a source writes. If the source throws, the stream is cancelled and there is no file.
     *
     * @param config the PCM that the source writes, and the file that it shall become
     * @param sink where the file goes
     * @param pcm writes the PCM
     * @return the totals of the finished file, and its header
     * @throws TruncatedStreamException if the server ended the stream without its last message, or bytes are missing
     * @throws AudioWriterException if the stream failed
     * @throws IOException if the source or the sink failed
     */
    public StreamFinished encodeStream(StreamConfig config, AudioSink sink, PcmSource pcm) throws IOException {
        AudioWriterOutputStream out = openStream(config, sink);
        try (out) {
            try {
                pcm.writeTo(out);
            } catch (IOException | RuntimeException | Error e) {
                out.cancel();
                throw e;
            }
        }
        return out.result();
    }

    /**
     * Makes a whole file at once, for short audio. The server bounds the request and the response, by default at 4 MiB.
     * A call that a server refuses goes to another one; one whose connection breaks does not.
     *
     * @param config the PCM, and the file that it shall become
     * @param pcm all samples, interleaved, little-endian
     * @return the file and its totals
     * @throws TruncatedStreamException if bytes are missing
     * @throws AudioWriterException if the call failed
     */
    public EncodeResponse encode(StreamConfig config, byte[] pcm) throws AudioWriterException {
        EncodeRequest request = EncodeRequest.newBuilder()
                .setConfig(config)
                .setPcm(UnsafeByteOperations.unsafeWrap(pcm)) // The call is over before the caller has the array back.
                .build();
        EncodeResponse response = Retries.untilNotRefused(() -> blockingStub.encode(request));
        FileTotals totals = new FileTotals();
        totals.add(response.getFile());
        totals.check(response.getFinished());
        return response;
    }

    /**
     * Asks what the server can write, and with which rates, channels and settings.
     *
     * @return one entry for each format
     * @throws AudioWriterException if the call failed
     */
    public List<FormatInfo> listFormats() throws AudioWriterException {
        try {
            return blockingStub.listFormats(ListFormatsRequest.getDefaultInstance()).getFormatsList();
        } catch (StatusRuntimeException e) {
            throw AudioWriterException.of(e);
        }
    }

    /** Closes the connection. Streams that are still open fail with {@code UNAVAILABLE}. */
    @Override
    public void close() {
        channel.shutdownNow();
    }

    /** Settings of a client. TLS with the platform's certificates, unless said otherwise. */
    public static final class Builder {
        private final List<String> targets;
        private ChannelCredentials credentials = TlsChannelCredentials.create();
        private String token;

        private Builder(String... targets) {
            if (targets.length == 0) {
                throw new IllegalArgumentException("no target");
            }
            this.targets = List.of(targets);
        }

        /**
         * Neither encrypts nor verifies: for servers on this machine or in a network that does.
         *
         * @return this
         */
        public Builder plaintext() {
            return credentials(InsecureChannelCredentials.create());
        }

        /**
         * Sets how to encrypt and verify: for a certificate authority of one's own, for instance, {@code
         * TlsChannelCredentials.newBuilder().trustManager(ca).build()}.
         *
         * @param credentials gRPC's credentials
         * @return this
         */
        public Builder credentials(ChannelCredentials credentials) {
            this.credentials = credentials;
            return this;
        }

        /**
         * Sends a bearer token with each call.
         *
         * @param token the token, without {@code Bearer}
         * @return this
         */
        public Builder token(String token) {
            this.token = token;
            return this;
        }

        /**
         * Makes the client. Does not wait for a connection.
         *
         * @return the client, to be closed
         */
        public AudioWriterClient build() {
            String target = targets.size() == 1 ? targets.get(0) : TargetList.join(targets);
            ManagedChannelBuilder<?> channel = Grpc.newChannelBuilder(target, credentials)
                    .defaultServiceConfig(SERVICE_CONFIG)
                    .keepAliveTime(30, TimeUnit.SECONDS)
                    .keepAliveTimeout(20, TimeUnit.SECONDS)
                    .keepAliveWithoutCalls(true)
                    .maxRetryAttempts(Retries.MAX_ATTEMPTS)
                    // A file may be larger than the PCM that it is made of; the server bounds it.
                    .maxInboundMessageSize(Integer.MAX_VALUE);
            if (token != null) {
                Metadata headers = new Metadata();
                headers.put(Metadata.Key.of("authorization", Metadata.ASCII_STRING_MARSHALLER), "Bearer " + token);
                channel.intercept(MetadataUtils.newAttachHeadersInterceptor(headers));
            }
            return new AudioWriterClient(channel.build());
        }
    }
}
