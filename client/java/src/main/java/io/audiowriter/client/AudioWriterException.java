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
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A call failed: the server refused it, ended it or was lost, or it was cancelled. */
public class AudioWriterException extends IOException {
    private static final long serialVersionUID = 1;

    /** The kind of failure. */
    private final Status.Code code;

    /** The refused fields; without any if the server named none. */
    private final BadRequest badRequest;

    /** The server's reason; empty if it gave none. */
    private final ErrorInfo errorInfo;

    /** When to try again; null if the server did not say. */
    private final Duration retryAfter;

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

    /** The same failure, thrown once more: the new one knows where, the original is its cause. */
    AudioWriterException(AudioWriterException original) {
        super(original.getMessage(), original);
        this.code = original.code;
        this.badRequest = original.badRequest;
        this.errorInfo = original.errorInfo;
        this.retryAfter = original.retryAfter;
    }

    /** Makes one of gRPC's exceptions, with the details that the server put into its trailers. */
    static AudioWriterException of(Throwable thrown) {
        com.google.rpc.Status details = StatusProto.fromThrowable(thrown);
        return new AudioWriterException(
                Status.fromThrowable(thrown).withCause(thrown),
                details == null ? com.google.rpc.Status.getDefaultInstance() : details);
    }

    private static <T extends Message> Optional<T> find(com.google.rpc.Status details, Class<T> kind) {
        for (Any detail : details.getDetailsList()) {
            if (detail.is(kind)) {
                try {
                    return Optional.of(detail.unpack(kind));
                } catch (InvalidProtocolBufferException e) {
                    return Optional.empty(); // The status itself says more than a complaint about its details would.
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
     * The fields that the server refused.
     *
     * @return one violation for each bad field; empty unless the code is {@code INVALID_ARGUMENT}
     */
    public List<BadRequest.FieldViolation> violations() {
        return badRequest.getFieldViolationsList();
    }

    /**
     * The server's reason in UPPER_SNAKE case, fit to be compared with.
     *
     * @return the reason; empty for violations of anything but a limit, and for failures that did not come from the server
     */
    public Optional<String> reason() {
        return Optional.of(errorInfo.getReason()).filter(reason -> !reason.isEmpty());
    }

    /**
     * What belongs to the reason: which limit was passed, for instance, and its value.
     *
     * @return names and values as the server gave them; empty where there is no reason
     */
    public Map<String, String> metadata() {
        return errorInfo.getMetadataMap();
    }

    /**
     * How long to wait before the call is sent again. Present only when a server refused the call without doing anything,
     * because it was full or about to stop.
     *
     * @return the delay; empty if the server did not give one
     */
    public Optional<Duration> retryAfter() {
        return Optional.ofNullable(retryAfter);
    }
}
