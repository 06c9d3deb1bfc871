package io.audiowriter.client;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.StreamFinished;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;

/** Length and SHA-256 of the received bytes, to verify that none is missing. */
final class FileTotals {
    private final MessageDigest digest = sha256();
    private long length;

    void add(ByteString data) {
        digest.update(data.asReadOnlyByteBuffer());
        length += data.size();
    }

    long length() {
        return length;
    }

    /** Adds the trailer and compares with the server's totals. */
    void check(StreamFinished finished) throws TruncatedStreamException {
        if (finished.getHeader().size() > length) {
            throw new TruncatedStreamException("header is longer than the " + length + " received bytes");
        }
        add(finished.getTrailer());
        if (finished.getTotalBytes() != length) {
            throw new TruncatedStreamException(length + " bytes received, expected " + finished.getTotalBytes());
        }
        if (!MessageDigest.isEqual(digest.digest(), finished.getSha256().toByteArray())) {
            throw new TruncatedStreamException("SHA-256 does not match for " + length + " bytes");
        }
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
