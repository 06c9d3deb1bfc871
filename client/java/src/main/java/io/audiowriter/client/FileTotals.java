package io.audiowriter.client;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.EncodedChunk;
import io.audiowriter.v1.ResumePoint;
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
    /** Of the last chunk. */
    private long outputSamples;
    /** The length when the last call began, and the hash of the bytes from there on. */
    private long resumedAt;

    private MessageDigest resumedDigest = sha256();

    void add(EncodedChunk chunk) {
        add(chunk.getData());
        outputSamples = chunk.getOutputSamples();
    }

    void add(ByteString data) {
        if (length == 0) {
            first = data;
        }
        ByteBuffer bytes = data.asReadOnlyByteBuffer();
        digest.update(bytes.duplicate());
        if (resumedAt > 0) {
            resumedDigest.update(bytes.duplicate());
        }
        crc.update(bytes);
        length += data.size();
    }

    long length() {
        return length;
    }

    /** Returns what another call has to go on with, or null if the platform cannot copy an unfinished hash. */
    ResumePoint resume(int serial) {
        ByteString sha256;
        try {
            sha256 = ByteString.copyFrom(((MessageDigest) digest.clone()).digest());
        } catch (CloneNotSupportedException e) {
            return null;
        }
        resumedAt = length;
        resumedDigest = sha256();
        CRC32C firstCrc = new CRC32C();
        firstCrc.update(first.asReadOnlyByteBuffer());
        return ResumePoint.newBuilder()
                .setOffset(length)
                .setSha256(sha256)
                .setSerial(serial)
                .setOutputSamples(outputSamples)
                .setCrc32C((int) crc.getValue())
                .setFirstCrc32C((int) firstCrc.getValue())
                .build();
    }

    /**
     * Compares with the server's totals, after all bytes were added. Call it once.
     *
     * @return the totals. If the server has gone on with other packets than those of an earlier call, the hash of these
     *     is added
     */
    Totals check(Totals totals, ByteString header) throws TruncatedStreamException {
        if (totals.getFileBytes() != length) {
            throw new TruncatedStreamException(length + " bytes received, expected " + totals.getFileBytes());
        }
        if (header.size() > first.size()) {
            throw new TruncatedStreamException(
                    "the header has " + header.size() + " bytes, but the first chunk has " + first.size());
        }
        byte[] sha256 = digest.digest();
        long offset = totals.getSentSha256Offset();
        byte[] checked = offset > 0 && offset == resumedAt ? resumedDigest.digest() : sha256;
        if (!MessageDigest.isEqual(checked, totals.getSentSha256().toByteArray())) {
            throw new TruncatedStreamException("SHA-256 does not match for " + length + " bytes");
        }
        if (Crc32c.withHeader((int) crc.getValue(), length, first, header) != totals.getFileCrc32C()) {
            throw new TruncatedStreamException("CRC-32C does not match for the file of " + length + " bytes");
        }
        return totals.toBuilder()
                .setSentSha256(ByteString.copyFrom(sha256))
                .clearSentSha256Offset()
                .build();
    }

    private static MessageDigest sha256() {
        try {
            return MessageDigest.getInstance("SHA-256");
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError("every Java platform has SHA-256", e);
        }
    }
}
