package io.audiowriter.client;

import io.grpc.Status;

/**
 * A stream ended with status OK but is incomplete: its last message is missing, or bytes are missing or wrong.
 * The code is {@code DATA_LOSS}.
 */
public final class TruncatedStreamException extends AudioWriterException {
    private static final long serialVersionUID = 1;

    TruncatedStreamException(String what) {
        super(Status.DATA_LOSS.withDescription(what), com.google.rpc.Status.getDefaultInstance());
    }

    TruncatedStreamException(TruncatedStreamException original) {
        super(original);
    }
}
