package io.audiowriter.client;

import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.EncodeStreamResponse;
import io.audiowriter.v1.EncodedChunk;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamFlushed;
import io.audiowriter.v1.StreamStarted;
import io.grpc.Status;
import io.grpc.stub.ClientCallStreamObserver;
import io.grpc.stub.ClientResponseObserver;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * One EncodeStream call. gRPC's thread passes responses to the sink, even while the writer of the PCM is blocked in
 * sending; the writer's thread sends and waits. Flow control limits both directions: a message is sent only when
 * the transport has room, and the next one is requested only after the sink has accepted the previous one.
 */
final class EncodeCall implements ClientResponseObserver<EncodeStreamRequest, EncodeStreamResponse> {
    private final AudioSink sink;
    private final FileTotals totals = new FileTotals();
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();
    private ClientCallStreamObserver<EncodeStreamRequest> requests;
    private StreamStarted started;
    private StreamFlushed flushed;
    private StreamFinished finished;
    /** Creates a new exception for each throw: one that is thrown twice could be added to itself as suppressed. */
    private Supplier<IOException> failure;
    /** True after gRPC's last callback. */
    private boolean ended;

    EncodeCall(AudioSink sink) {
        this.sink = sink;
    }

    @Override
    public void beforeStart(ClientCallStreamObserver<EncodeStreamRequest> requests) {
        this.requests = requests;
        requests.disableAutoRequestWithInitial(1);
        requests.setOnReadyHandler(() -> update(() -> {}));
    }

    @Override
    public void onNext(EncodeStreamResponse response) {
        try {
            switch (response.getEventCase()) {
                case STARTED -> update(() -> started = response.getStarted());
                case CHUNK -> append(response.getChunk());
                case FLUSHED -> update(() -> flushed = response.getFlushed());
                case FINISHED -> update(() -> finished = response.getFinished());
                case EVENT_NOT_SET -> {} // an event of a newer server
            }
            requests.request(1);
        } catch (TruncatedStreamException e) {
            abort(() -> new TruncatedStreamException(e), e);
        } catch (IOException | RuntimeException e) {
            abort(() -> new IOException("the sink failed: " + e.getMessage(), e), e);
        }
    }

    @Override
    public void onError(Throwable thrown) {
        update(() -> {
            fail(() -> AudioWriterException.of(thrown));
            ended = true;
        });
    }

    @Override
    public void onCompleted() {
        update(() -> {
            try {
                if (finished == null) {
                    throw new TruncatedStreamException("the last message is missing after byte " + totals.length());
                }
                totals.add(finished.getTrailer());
                totals.check(finished.getTotals(), finished.getHeader());
            } catch (TruncatedStreamException e) {
                fail(() -> new TruncatedStreamException(e));
            }
            ended = true;
        });
    }

    /**
     * Sends when there is room. Only the config is sent before a server has accepted the stream, so that gRPC or a
     * proxy that sends a refused stream again has no PCM to buffer.
     */
    void send(EncodeStreamRequest request) throws IOException {
        lock.lock();
        try {
            await(() -> !ended && requests.isReady() && (request.hasConfig() || started != null));
            requests.onNext(request);
        } finally {
            lock.unlock();
        }
    }

    /** Sends a request with {@code flush} and waits for its answer. */
    StreamFlushed flush(EncodeStreamRequest request) throws IOException {
        lock.lock();
        try {
            flushed = null;
            send(request);
            await(() -> flushed != null);
            return flushed;
        } finally {
            lock.unlock();
        }
    }

    StreamStarted started() throws IOException {
        lock.lock();
        try {
            await(() -> started != null);
            return started;
        } finally {
            lock.unlock();
        }
    }

    /** Half-closes and waits until the file is complete and verified. */
    StreamFinished finish() throws IOException {
        lock.lock();
        try {
            await(() -> !ended && started != null);
            requests.onCompleted();
            await(() -> ended);
            return finished;
        } finally {
            lock.unlock();
        }
    }

    /** Ends the call, unless it has ended. */
    void cancel() {
        Status status = Status.CANCELLED.withDescription("cancelled by the caller");
        abort(() -> AudioWriterException.of(status.asRuntimeException()), null);
    }

    /** Waits until gRPC's thread no longer uses the sink, which is soon after a failure or a cancel. */
    void awaitEnd() {
        lock.lock();
        try {
            while (!ended) {
                changed.awaitUninterruptibly();
            }
        } finally {
            lock.unlock();
        }
    }

    private void append(EncodedChunk chunk) throws IOException {
        if (chunk.getOffset() != totals.length()) {
            throw new TruncatedStreamException(
                    "chunk at byte " + chunk.getOffset() + ", expected " + totals.length());
        }
        totals.add(chunk.getData());
        sink.append(chunk.getData().asReadOnlyByteBuffer());
    }

    private void await(BooleanSupplier condition) throws IOException {
        while (true) {
            if (failure != null) {
                throw failure.get();
            }
            if (condition.getAsBoolean()) {
                return;
            }
            if (ended) {
                throw new TruncatedStreamException("the server ended the stream before the client did");
            }
            try {
                changed.await();
            } catch (InterruptedException e) {
                cancel();
                Thread.currentThread().interrupt();
                throw new InterruptedIOException("interrupted while waiting for the server");
            }
        }
    }

    private void abort(Supplier<IOException> failure, Throwable cause) {
        update(() -> {
            if (!ended) {
                fail(failure);
                requests.cancel("cancelled by the client", cause);
            }
        });
    }

    /** Keeps the first failure, because it causes all later ones. */
    private void fail(Supplier<IOException> failure) {
        if (this.failure == null) {
            this.failure = failure;
        }
    }

    private void update(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }
}
