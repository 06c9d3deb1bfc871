package io.audiowriter.client;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.EncodeStreamResponse;
import io.audiowriter.v1.EncodedChunk;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamFlushed;
import io.audiowriter.v1.StreamStarted;
import io.audiowriter.v1.Totals;
import io.grpc.StatusRuntimeException;
import io.grpc.stub.StreamObserver;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Returns the PCM as the file, one chunk per message, and ends its calls with the errors of the test. */
class FailingService extends AudioWriterServiceGrpc.AudioWriterServiceImplBase {
    static final int SERIAL = 7;

    /** The messages of each call. */
    final List<List<EncodeStreamRequest>> calls = Collections.synchronizedList(new ArrayList<>());

    final List<Long> startedAt = Collections.synchronizedList(new ArrayList<>());

    /** Returns the error that ends a call after this many of its messages, or null. The call is 0 for the first. */
    StatusRuntimeException errorAfter(int call, int messages) {
        return null;
    }

    /** Returns the error that ends a call after its last response, or null. */
    StatusRuntimeException errorAtTheEnd(int call) {
        return null;
    }

    /** Returns the serial for a call with this first message. */
    int serial(EncodeStreamRequest first) {
        return first.getResume().getSerial() != 0 ? first.getResume().getSerial() : SERIAL;
    }

    /** Returns the totals for a call with this first message. */
    Totals totals(EncodeStreamRequest first, ByteString file) {
        return TestTotals.of(file, file);
    }

    @Override
    public StreamObserver<EncodeStreamRequest> encodeStream(StreamObserver<EncodeStreamResponse> responses) {
        List<EncodeStreamRequest> requests = Collections.synchronizedList(new ArrayList<>());
        int number = calls.size();
        calls.add(requests);
        startedAt.add(System.nanoTime());
        return new StreamObserver<>() {
            private ByteString file = ByteString.EMPTY;
            private long sent;
            private boolean ended;

            @Override
            public void onNext(EncodeStreamRequest request) {
                if (ended) {
                    return;
                }
                requests.add(request);
                if (request.hasConfig()) {
                    sent = request.getResume().getOffset();
                    StreamStarted.Builder started = StreamStarted.newBuilder().setSerial(serial(request));
                    responses.onNext(EncodeStreamResponse.newBuilder().setStarted(started).build());
                }
                file = file.concat(request.getPcm());
                if (file.size() > sent) {
                    EncodedChunk.Builder chunk = EncodedChunk.newBuilder()
                            .setData(file.substring((int) sent))
                            .setOffset(sent)
                            .setInputSamples(file.size() / 2)
                            .setOutputSamples(file.size() / 4);
                    responses.onNext(EncodeStreamResponse.newBuilder().setChunk(chunk).build());
                    sent = file.size();
                }
                if (request.hasFlush()) {
                    StreamFlushed.Builder flushed = StreamFlushed.newBuilder().setOffset(file.size());
                    responses.onNext(EncodeStreamResponse.newBuilder().setFlushed(flushed).build());
                }
                fail(errorAfter(number, requests.size()));
            }

            private void fail(StatusRuntimeException error) {
                if (error != null) {
                    ended = true;
                    responses.onError(error);
                }
            }

            @Override
            public void onError(Throwable thrown) {}

            @Override
            public void onCompleted() {
                if (ended) {
                    return;
                }
                Totals totals = totals(requests.get(0), file);
                StreamFinished.Builder finished = StreamFinished.newBuilder().setTotals(totals);
                responses.onNext(EncodeStreamResponse.newBuilder().setFinished(finished).build());
                fail(errorAtTheEnd(number));
                if (!ended) {
                    responses.onCompleted();
                }
            }
        };
    }
}
