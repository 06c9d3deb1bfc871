package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnknownFieldSet;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.EncodeRequest;
import io.audiowriter.v1.EncodeResponse;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.EncodeStreamResponse;
import io.audiowriter.v1.EncodedChunk;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamStarted;
import io.audiowriter.v1.Totals;
import io.grpc.Grpc;
import io.grpc.InsecureServerCredentials;
import io.grpc.Server;
import io.grpc.Status;
import io.grpc.stub.StreamObserver;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Uses a server that breaks the contract on purpose, as the real one never does. */
@Timeout(60)
class TruncationTest {
    private static final ByteString HEADER = ByteString.copyFromUtf8("B");
    private static final ByteString BODY = ByteString.copyFromUtf8("body");
    private static final ByteString TRAILER = ByteString.copyFromUtf8("trailer");

    @TempDir
    Path folder;

    /** The responses that the server sends after the client's half-close, before it ends the call with OK. */
    private List<EncodeStreamResponse> responses;

    private boolean endsEarly;
    private EncodeResponse whole;
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
    void aHeaderReplacesBytesOfTheTrailerIfThereIsNoChunk() throws Exception {
        responses = List.of(finished(TRAILER));
        Path file = folder.resolve("file");
        stream(file);
        assertEquals("Brailer", Files.readString(file));
    }

    @Test
    void anUnknownEventIsIgnored() throws Exception {
        UnknownFieldSet.Field event =
                UnknownFieldSet.Field.newBuilder().addLengthDelimited(BODY).build();
        EncodeStreamResponse unknown = EncodeStreamResponse.newBuilder()
                .setUnknownFields(UnknownFieldSet.newBuilder().addField(999, event).build())
                .build();
        responses = List.of(unknown, chunk(0, BODY), finished(BODY.concat(TRAILER)));
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
    void aWrongCrcIsATruncation() {
        Totals totals = totals(BODY.concat(TRAILER)).toBuilder().setFileCrc32C(1).build();
        responses = List.of(chunk(0, BODY), finished(HEADER, totals));
        assertTruncated("CRC-32C");
    }

    /** Its bytes are not known, so the CRC of the file could not be verified. */
    @Test
    void aHeaderLongerThanTheFirstChunkIsATruncation() {
        ByteString sent = BODY.concat(BODY).concat(TRAILER);
        responses = List.of(chunk(0, BODY), chunk(4, BODY), finished(BODY.concat(HEADER), totals(sent)));
        assertTruncated("the header has 5 bytes, but the first chunk has 4");
    }

    @Test
    void theUnaryCallVerifiesLengthAndBothChecksums() {
        StreamConfig config = Audio.config(AudioFormat.AUDIO_FORMAT_PCM);
        Totals right = TestTotals.of(BODY, BODY);
        for (Totals wrong : List.of(
                right.toBuilder().setFileBytes(5).build(),
                right.toBuilder().setSentSha256(TRAILER).build(),
                right.toBuilder().setFileCrc32C(1).build())) {
            whole = EncodeResponse.newBuilder().setFile(BODY).setTotals(wrong).build();
            assertThrows(TruncatedStreamException.class, () -> client.encode(config, new byte[2]));
        }
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

    private static EncodeStreamResponse finished(ByteString sent) {
        return finished(HEADER, totals(sent));
    }

    private static EncodeStreamResponse finished(ByteString header, Totals totals) {
        return EncodeStreamResponse.newBuilder()
                .setFinished(StreamFinished.newBuilder()
                        .setHeader(header)
                        .setTrailer(TRAILER)
                        .setTotals(totals))
                .build();
    }

    private static Totals totals(ByteString sent) {
        return TestTotals.of(sent, HEADER.concat(sent.substring(HEADER.size())));
    }

    private final class BrokenService extends AudioWriterServiceGrpc.AudioWriterServiceImplBase {
        @Override
        public void encode(EncodeRequest request, StreamObserver<EncodeResponse> call) {
            call.onNext(whole);
            call.onCompleted();
        }

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
