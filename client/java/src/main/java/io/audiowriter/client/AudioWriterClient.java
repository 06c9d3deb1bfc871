package io.audiowriter.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.EncodeRequest;
import io.audiowriter.v1.EncodeResponse;
import io.audiowriter.v1.FormatInfo;
import io.audiowriter.v1.GetServerInfoRequest;
import io.audiowriter.v1.GetServerInfoResponse;
import io.audiowriter.v1.ListFormatsRequest;
import io.audiowriter.v1.Marker;
import io.audiowriter.v1.ResolveConfigRequest;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamStarted;
import io.audiowriter.v1.Totals;
import io.grpc.ChannelCredentials;
import io.grpc.InsecureChannelCredentials;
import io.grpc.StatusRuntimeException;
import io.grpc.TlsChannelCredentials;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/**
 * A connection to one or more audiowriter servers. Safe for any number of threads and streams; create one and share it.
 *
 * <p>It connects with the first call. A deadline of the current {@link io.grpc.Context} applies to calls made in it;
 * without one only the server limits the duration of a call. A dead server is detected within 50 s.
 */
public final class AudioWriterClient implements AutoCloseable {
    private final Connection connection;
    private final AudioWriterServiceGrpc.AudioWriterServiceBlockingStub blockingStub;
    private final Duration resumeTimeout;
    private final long spoolBytes;
    /** Null: the default of each sink. */
    private final Duration buffer;

    private AudioWriterClient(Builder builder) {
        List<String> targets = builder.targets;
        String target = targets.size() == 1 ? targets.get(0) : TargetList.join(targets);
        this.connection = new Connection(target, builder.credentials, builder.token);
        this.blockingStub = connection.blockingStub();
        this.resumeTimeout = builder.resumeTimeout;
        this.spoolBytes = builder.spoolBytes;
        this.buffer = builder.buffer;
    }

    /**
     * Starts building a client.
     *
     * @param targets any single gRPC target, such as {@code localhost:50051} or {@code dns:///audio.example:443},
     *     or several of the form {@code host:port}
     * @return a builder
     */
    public static Builder builder(String... targets) {
        return new Builder(targets);
    }

    /**
     * Opens a stream. Returns before the server has checked the config: if it is invalid, a later call on the stream
     * fails.
     *
     * @param config the format of the PCM and of the file
     * @param sink the destination of the file; abandoned if the stream can't be opened
     * @return the stream, which must be closed
     * @throws AudioWriterException if no server can be reached
     * @throws IOException if the sink failed
     */
    public AudioWriterOutputStream openStream(StreamConfig config, AudioSink sink) throws IOException {
        EncodeStream stream = new EncodeStream(connection, config, sink, resumeTimeout, spoolBytes);
        Duration gathered = buffer == null ? PcmBuffer.defaultDuration(sink) : buffer;
        AudioWriterOutputStream out =
                new AudioWriterOutputStream(sink, stream, new PcmBuffer(config.getInput(), gathered));
        out.open();
        return out;
    }

