package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import com.google.protobuf.ByteString;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class Crc32cTest {
    /** RFC 3720, appendix B.4: 32 bytes of zeroes. */
    @Test
    void theVectorOfTheStandardHasItsCrc() {
        assertEquals(0x8A9136AA, Crc32c.of(ByteString.copyFrom(new byte[32])));
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1, 0", "1, 1", "44, 44", "45, 44", "4096, 1", "100003, 58", "1000000, 4096"})
    void theCrcWithAHeaderIsThatOfTheFileWithIt(int length, int headerLength) {
        Random random = new Random(length);
        byte[] sent = new byte[length];
        random.nextBytes(sent);
        byte[] header = new byte[headerLength];
        random.nextBytes(header);
        byte[] file = sent.clone();
        System.arraycopy(header, 0, file, 0, headerLength);

        ByteString first = ByteString.copyFrom(sent, 0, Math.min(length, headerLength + 1));
        int crc = Crc32c.of(ByteString.copyFrom(sent));
        assertEquals(
                Crc32c.of(ByteString.copyFrom(file)),
                Crc32c.withHeader(crc, length, first, ByteString.copyFrom(header)));
    }
}
