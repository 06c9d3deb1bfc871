package io.audiowriter.client;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.EncodeStreamResponse;
import io.audiowriter.v1.ResumePoint;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamFlushed;
import io.audiowriter.v1.StreamStarted;
import io.grpc.Context;
import io.grpc.Status;
import java.io.IOException;
import java.time.Duration;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;

/**
 * One stream, in one call after another until the file is complete. gRPC's thread passes responses to the sink, even
 * while the writer of the PCM is blocked in sending; the writer's thread sends and waits. After the loss of a server,
 * gRPC's thread sends everything again to another one, and the writer waits for that, too.
 */
final class EncodeStream {
    private final Connection connection;
    private final StreamConfig config;
    private final ReceivedFile file;
    private final Spool spool;
    private final StreamRetries retries;
    private final Context context = Context.current();
    /** Guards the fields below, and the call. */
    private final Monitor monitor = new Monitor();
    /** The current call; null between two of them. */
    private EncodeCall call;
    /** True when a call has had a connection. */
    private boolean connected;

    private final Flushes flushes = new Flushes();
    /** True after the last PCM. */
    private boolean ending;
    /** Creates a new exception for each throw: one that is thrown twice could be added to itself as suppressed. */
    private volatile Supplier<IOException> failure;
    /** True after gRPC's last callback of the last call. */
    private boolean ended;

    EncodeStream(Connection connection, StreamConfig config, AudioSink sink, Duration resumeTimeout, long spoolBytes) {
        this.connection = connection;
        this.config = config;
        this.file = new ReceivedFile(sink);
        this.spool = new Spool(resumeTimeout.isZero() ? 0 : spoolBytes);
        this.retries = new StreamRetries(connection, file, spool, resumeTimeout);
    }

    /** Starts the first call, and waits for a connection. Then it returns even if the config is refused at once. */
    void open() throws IOException {
        monitor.locked(() -> {
            startCall(null);
            while (!connected && failure == null) {
                monitor.awaitChange(this::cancel);
            }
            if (!connected) {
                throw failure.get();
            }
            return call;
        });
    }

    /**
     * Takes the PCM and sends it when there is room. Only the config is sent before a server has accepted the stream, so
     * that a proxy that sends a refused stream again has no PCM to buffer.
     */
    void send(PcmBuffer pcm) throws IOException {
        monitor.locked(() -> sendWhenReady(pcm::take));
    }

    /** Sends a flush and waits for its answer. */
    StreamFlushed flush() throws IOException {
        return monitor.locked(() -> {
            sendWhenReady(() -> new Spool.Piece(ByteString.EMPTY, true, Place.FOLLOWS));
            int number = flushes.ask();
            await(() -> flushes.isAnswered(number));
            return flushes.latest();
        });
    }

    /** Sends what describes the audio as soon as there is room, in this call and in each later one. */
    void describe(EncodeStreamRequest request) throws IOException {
        check();
        monitor.update(() -> spool.describe(request));
        sendRest();
    }

    String markersWebVtt(long samples) {
        return WebVtt.of(spool.markers(), config.getInput().getSampleRateHz(), samples);
    }

    private EncodeCall sendWhenReady(Supplier<Spool.Piece> next) throws IOException {
        await(() -> !ended && call != null && call.isAccepted() && !spool.isBehind() && call.isReady());
        Spool.Piece piece = next.get();
        spool.add(piece);
        call.send(EncodeCall.request(piece));
        return call;
    }

    StreamStarted started() throws IOException {
        return monitor.locked(() -> {
            await(() -> file.started() != null);
            return file.started();
        });
    }

    /** Half-closes and waits until the file is complete and verified. */
    StreamFinished finish() throws IOException {
        monitor.update(() -> ending = true);
        sendRest();
        return monitor.locked(() -> {
            await(() -> ended);
            return file.finished();
        });
    }

    /** Ends the stream, unless it has ended. */
    void cancel() {
        Status status = Status.CANCELLED.withDescription("cancelled by the caller");
        abort(() -> AudioWriterException.of(status.asRuntimeException()), null);
    }

    /** Waits until gRPC's thread no longer uses the sink, which is soon after a failure or a cancel. */
    void awaitEnd() throws IOException {
        monitor.locked(() -> {
            while (!ended) {
                monitor.awaitChangeUninterruptibly();
            }
            return ended;
        });
    }

