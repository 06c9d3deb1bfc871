package io.audiowriter.client;

import io.grpc.Status;
import io.grpc.StatusRuntimeException;
import java.util.concurrent.TimeUnit;
import java.util.function.Supplier;

/** Repeats calls that a server refused. */
final class Retries {
    /**
     * Also used in gRPC's retry policy, whose default of 5 is too low. Streams that are opened at the same time on one
     * connection share its round robin, so each attempt of one stream may reach a full server by chance: with one of
     * two servers full, one in twenty streams failed after 4 attempts.
     */
    static final int MAX_ATTEMPTS = 10;

    private Retries() {}

    /**
     * Repeats a call until a server does not refuse it, at most {@link #MAX_ATTEMPTS} times. Unlike gRPC's retry policy
     * it does not repeat a call whose connection broke: this request may have crashed the server, and must not crash
     * the next one.
     */
    static <T> T untilNotRefused(Supplier<T> call) throws AudioWriterException {
        Backoff backoff = Backoff.afterRefusal();
        for (int attempt = 1; ; attempt++) {
            try {
                return call.get();
            } catch (StatusRuntimeException e) {
                AudioWriterException failure = AudioWriterException.of(e);
                boolean refused = failure.code() == Status.Code.UNAVAILABLE && failure.retryAfter().isPresent();
                if ((!refused && !isTooLate(failure)) || attempt == MAX_ATTEMPTS) {
                    throw failure;
                }
            }
            sleep(backoff.nextNanos());
        }
    }

    /**
     * Whether the call arrived while its server was stopping: after the drain, and before the client knew of its end. The
     * server's gRPC answers such a call itself, with the code as the text. What a client cancels has another text.
     */
    static boolean isTooLate(AudioWriterException failure) {
        return failure.code() == Status.Code.CANCELLED
                && failure.reason().isEmpty()
                && failure.getMessage().equals("CANCELLED: CANCELLED");
    }

    private static void sleep(long nanos) throws AudioWriterException {
        try {
            TimeUnit.NANOSECONDS.sleep(nanos);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            throw AudioWriterException.of(Status.CANCELLED
                    .withDescription("interrupted while waiting for another attempt")
                    .withCause(e)
                    .asRuntimeException());
        }
    }
}
