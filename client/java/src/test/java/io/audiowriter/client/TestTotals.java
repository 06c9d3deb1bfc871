package io.audiowriter.client;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.Totals;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.zip.CRC32C;

/** The totals that a server sends. */
final class TestTotals {
    private TestTotals() {}

    /**
     * Returns the totals of a file.
     *
     * @param sent its bytes in the order sent
     * @param file its bytes with the header in place
     */
    static Totals of(ByteString sent, ByteString file) {
        CRC32C crc = new CRC32C();
        crc.update(file.toByteArray());
        try {
            byte[] sha256 = MessageDigest.getInstance("SHA-256").digest(sent.toByteArray());
            return Totals.newBuilder()
                    .setFileBytes(file.size())
                    .setSentSha256(ByteString.copyFrom(sha256))
                    .setFileCrc32C((int) crc.getValue())
                    .build();
        } catch (NoSuchAlgorithmException e) {
            throw new AssertionError(e);
        }
    }
}