    /**
     * Takes a response of a call. The sink is written without the lock.
     *
     * @return whether the next response may follow
     */
    boolean receive(EncodeCall from, EncodeStreamResponse response) {
        try {
            switch (response.getEventCase()) {
                case STARTED -> accept(from, response.getStarted());
                case CHUNK -> file.append(response.getChunk());
                case FLUSHED -> monitor.update(() -> flushes.answer(from.countAnswer(), response.getFlushed()));
                case FINISHED -> file.finish(response.getFinished());
                case EVENT_NOT_SET -> {} // an event of a newer server
            }
            return true;
        } catch (TruncatedStreamException e) {
            abort(() -> new TruncatedStreamException(e), e);
        } catch (IOException | RuntimeException e) {
            abort(() -> new IOException("the sink failed: " + e.getMessage(), e), e);
        }
        return false;
    }

    private void accept(EncodeCall from, StreamStarted started) {
        monitor.update(() -> {
            if (from.accept(started)) {
                file.start(started);
            } else {
                abort(StreamRetries::tooOld, null);
            }
        });
        sendRest();
    }

    /** Called by gRPC when a call failed. */
    void onError(EncodeCall from, Throwable thrown) {
        AudioWriterException error = AudioWriterException.of(thrown);
        monitor.update(() -> {
            if (failure != null) {
                end();
            } else if (retries.isComplete(error)) {
                complete(from);
            } else {
                goOn(thrown, retries.next(error, from));
            }
        });
    }

    /** Makes another attempt; null: the call was the last one. */
    private void goOn(Throwable thrown, StreamRetries.Attempt attempt) {
        if (attempt == null) {
            fail(() -> AudioWriterException.of(thrown, retries.explanation()));
            end();
            return;
        }
        call = null;
        spool.rewind();
        connection.reconnectAndRun(attempt.delayNanos(), () -> monitor.update(() -> {
            if (!ended) {
                startCall(attempt.resume());
            }
        }));
    }

    /** Called by gRPC when a call ended with OK. */
    void onCompleted(EncodeCall from) {
        monitor.update(() -> complete(from));
    }

    private void complete(EncodeCall from) {
        try {
            file.check(from.isHalfClosed());
        } catch (TruncatedStreamException e) {
            fail(() -> new TruncatedStreamException(e));
        }
        end();
    }

    private void startCall(ResumePoint resume) {
        call = new EncodeCall(this, resume);
        context.run(() -> connection.encodeStream(call));
        call.sendConfig(config);
    }

    /** Called by gRPC when there is a connection, and when it has room again. */
    void onReady() {
        monitor.update(() -> connected = true);
        sendRest();
    }

    /**
     * Sends what another call had sent, and then the end of the PCM, as far as the transport has room. Does not hold the
     * lock all the time, so that the stream can be cancelled.
     */
    private void sendRest() {
        try {
            while (monitor.locked(this::sendPiece)) {}
            monitor.update(() -> {});
        } catch (IOException e) {
            abort(() -> new IOException("the PCM cannot be sent again: " + e.getMessage(), e), e);
        }
    }

    /** Returns whether there may be more to send. */
    private boolean sendPiece() throws IOException {
        if (ended || failure != null || call == null || !call.isAccepted()) {
            return false;
        }
        boolean more = spool.isBehind() && call.isReady();
        if (more) {
            call.send(spool.take(PcmBuffer.MAX_MESSAGE_BYTES));
        } else if (ending && !spool.isBehind()) {
            call.halfClose();
        }
        return more;
    }

    private void await(BooleanSupplier condition) throws IOException {
        for (check(); !condition.getAsBoolean(); check()) {
            if (ended) {
                throw new IOException("the stream is closed");
            }
            monitor.awaitChange(this::cancel);
        }
    }

    /** Throws the failure of the stream, if it has failed. Needs no lock. */
    void check() throws IOException {
        if (failure != null) {
            throw failure.get();
        }
    }

    private void abort(Supplier<IOException> failure, Throwable cause) {
        monitor.update(() -> {
            if (!ended) {
                fail(failure);
                if (call == null) {
                    end();
                } else {
                    call.cancel(cause);
                }
            }
        });
    }

    /** Keeps the first failure, because it causes all later ones, and how far the listener got until then. */
    private void fail(Supplier<IOException> failure) {
        if (this.failure == null) {
            long bytes = file.length();
            long samples = file.inputSamples();
            this.failure = () -> {
                IOException exception = failure.get();
                return exception instanceof AudioWriterException e ? e.after(bytes, samples) : exception;
            };
        }
    }

    private void end() {
        ended = true;
        spool.close();
    }
}
