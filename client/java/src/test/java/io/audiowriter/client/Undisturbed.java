package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.EncodeStreamResponse;
import io.audiowriter.v1.Flush;
import io.audiowriter.v1.ResumePoint;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamFinished;
import io.grpc.Grpc;
import io.grpc.InsecureChannelCredentials;
import io.grpc.ManagedChannel;
import io.grpc.stub.StreamObserver;
import java.util.Arrays;
import java.util.concurrent.CompletableFuture;

/** What a stream receives from one server from its start to its end, without this client. */
record Undisturbed(ByteString live, ByteString header) {
    private static final int MESSAGE_BYTES = 256 * 1024;

    /** Encodes PCM with a serial, and with flushes at positions in bytes. */
    static Undisturbed encode(TestServer server, StreamConfig config, int serial, byte[] pcm, int... flushes)
            throws Exception {
        ManagedChannel channel =
                Grpc.newChannelBuilder(server.target(), InsecureChannelCredentials.create()).build();
        try {
            Receiver receiver = new Receiver();
            StreamObserver<EncodeStreamRequest> requests =
                    AudioWriterServiceGrpc.newStub(channel).encodeStream(receiver);
            requests.onNext(EncodeStreamRequest.newBuilder()
                    .setConfig(config)
                    .setResume(ResumePoint.newBuilder().setSerial(serial))
                    .build());
            int sent = 0;
            int next = 0;
            while (sent < pcm.length) {
                int flush = next < flushes.length ? flushes[next] : pcm.length;
                int end = Math.min(sent + MESSAGE_BYTES, flush);
                EncodeStreamRequest.Builder request =
                        EncodeStreamRequest.newBuilder().setPcm(ByteString.copyFrom(Arrays.copyOfRange(pcm, sent, end)));
                if (next < flushes.length && end == flush) {
                    request.setFlush(Flush.getDefaultInstance());
                    next++;
                }
                requests.onNext(request.build());
                sent = end;
            }
            requests.onCompleted();
            return receiver.result.get();
        } finally {
            channel.shutdownNow();
        }
    }

    /** The file with its final header in place. */
    ByteString file() {
        return header.concat(live.substring(header.size()));
    }

    /** Compares with what a sink has received: a file, or the bytes of a listener. */
    void assertSame(byte[] received, AudioWriterOutputStream out, boolean isFile) {
        assertEquals(header, out.header());
        assertEquals(isFile ? file() : live, ByteString.copyFrom(received));
    }

    private static final class Receiver implements StreamObserver<EncodeStreamResponse> {
        private final CompletableFuture<Undisturbed> result = new CompletableFuture<>();
        private ByteString live = ByteString.EMPTY;
        private StreamFinished finished;

        @Override
        public void onNext(EncodeStreamResponse response) {
            live = live.concat(response.getChunk().getData());
            if (response.hasFinished()) {
                finished = response.getFinished();
                live = live.concat(finished.getTrailer());
            }
        }

        @Override
        public void onError(Throwable thrown) {
            result.completeExceptionally(thrown);
        }

        @Override
        public void onCompleted() {
            result.complete(new Undisturbed(live, finished.getHeader()));
        }
    }
}
