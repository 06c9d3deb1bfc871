package io.audiowriter.client;

import com.google.protobuf.Any;
import com.google.protobuf.InvalidProtocolBufferException;
import com.google.protobuf.Message;
import com.google.rpc.BadRequest;
import com.google.rpc.ErrorInfo;
import com.google.rpc.RetryInfo;
import io.grpc.Status;
import io.grpc.protobuf.StatusProto;
import java.io.IOException;
import java.nio.channels.ClosedChannelException;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A failed call: the server refused or ended it, the connection was lost, or it was cancelled. */
public class AudioWriterException extends IOException {
    private static final long serialVersionUID = 1;

    /** The gRPC status code. */
    private final Status.Code code;

    /** The invalid fields; empty if the server named none. */
    private final BadRequest badRequest;

    /** The server's reason; empty if it sent none. */
    private final ErrorInfo errorInfo;

    /** How long to wait before a retry; null if the server did not say. */
    private final Duration retryAfter;

    /** Bytes of the file that the sink has received. */
    private long bytesReceived;

    /** Samples per channel that the server had received when it sent the last of these bytes. */
    private long inputSamples;

    AudioWriterException(Status status, com.google.rpc.Status details) {
        super(describe(status), status.getCause());
        this.code = status.getCode();
        this.badRequest = find(details, BadRequest.class).orElse(BadRequest.getDefaultInstance());
        this.errorInfo = find(details, ErrorInfo.class).orElse(ErrorInfo.getDefaultInstance());
        this.retryAfter = find(details, RetryInfo.class)
                .map(RetryInfo::getRetryDelay)
                .map(delay -> Duration.ofSeconds(delay.getSeconds(), delay.getNanos()))
                .orElse(null);
    }

    /** Copies an exception to throw it again, with a new stack trace and the original as its cause. */
    AudioWriterException(AudioWriterException original) {
        super(original.getMessage(), original);
        this.code = original.code;
        this.badRequest = original.badRequest;
        this.errorInfo = original.errorInfo;
        this.retryAfter = original.retryAfter;
        this.bytesReceived = original.bytesReceived;
        this.inputSamples = original.inputSamples;
    }

    /** Converts an exception of gRPC, including the details in the server's trailers. */
    static AudioWriterException of(Throwable thrown) {
        return of(thrown, "");
    }

    /** Converts an exception of gRPC, and adds an explanation to its message unless that is empty. */
    static AudioWriterException of(Throwable thrown, String explanation) {
        com.google.rpc.Status details = StatusProto.fromThrowable(thrown);
        Status status = Status.fromThrowable(thrown);
        if (status.getCode() == Status.Code.UNKNOWN && status.getCause() instanceof ClosedChannelException) {
            // The connection broke just before a message was sent, and gRPC has forgotten why.
            status = Status.UNAVAILABLE.withDescription(status.getDescription());
        }
        status = status.withCause(thrown);
        if (!explanation.isEmpty()) {
            status = status.withDescription(
                    status.getDescription() == null ? explanation : status.getDescription() + "; " + explanation);
        }
        return new AudioWriterException(
                status, details == null ? com.google.rpc.Status.getDefaultInstance() : details);
    }

    /** Sets how far the listener got, and returns this. */
    AudioWriterException after(long bytesReceived, long inputSamples) {
        this.bytesReceived = bytesReceived;
        this.inputSamples = inputSamples;
        return this;
    }

    private static <T extends Message> Optional<T> find(com.google.rpc.Status details, Class<T> kind) {
        for (Any detail : details.getDetailsList()) {
            if (detail.is(kind)) {
                try {
                    return Optional.of(detail.unpack(kind));
                } catch (InvalidProtocolBufferException e) {
                    return Optional.empty(); // the status is more useful than an error about its details
                }
            }
        }
        return Optional.empty();
    }

    private static String describe(Status status) {
        return status.getDescription() == null
                ? status.getCode().name()
                : status.getCode() + ": " + status.getDescription();
    }

    /**
     * The kind of failure, for instance {@code INVALID_ARGUMENT}, {@code RESOURCE_EXHAUSTED} or {@code UNAVAILABLE}.
     *
     * @return gRPC's status code
     */
    public Status.Code code() {
        return code;
    }

    /**
     * The fields that the server refused as invalid.
     *
     * @return one violation per invalid field; empty unless the code is {@code INVALID_ARGUMENT}
     */
    public List<BadRequest.FieldViolation> violations() {
        return badRequest.getFieldViolationsList();
    }

    /**
     * The server's reason in UPPER_SNAKE case, suitable for comparison. Branch on {@link #code} first: newer servers
     * have more reasons.
     *
     * @return the reason, which every error of the server has; empty for failures that did not come from the server
     */
    public Optional<String> reason() {
        return Optional.of(errorInfo.getReason()).filter(reason -> !reason.isEmpty());
    }

    /**
     * Further values that belong to the reason, for instance the limit that was exceeded and its value.
     *
     * @return names and values as the server sent them; empty if there is no reason
     */
    public Map<String, String> metadata() {
        return errorInfo.getMetadataMap();
    }

    /**
     * How long to wait before the call is sent again. Present only if a server refused the call without processing it,
     * because it was full or about to stop.
     *
     * @return the delay; empty if the server sent none
     */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }

    /**
     * How many bytes of the file the sink of a stream has received. An {@link java.io.OutputStream} or a sink of your
     * own keeps them.
     *
     * @return the number of bytes; 0 for calls other than a stream
     */
    public long bytesReceived() {
        return bytesReceived;
    }

    /**
     * How far the listener of a stream got: the audio that the server had received when it sent the last of {@link
     * #bytesReceived}.
     *
     * @return the number of samples per channel, at the input's rate; 0 for calls other than a stream
     */
    public long inputSamples() {
        return inputSamples;
    }
}
