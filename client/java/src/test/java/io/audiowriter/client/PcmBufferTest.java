package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.PcmInput;
import io.audiowriter.v1.SampleFormat;
import java.time.Duration;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class PcmBufferTest {
    private static final byte[] LONG = Audio.sine(2 * PcmBuffer.MAX_MESSAGE_BYTES);

    @ParameterizedTest
    @CsvSource({
        "0, UNSPECIFIED, 24000, 0, 1",
        "1, UNSPECIFIED, 24000, 0, 48000",
        "1, U8, 24000, 1, 24000",
        "1, S16LE, 24000, 2, 96000",
        "1, S24LE, 8000, 2, 48000",
        "1, S32LE, 8000, 1, 32000",
        "1, F32LE, 8000, 1, 32000",
        "1, F64LE, 8000, 1, 64000",
        "0.02, S16LE, 24000, 1, 960",
        "0.00001, S16LE, 24000, 1, 1",
        "1, F64LE, 192000, 8, 262144",
        "9223372036854775807, F64LE, -1, -1, 262144", // the server refuses these numbers
        "1, S16LE, 0, 1, 1", // and this one
    })
    void aMessageIsReadyWhenThereIsEnoughAudio(
            String seconds, String sampleFormat, int rate, int channels, int bytes) {
        PcmInput input = PcmInput.newBuilder()
                .setSampleFormat(SampleFormat.valueOf("SAMPLE_FORMAT_" + sampleFormat))
                .setSampleRateHz(rate)
                .setChannels(channels)
                .build();
        PcmBuffer buffer = new PcmBuffer(input, Duration.parse("PT" + seconds + "S"));
        assertFalse(buffer.isReady());
        buffer.add(LONG, 0, bytes - 1);
        assertFalse(buffer.isReady());
        buffer.add(LONG, bytes - 1, 1);
        assertTrue(buffer.isReady());
        assertEquals(ByteString.copyFrom(LONG, 0, bytes), buffer.take().pcm());
        assertFalse(buffer.isReady());
        assertTrue(buffer.take().pcm().isEmpty());
    }

    @Test
    void noMoreThanAMessageIsAdded() {
        PcmBuffer buffer = gather(Duration.ZERO);
        assertEquals(PcmBuffer.MAX_MESSAGE_BYTES, buffer.add(LONG, 0, LONG.length));
        assertEquals(0, buffer.add(LONG, 0, LONG.length));
        assertEquals(PcmBuffer.MAX_MESSAGE_BYTES, buffer.take().pcm().size());
    }

    @ParameterizedTest
    @CsvSource({"0, 8192", "0.1, 8192", "1, 48000", "60, 262144"})
    void singleBytesWaitForEightKibibytesAtLeast(String seconds, int bytes) {
        PcmBuffer buffer = gather(Duration.parse("PT" + seconds + "S"));
        for (int i = 0; i < bytes - 1; i++) {
            assertFalse(buffer.add(LONG[i]));
        }
        assertTrue(buffer.add(LONG[bytes - 1]));
        assertEquals(ByteString.copyFrom(LONG, 0, bytes), buffer.take().pcm());
    }

    @Test
    void singleBytesComeBeforeTheArrayThatFollows() {
        PcmBuffer buffer = gather(Duration.ZERO);
        buffer.add(LONG[0]);
        buffer.add(LONG[1]);
        assertEquals(98, buffer.add(LONG, 2, 98));
        assertEquals(ByteString.copyFrom(LONG, 0, 100), buffer.take().pcm());
    }

    private static PcmBuffer gather(Duration duration) {
        return new PcmBuffer(PcmInput.newBuilder().setSampleRateHz(Audio.RATE).build(), duration);
    }
}
