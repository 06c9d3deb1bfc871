package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.rpc.BadRequest.FieldViolation;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.SampleFormat;
import io.audiowriter.v1.StreamConfig;
import io.grpc.Status;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class RefusalTest extends WithServer {
    private static final byte[] SECOND = Audio.sine(Audio.RATE);
    private static final StreamConfig WAV = Audio.config(AudioFormat.AUDIO_FORMAT_WAV);

    /** No test of this class leaves a file. */
    @AfterEach
    void theFolderIsEmpty() throws IOException {
        assertEquals(List.of(), list());
    }

    @Test
    void eachFieldOfABadConfigIsNamed() throws Exception {
        AudioWriterOutputStream out = client.openStream(StreamConfig.getDefaultInstance(), file());
        AudioWriterException e = assertThrows(AudioWriterException.class, out::started);
        assertEquals(Status.Code.INVALID_ARGUMENT, e.code());
        Set<String> fields = e.violations().stream().map(FieldViolation::getField).collect(Collectors.toSet());
        assertEquals(2, fields.size(), fields.toString());
        assertTrue(e.getMessage().contains("sample_rate_hz"), e.getMessage());
        assertThrows(AudioWriterException.class, out::close);

        AudioWriterException unary = assertThrows(
                AudioWriterException.class, () -> client.encode(StreamConfig.getDefaultInstance(), SECOND));
        assertEquals(e.violations(), unary.violations());
    }

    @Test
    void nanIsRefused() {
        byte[] pcm = ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putFloat(Float.NaN).array();
        StreamConfig config = Audio.config(AudioFormat.AUDIO_FORMAT_FLAC, SampleFormat.SAMPLE_FORMAT_F32LE);
        AudioWriterException e = assertThrows(
                AudioWriterException.class, () -> client.encodeStream(config, file(), out -> out.write(pcm)));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.code());
        assertEquals("pcm", e.violations().get(0).getField());
    }

    @Test
    void aLimitOfTheServerIsNamedWithItsValue() {
        StreamConfig.Builder large = WAV.toBuilder();
        large.getOutputBuilder().setSampleRateHz(192_000);
        AudioWriterException e = assertThrows(
                AudioWriterException.class, () -> client.encode(large.build(), Audio.sine(12 * Audio.RATE)));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.code());
        assertEquals("pcm", e.violations().get(0).getField());
        assertEquals("MAX_MESSAGE_BYTES_EXCEEDED", e.reason().orElseThrow());
        assertEquals("max_message_bytes", e.metadata().get("limit"));
    }

    @Test
    void anIncompleteSampleAtTheEndIsRefused() {
        AudioWriterException e = assertThrows(
                AudioWriterException.class, () -> client.encodeStream(WAV, file(), out -> out.write(SECOND, 0, 3)));
        assertEquals(Status.Code.INVALID_ARGUMENT, e.code());
    }

    private AudioSink file() throws IOException {
        return AudioSink.of(folder.resolve("out"));
    }
}
