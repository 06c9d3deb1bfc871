package io.audiowriter.client;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.Totals;
import java.nio.ByteBuffer;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.zip.CRC32C;

/** Length and checksums of the received bytes, to verify that none is missing or wrong. */
final class FileTotals {
    private final MessageDigest digest = sha256();
    private final CRC32C crc = new CRC32C();
    /** The final header replaces bytes of this chunk only. */
    private ByteString first = ByteString.EMPTY;
    private long length;

    void add(ByteString data) {
        if (length == 0) {
            first = data;
        }
        ByteBuffer bytes = data.asReadOnlyByteBuffer();
        digest.update(bytes.duplicate());
        crc.update(bytes);
        length += data.size();
    }

    long length() {
        return length;
    }

    /** Returns the SHA-256 of all bytes so far, or null if the platform cannot copy an unfinished hash. */
    ByteString sha256SoFar() {
        try {
            return ByteString.copyFrom(((MessageDigest) digest.clone()).digest());
        } catch (CloneNotSupportedException e) {
            return null;
        }
    }

    /** Compares with the server's totals, after all bytes were added. Call it once. */
    void check(Totals totals, ByteString header) throws TruncatedStreamException {
        if (totals.getFileBytes() != length) {
            throw new TruncatedStreamException(length + " bytes received, expected " + totals.getFileBytes());
        }
        if (header.size() > first.size()) {
            throw new TruncatedStreamException(
                    "the header has " + header.size() + " bytes, but the first chunk has " + first.size());
        }
        if (!MessageDigest.isEqual(digest.digest(), totals.getSentSha256().toByteArray())) {
            throw new TruncatedStreamException("SHA-256 does not match for " + length + " bytes");
        }
        if (Crc32c.withHeader((int) crc.getValue(), length, first, header) != totals.getFileCrc32C()) {
            throw new TruncatedStreamException("CRC-32C does not match for the file of " + length + " bytes");
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