    /**
     * Encodes all PCM that a source writes. If the source throws, the stream is cancelled and no file is left.
     *
     * @param config the format of the PCM and of the file
     * @param sink the destination of the file
     * @param pcm writes the PCM
     * @return the totals of the finished file
     * @throws TruncatedStreamException if the server ended the stream without its last message, or bytes are missing or
     *     wrong
     * @throws AudioWriterException if the stream failed
     * @throws IOException if the source or the sink failed
     */
    public Totals encodeStream(StreamConfig config, AudioSink sink, PcmSource pcm) throws IOException {
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
     * Encodes a whole file in one call, for short audio. The server limits the request and the response, by default to
     * 4 MiB. A call that a server refuses is sent to another one; a call whose connection breaks is not repeated.
     *
     * @param config the format of the PCM and of the file
     * @param pcm all samples, interleaved, little-endian
     * @return the file and its totals
     * @throws TruncatedStreamException if bytes are missing or wrong
     * @throws AudioWriterException if the call failed
     */
    public EncodeResponse encode(StreamConfig config, byte[] pcm) throws AudioWriterException {
        return encode(config, pcm, List.of());
    }

    /**
     * Like {@link #encode(StreamConfig, byte[])}, with markers.
     *
     * @param config the format of the PCM and of the file
     * @param pcm all samples, interleaved, little-endian
     * @param markers as for {@link AudioWriterOutputStream#describe}
     * @return the file and its totals
     * @throws TruncatedStreamException if bytes are missing or wrong
     * @throws AudioWriterException if the call failed
     */
    public EncodeResponse encode(StreamConfig config, byte[] pcm, List<Marker> markers) throws AudioWriterException {
        EncodeRequest request = EncodeRequest.newBuilder()
                .setConfig(config)
                .addAllMarkers(markers)
                .setPcm(UnsafeByteOperations.unsafeWrap(pcm)) // the call ends before the caller can reuse the array
                .build();
        EncodeResponse response = Retries.untilNotRefused(() -> blockingStub.encode(request));
        FileTotals totals = new FileTotals();
        totals.add(response.getFile());
        totals.check(response.getTotals(), ByteString.EMPTY);
        return response;
    }

    /**
     * Returns what a stream with a config would start with: the output with every default filled in, and the delay.
     *
     * @param config the format of the PCM and of the file
     * @return what {@link AudioWriterOutputStream#started} would return
     * @throws AudioWriterException if the call failed, as a stream would: an invalid config has all its violations
     */
    public StreamStarted resolveConfig(StreamConfig config) throws AudioWriterException {
        ResolveConfigRequest request = ResolveConfigRequest.newBuilder().setConfig(config).build();
        return Retries.untilNotRefused(() -> blockingStub.resolveConfig(request)).getStarted();
    }

    /**
     * Returns the formats of the server with their sample rates, channels and settings.
     *
     * @return one entry per format
     * @throws AudioWriterException if the call failed
     */
    public List<FormatInfo> listFormats() throws AudioWriterException {
        try {
            return blockingStub.listFormats(ListFormatsRequest.getDefaultInstance()).getFormatsList();
        } catch (StatusRuntimeException e) {
            throw AudioWriterException.of(e);
        }
    }

    /**
     * Returns the version and the limits of the server. With several servers, they are those of one of them.
     *
     * @return the version and the limits
     * @throws AudioWriterException if the call failed
     */
    public GetServerInfoResponse getServerInfo() throws AudioWriterException {
        try {
            return blockingStub.getServerInfo(GetServerInfoRequest.getDefaultInstance());
        } catch (StatusRuntimeException e) {
            throw AudioWriterException.of(e);
        }
    }

    /** Closes the connection. Streams that are still open fail with {@code UNAVAILABLE}. */
    @Override
    public void close() {
        connection.close();
    }

    /** Settings of a client. The default is TLS with the platform's certificates. */
    public static final class Builder {
        private final List<String> targets;
        private ChannelCredentials credentials = TlsChannelCredentials.create();
        private String token;
        private Duration resumeTimeout = StreamRetries.DEFAULT_RESUME_TIMEOUT;
        private long spoolBytes = Spool.DEFAULT_LIMIT_BYTES;
        private Duration buffer;

        private Builder(String... targets) {
            if (targets.length == 0) {
                throw new IllegalArgumentException("no target");
            }
            this.targets = List.of(targets);
        }

        /**
         * Uses neither encryption nor verification: for servers on this machine or in an encrypted network.
         *
         * @return this
         */
        public Builder plaintext() {
            return credentials(InsecureChannelCredentials.create());
        }

        /**
         * Sets how to encrypt and verify. For a certificate authority of one's own, for instance: {@code
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
         * Sets how long a stream looks for another server after it has lost its own one: the call ended with {@code
         * UNAVAILABLE}, was reset, or its connection is dead. The stream is sent again from its start; {@code write} only
         * blocks meanwhile. A file is written again. A sink that cannot be written again gets the bytes that follow those
         * that it has. If the new server encodes the audio to other bytes, Opus and AAC go on with its packets (but not in
         * M4A); in other formats the stream fails with the reason {@code RESUME_MISMATCH}. The deadline of the current
         * {@link io.grpc.Context} limits all of this.
         *
         * @param timeout the default is 60 s; zero: the failure is thrown at once
         * @return this
         * @throws IllegalArgumentException if the timeout is negative
         */
        public Builder resumeTimeout(Duration timeout) {
            if (timeout.isNegative()) {
                throw new IllegalArgumentException("resumeTimeout=" + timeout + ": expected zero or more");
            }
            this.resumeTimeout = timeout;
            return this;
        }

        /**
         * Sets how much PCM each stream keeps, so that it can be sent again: up to 4 MiB in memory, the rest in a temporary
         * file. A longer stream, or one whose temporary file cannot be written, goes on, but fails if its server is lost.
         *
         * @param bytes PCM, 8 bytes for each flush, and 24 for each position or change of channel; the default is 1 GiB;
         *     0: none
         * @return this
         * @throws IllegalArgumentException if the number is negative
         */
        public Builder spoolBytes(long bytes) {
            if (bytes < 0) {
                throw new IllegalArgumentException("spoolBytes=" + bytes + ": expected 0 or more");
            }
            this.spoolBytes = bytes;
            return this;
        }

        /**
         * Sets how much PCM each stream gathers for a message, at most 256 KiB. Long messages cost the server much less
         * than frames of 20 ms. {@code flush}, {@code flushEncoder} and {@code close} send the rest.
         *
         * @param duration the default is 1 s for a path and for a channel, because nobody listens to them meanwhile, and
         *     zero for other sinks; zero: arrays are sent at once
         * @return this
         * @throws IllegalArgumentException if the duration is negative
         */
        public Builder buffer(Duration duration) {
            if (duration.isNegative()) {
                throw new IllegalArgumentException("buffer=" + duration + ": expected zero or more");
            }
            this.buffer = duration;
            return this;
        }

        /**
         * Creates the client. Does not wait for a connection.
         *
         * @return the client, which must be closed
         */
        public AudioWriterClient build() {
            return new AudioWriterClient(this);
        }
    }
}
