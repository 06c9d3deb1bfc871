package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.Duration;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.AudioOutput;
import io.audiowriter.v1.PcmInput;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.Totals;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class PlaceTest extends WithServer {
    private static final StreamConfig CONFIG = StreamConfig.newBuilder()
            .setInput(PcmInput.newBuilder()
                    .setSampleRateHz(8000)
                    .setChannels(2)
                    .setMaxSkew(Duration.newBuilder().setSeconds(1)))
            .setOutput(AudioOutput.newBuilder().setFormat(AudioFormat.AUDIO_FORMAT_PCM))
            .build();

    @Test
    void channelsAndGapsBecomeOneFile() throws Exception {
        Path path = folder.resolve("a.pcm");
        Totals totals = client.encodeStream(CONFIG, AudioSink.of(path), stream -> {
            stream.writePlaced(samples(1, 10), 0, 1);
            stream.writePlaced(samples(2, 5), 2, 2);
            stream.writePlaced(samples(1, 10), AudioWriterOutputStream.NEXT, 1);
            stream.writePlaced(samples(3, 10), 30, 1);
            stream.writePlaced(samples(4, 10), 20, 1);
            stream.writePlaced(samples(5, 1), AudioWriterOutputStream.NEXT, 2);
        });
        byte[] file = Files.readAllBytes(path);
        byte[] expected = new byte[4 * 40];
        for (int i = 0; i < 40; i++) {
            int left = i < 20 ? 1 : i < 30 ? 4 : 3;
            int right = i < 2 || i > 7 ? 0 : i < 7 ? 2 : 5;
            Arrays.fill(expected, 4 * i, 4 * i + 2, (byte) left);
            Arrays.fill(expected, 4 * i + 2, 4 * i + 4, (byte) right);
        }
        assertArrayEquals(expected, file);
        assertEquals(34, totals.getFilledSamples());
    }

    @Test
    void placesAreChecked() throws Exception {
        try (AudioWriterOutputStream stream = client.openStream(CONFIG, AudioSink.of(folder.resolve("a.pcm")))) {
            assertRefused(stream, -2, 1, "position=-2: expected 0 or more samples, or NEXT");
            assertRefused(stream, 0, 3, "channel=3: expected 1 to 2");
            assertRefused(stream, 0, -1, "channel=-1: expected 1 to 2");
        }
        StreamConfig plain = CONFIG.toBuilder()
                .setInput(CONFIG.getInput().toBuilder().clearMaxSkew())
                .build();
        try (AudioWriterOutputStream stream = client.openStream(plain, AudioSink.of(folder.resolve("b.pcm")))) {
            assertRefused(stream, 0, 1, "the config needs max_gap, max_skew or max_jitter");
        }
    }

    private static void assertRefused(AudioWriterOutputStream stream, long position, int channel, String text) {
        Exception e = assertThrows(
                IllegalArgumentException.class, () -> stream.writePlaced(new byte[4], position, channel));
        assertTrue(e.getMessage().contains(text), e.getMessage());
    }

    private static byte[] samples(int value, int count) {
        byte[] pcm = new byte[2 * count];
        Arrays.fill(pcm, (byte) value);
        return pcm;
    }
}
