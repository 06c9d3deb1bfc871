package io.audiowriter.client;

import com.google.protobuf.ByteString;
import java.util.zip.CRC32C;

/** CRC-32C of a file whose first bytes are replaced at the end. RFC 3720, appendix B.4. */
final class Crc32c {
    /** The polynomial with its bits in reversed order, as the CRC uses them. */
    private static final int POLYNOMIAL = 0x82F63B78;

    /** The polynomials 1 and x^8 in this order. */
    private static final int ONE = 1 << 31;

    private static final int X8 = 1 << 23;

    private Crc32c() {}

    static int of(ByteString data) {
        CRC32C crc = new CRC32C();
        crc.update(data.asReadOnlyByteBuffer());
        return (int) crc.getValue();
    }

    /**
     * Returns the CRC of a file whose first bytes are replaced by a header.
     *
     * @param crc the CRC of the file as it is
     * @param length the length of the file in bytes
     * @param first the first bytes of the file, at least as many as the header has
     */
    static int withHeader(int crc, long length, ByteString first, ByteString header) {
        // CRCs are linear: the difference of the first bytes, moved to the start of the file, is that of the files.
        int change = of(first.substring(0, header.size())) ^ of(header);
        return crc ^ multiply(powerOfX8(length - header.size()), change);
    }

    private static int powerOfX8(long exponent) {
        int power = ONE;
        int square = X8;
        for (long left = exponent; left != 0; left >>>= 1) {
            if ((left & 1) != 0) {
                power = multiply(power, square);
            }
            square = multiply(square, square);
        }
        return power;
    }

    /** Multiplies two polynomials modulo the CRC's. */
    private static int multiply(int a, int b) {
        int product = 0;
        int factor = b;
        for (int left = a; left != 0; left <<= 1) {
            if ((left & ONE) != 0) {
                product ^= factor;
            }
            factor = (factor >>> 1) ^ ((factor & 1) != 0 ? POLYNOMIAL : 0);
        }
        return product;
    }
}
