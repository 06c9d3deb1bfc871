package io.audiowriter.client;

import com.google.protobuf.Any;
import com.google.rpc.ErrorInfo;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.ResumePoint;
import io.grpc.Context;
import io.grpc.Deadline;
import io.grpc.Status;
import java.time.Duration;
import java.util.Set;
import java.util.concurrent.ThreadLocalRandom;
import java.util.concurrent.TimeUnit;

/**
 * Decides whether a stream goes on after a call that failed, and after which delay. Before a server has accepted the
 * stream there are ten attempts, as for every call. After that the stream is resumed: it is sent again from its start,
 * until the resume timeout has passed.
 */
final class StreamRetries {
    /** A supervisor restarts a worker within a second, and a cluster replaces a server within a minute. */
    static final Duration DEFAULT_RESUME_TIMEOUT = Duration.ofSeconds(60);

    /**
     * Servers that may be lost in a row without any progress of the stream, because it may be the stream that crashes
     * them.
     */
    private static final int MAX_LOSSES = 5;

    /** After this time a server counts as progress, even if there was nothing to encode. */
    private static final long STABLE_NANOS = TimeUnit.SECONDS.toNanos(5);

    private static final Set<Status.Code> RESET_CODES =
            Set.of(Status.Code.INTERNAL, Status.Code.CANCELLED, Status.Code.UNKNOWN);

    private static final String TOO_OLD = "the server is too old to go on in the middle of a file";

    private final Connection connection;
    private final ReceivedFile file;
    private final Spool spool;
    private final Duration resumeTimeout;
    private final Deadline deadline = Context.current().getDeadline();
    private Backoff backoff = Backoff.afterRefusal();
    private int attempts = 1;
    private boolean resumed;
    private long outageSince;
    private int losses;
    private long furthest;
    private String explanation = "";

    /** What to do after a call that failed: wait, and then send everything again, beginning with {@code resume}. */
    record Attempt(long delayNanos, ResumePoint resume) {}

    /** @param resumeTimeout zero: the stream is not resumed */
    StreamRetries(Connection connection, ReceivedFile file, Spool spool, Duration resumeTimeout) {
        this.connection = connection;
        this.file = file;
        this.spool = spool;
        this.resumeTimeout = resumeTimeout;
    }

    /** Whether the file had arrived when the call broke, so that only its status is missing. */
    boolean isComplete(AudioWriterException failure) {
        return file.finished() != null && isBroken(failure);
    }

    /** Why a stream whose call broke is not resumed; may be empty. */
    String explanation() {
        return explanation;
    }

    /** Returns the next attempt, for which the sink is prepared, or null: the failure is final. */
    Attempt next(AudioWriterException failure, EncodeCall call) {
        if (connection.isClosed()) {
            return null;
        }
        if (file.started() == null) {
            boolean refused = failure.code() == Status.Code.UNAVAILABLE || Retries.isTooLate(failure);
            boolean again = refused && attempts++ < Retries.MAX_ATTEMPTS;
            long delay = backoff.nextNanos();
            return again && allows(delay) ? new Attempt(delay, null) : null;
        }
        return resumeTimeout.isZero() || !isBroken(failure) ? null : resume(failure, call);
    }

    private Attempt resume(AudioWriterException failure, EncodeCall call) {
        long now = System.nanoTime();
        boolean progress = file.length() > furthest || call.acceptedNanos() >= STABLE_NANOS;
        if (progress || !resumed) {
            resumed = true;
            outageSince = now;
            losses = 0;
            backoff = Backoff.afterLoss();
        }
        furthest = Math.max(furthest, file.length());
        losses += call.isAccepted() ? 1 : 0;
        long delay = Math.max(backoff.nextNanos(), askedNanos(failure));
        if (losses > MAX_LOSSES) {
            explanation = "not resumed: " + losses + " servers were lost in a row while they encoded this stream";
        } else if (now - outageSince + delay >= TimeUnit.NANOSECONDS.convert(resumeTimeout)) {
            explanation = "not resumed within resumeTimeout=" + resumeTimeout;
        } else if (!spool.isComplete()) {
            explanation = "not resumed: the spool is off, the PCM and the flushes have exceeded spoolBytes, or the"
                    + " temporary file failed";
        } else if (allows(delay)) {
            ResumePoint point = file.resume();
            if (point != null) {
                return new Attempt(delay, point);
            }
            explanation = "not resumed: " + TOO_OLD;
        }
        return null;
    }

    /** The failure of a stream that goes on in the middle of its file, at a server that ignores this. */
    static AudioWriterException tooOld() {
        ErrorInfo info = ErrorInfo.newBuilder()
                .setReason("RESUME_MISMATCH")
                .setDomain(AudioWriterServiceGrpc.SERVICE_NAME)
                .build();
        return new AudioWriterException(
                Status.ABORTED.withDescription(TOO_OLD),
                com.google.rpc.Status.newBuilder().addDetails(Any.pack(info)).build());
    }

    /** The delay that a server has asked for, with jitter, because it asks all callers for the same. */
    private static long askedNanos(AudioWriterException failure) {
        long nanos = TimeUnit.NANOSECONDS.convert(failure.retryAfter().orElse(Duration.ZERO));
        return (long) (nanos * ThreadLocalRandom.current().nextDouble(1, 1.5));
    }

    /** Whether the caller's deadline leaves time for another attempt. */
    private boolean allows(long delayNanos) {
        return deadline == null || deadline.timeRemaining(TimeUnit.NANOSECONDS) > delayNanos;
    }

    /**
     * Whether the server or the connection was lost, or the server gives the stream away, so that another may take it. A
     * proxy that has sent headers can only reset a stream whose server it has lost: gRPC reports that with one of several
     * codes, and without details.
     */
    private static boolean isBroken(AudioWriterException failure) {
        if (failure.code() == Status.Code.UNAVAILABLE || Retries.isTooLate(failure)) {
            return true;
        }
        return failure.reason().isEmpty()
                && RESET_CODES.contains(failure.code())
                && failure.getMessage().contains("RST_STREAM");
    }
}
