package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.EncodeStreamResponse;
import io.audiowriter.v1.EncodedChunk;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamStarted;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Uses a server that breaks the contract on purpose, as the real one never does. */
@Timeout(60)
class TruncationTest {
    private static final ByteString BODY = ByteString.copyFromUtf8("body");
    private static final ByteString TRAILER = ByteString.copyFromUtf8("trailer");

    @TempDir
    Path folder;

    /** The responses that the server sends after the client's half-close, before it ends the call with OK. */
    private List<EncodeStreamResponse> responses;

    private boolean endsEarly;
    private Server server;
    private AudioWriterClient client;

    @BeforeEach
    void start() throws Exception {
        server = Grpc.newServerBuilderForPort(0, InsecureServerCredentials.create())
                .addService(new BrokenService())
                .build()
                .start();
        client = AudioWriterClient.builder("127.0.0.1:" + server.getPort()).plaintext().build();
    }

    @AfterEach
    void stop() throws Exception {
        client.close();
        server.shutdownNow().awaitTermination();
    }

    @Test
    void aCompleteFileIsAccepted() throws Exception {
        responses = List.of(chunk(0, BODY), finished(BODY.concat(TRAILER)));
        Path file = folder.resolve("file");
        stream(file);
        assertEquals("Bodytrailer", Files.readString(file));
    }

    @Test
    void aStreamWithoutItsLastMessageIsTruncated() {
        responses = List.of(chunk(0, BODY));
        assertTruncated("the last message is missing");
    }

    @Test
    void aGapBetweenChunksIsATruncation() {
        responses = List.of(chunk(0, BODY), chunk(5, BODY));
        assertTruncated("expected 4");
    }

    @Test
    void aWrongLengthIsATruncation() {
        responses = List.of(chunk(0, BODY), finished(BODY.concat(BODY).concat(TRAILER)));
        assertTruncated("11 bytes received, expected 15");
    }

    @Test
    void aWrongHashIsATruncation() {
        responses = List.of(chunk(0, BODY), finished(ByteString.copyFromUtf8("bodyTRAILER")));
        assertTruncated("SHA-256");
    }

    @Test
    void aChunkAfterTheLastMessageIsATruncation() {
        responses = List.of(chunk(0, BODY), finished(BODY.concat(TRAILER)), chunk(4, BODY));
        assertTruncated("15 bytes received, expected 11");
    }

    @Test
    void aServerThatEndsBeforeTheClientIsATruncation() {
        endsEarly = true;
        responses = List.of(chunk(0, BODY), finished(BODY.concat(TRAILER)));
        assertTruncated("before the client");
    }

    private void assertTruncated(String what) {
        Path file = folder.resolve("file");
        TruncatedStreamException e = assertThrows(TruncatedStreamException.class, () -> stream(file));
        assertEquals(Status.Code.DATA_LOSS, e.code());
        assertTrue(e.getMessage().contains(what), e.getMessage());
        assertFalse(Files.exists(file));
    }

    private void stream(Path file) throws Exception {
        client.encodeStream(Audio.config(AudioFormat.AUDIO_FORMAT_PCM), AudioSink.of(file), out -> {
            do {
                out.write(new byte[2]);
            } while (endsEarly);
        });
    }

    private static EncodeStreamResponse chunk(long offset, ByteString data) {
        return EncodeStreamResponse.newBuilder()
                .setChunk(EncodedChunk.newBuilder().setOffset(offset).setData(data))
                .build();
    }

    private static EncodeStreamResponse finished(ByteString file) {
        byte[] sha256;
        try {
            sha256 = MessageDigest.getInstance("SHA-256").digest(file.toByteArray());
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
        return EncodeStreamResponse.newBuilder()
                .setFinished(StreamFinished.newBuilder()
                        .setHeader(ByteString.copyFromUtf8("B"))
                        .setTrailer(TRAILER)
                        .setTotalBytes(file.size())
                        .setSha256(ByteString.copyFrom(sha256)))
                .build();
    }

    private final class BrokenService extends AudioWriterServiceGrpc.AudioWriterServiceImplBase {
        @Override
        public StreamObserver<EncodeStreamRequest> encodeStream(StreamObserver<EncodeStreamResponse> call) {
            return new StreamObserver<>() {
                private boolean ended;

                @Override
                public void onNext(EncodeStreamRequest request) {
                    if (request.hasConfig()) {
                        call.onNext(EncodeStreamResponse.newBuilder()
                                .setStarted(StreamStarted.getDefaultInstance())
                                .build());
                    }
                    if (endsEarly && !ended) {
                        onCompleted();
                    }
                }

                @Override
                public void onError(Throwable thrown) {}

                @Override
                public void onCompleted() {
                    ended = true;
                    responses.forEach(call::onNext);
                    call.onCompleted();
                }
            };
        }
    }
}
