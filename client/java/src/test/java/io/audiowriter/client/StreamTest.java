package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.EncodeResponse;
import io.audiowriter.v1.FormatInfo;
import io.audiowriter.v1.GetServerInfoResponse;
import io.audiowriter.v1.Marker;
import io.audiowriter.v1.Metadata;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamFlushed;
import io.audiowriter.v1.StreamStarted;
import io.audiowriter.v1.Totals;
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import javax.sound.sampled.AudioInputStream;
import javax.sound.sampled.AudioSystem;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

@Timeout(60)
class StreamTest extends WithServer {
    private static final byte[] PCM = Audio.sine(2 * Audio.RATE);

    @Test
    void aWavFileContainsTheWrittenSamples() throws Exception {
        Path file = folder.resolve("a.wav");
        try (AudioWriterOutputStream out = stream(AudioFormat.AUDIO_FORMAT_WAV, AudioSink.of(file))) {
            out.write(PCM);
            assertFalse(Files.exists(file));
        }
        assertArrayEquals(PCM, samplesOf(Files.readAllBytes(file)));
        assertEquals(List.of(file), list());
    }

    static List<AudioFormat> formats() throws IOException {
        return client.listFormats().stream().map(FormatInfo::getFormat).toList();
    }

    @ParameterizedTest
    @MethodSource("formats")
    void allSinksAndTheUnaryCallWriteTheSameLength(AudioFormat format) throws Exception {
        Path path = folder.resolve("path");
        Totals totals = client.encodeStream(Audio.config(format), AudioSink.of(path), out -> out.write(PCM));
        byte[] file = Files.readAllBytes(path);
        assertEquals(totals.getFileBytes(), file.length);
        assertEquals(PCM.length / 2, totals.getInputSamples());
        assertEquals(Crc32c.of(ByteString.copyFrom(file)), totals.getFileCrc32C());

        ByteArrayOutputStream live = new ByteArrayOutputStream();
        client.encodeStream(Audio.config(format), AudioSink.of(live), out -> out.write(PCM));
        assertEquals(file.length, live.size());

        EncodeResponse whole = client.encode(Audio.config(format), PCM);
        assertEquals(file.length, whole.getFile().size());
        assertEquals(file.length, whole.getTotals().getFileBytes());
    }

    @Test
    void theLiveBytesWithTheHeaderAreTheFile() throws Exception {
        ByteArrayOutputStream live = new ByteArrayOutputStream();
        AudioWriterOutputStream stream = stream(AudioFormat.AUDIO_FORMAT_FLAC, AudioSink.of(live));
        try (stream) {
            stream.write(PCM);
        }
        Path path = folder.resolve("a.flac");
        client.encodeStream(Audio.config(AudioFormat.AUDIO_FORMAT_FLAC), AudioSink.of(path), out -> out.write(PCM));

        byte[] file = live.toByteArray();
        assertFalse(Arrays.equals(Files.readAllBytes(path), file));
        stream.header().copyTo(file, 0);
        assertArrayEquals(Files.readAllBytes(path), file);
    }

    @Test
    void aChannelKeepsTheBytesBeforeItsPosition() throws Exception {
        Path path = folder.resolve("channel");
        try (SeekableByteChannel channel =
                FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap("before".getBytes()));
            Totals totals = client.encodeStream(
                    Audio.config(AudioFormat.AUDIO_FORMAT_WAV), AudioSink.of(channel), out -> out.write(PCM));
            assertEquals(6 + totals.getFileBytes(), channel.position());
        }
        byte[] content = Files.readAllBytes(path);
        assertEquals("before", new String(content, 0, 6));
        assertArrayEquals(PCM, samplesOf(Arrays.copyOfRange(content, 6, content.length)));
    }

    @Test
    void pcmMayBeCutAnywhere() throws Exception {
        Path file = folder.resolve("a.wav");
        try (AudioWriterOutputStream out = stream(AudioFormat.AUDIO_FORMAT_WAV, AudioSink.of(file))) {
            for (int i = 0; i < 20_001; i++) {
                out.write(PCM[i]);
            }
            out.write(PCM, 20_001, 3);
            out.flush();
            out.write(PCM, 20_004, PCM.length - 20_004);
        }
        assertArrayEquals(PCM, samplesOf(Files.readAllBytes(file)));
    }

    @Test
    void anInputStreamWorksAsASource() throws Exception {
        Path file = folder.resolve("a.wav");
        InputStream in = new ByteArrayInputStream(PCM);
        client.encodeStream(Audio.config(AudioFormat.AUDIO_FORMAT_WAV), AudioSink.of(file), in::transferTo);
        assertArrayEquals(PCM, samplesOf(Files.readAllBytes(file)));
    }

    @Test
    void aCompleteFileReplacesAnExistingOne() throws Exception {
        Path file = Files.writeString(folder.resolve("a.wav"), "old");
        Path link = Files.createSymbolicLink(folder.resolve("link.wav"), file);
        try (AudioWriterOutputStream out = stream(AudioFormat.AUDIO_FORMAT_WAV, AudioSink.of(link))) {
            out.write(PCM);
            assertEquals("old", Files.readString(file));
        }
        assertArrayEquals(PCM, samplesOf(Files.readAllBytes(file)));
        assertTrue(Files.isSymbolicLink(link));
    }

    @Test
    void anEmptyStreamIsAValidFile() throws Exception {
        Path file = folder.resolve("a.wav");
        stream(AudioFormat.AUDIO_FORMAT_WAV, AudioSink.of(file)).close();
        assertEquals(0, samplesOf(Files.readAllBytes(file)).length);
    }

    @Test
    void startedHasTheResolvedOutput() throws Exception {
        try (AudioWriterOutputStream out =
                stream(AudioFormat.AUDIO_FORMAT_MP3, AudioSink.of(new ByteArrayOutputStream()))) {
            StreamStarted started = out.started();
            assertEquals(Audio.RATE, started.getOutput().getSampleRateHz());
            assertEquals(1, started.getOutput().getChannels());
            assertEquals("audio/mpeg", started.getMimeType());
            // The serial belongs to a stream.
            assertEquals(
                    started.toBuilder().clearSerial().build(),
                    client.resolveConfig(Audio.config(AudioFormat.AUDIO_FORMAT_MP3)));
            assertThrows(IllegalStateException.class, out::result);
            assertThrows(IllegalStateException.class, out::header);
        }
    }

    @Test
    void flushEncoderReturnsWhenTheSinkHasTheBytes() throws Exception {
        ByteArrayOutputStream live = new ByteArrayOutputStream();
        try (AudioWriterOutputStream out = stream(AudioFormat.AUDIO_FORMAT_PCM, AudioSink.of(live))) {
            out.write(1);
            out.write(2);
            for (int samples = 1; samples <= 3; samples++) {
                StreamFlushed flushed = out.flushEncoder();
                assertEquals(samples, flushed.getInputSamples());
                assertEquals(live.size(), flushed.getOffset());
                assertEquals(0, flushed.getHeldSamples());
                out.write(PCM, 0, 2);
            }
        }
        assertEquals(8, live.size());
    }

    @Test
    void listFormatsReturnsEachFormatOnce() throws Exception {
        List<AudioFormat> formats = formats();
        assertTrue(formats.contains(AudioFormat.AUDIO_FORMAT_MP3));
        assertEquals(Set.copyOf(formats).size(), formats.size());
    }

    @Test
    void serverInfoHasVersionAndLimits() throws Exception {
        GetServerInfoResponse info = client.getServerInfo();
        assertFalse(info.getVersion().isEmpty());
        assertTrue(info.getLimits().getMaxMessageBytes() > 0);
    }

    @Test
    void aSecondCloseDoesNothingAndAClosedStreamRejectsWrites() throws Exception {
        AudioWriterOutputStream out = stream(AudioFormat.AUDIO_FORMAT_WAV, AudioSink.of(new ByteArrayOutputStream()));
        out.close();
        out.close();
        out.cancel();
        assertEquals(0, out.result().getInputSamples());
        assertThrows(IOException.class, () -> out.write(PCM));
        assertThrows(IOException.class, out::flush);
    }

    @Test
    void markersBecomeWebVtt() throws Exception {
        StreamConfig.Builder config = Audio.config(AudioFormat.AUDIO_FORMAT_FLAC).toBuilder();
        config.getOutputBuilder().setMetadataBytes(4096);
        AudioWriterOutputStream out = client.openStream(config.build(), AudioSink.of(folder.resolve("a.flac")));
        out.describe(Metadata.getDefaultInstance(), List.of(marker(Audio.RATE, "b")));
        out.write(PCM);
        out.describe(Metadata.getDefaultInstance(), List.of(marker(0, "a")));
        assertThrows(IllegalStateException.class, out::markersWebVtt);
        out.close();
        assertEquals(
                "WEBVTT\n\n00:00:00.000 --> 00:00:01.000\na\n\n00:00:01.000 --> 00:00:02.000\nb\n",
                out.markersWebVtt());
    }

    private static Marker marker(long position, String title) {
        return Marker.newBuilder().setPosition(position).setTitle(title).build();
    }

    private static AudioWriterOutputStream stream(AudioFormat format, AudioSink sink) throws IOException {
        return client.openStream(Audio.config(format), sink);
    }

    private static byte[] samplesOf(byte[] wav) throws Exception {
        try (AudioInputStream audio = AudioSystem.getAudioInputStream(new ByteArrayInputStream(wav))) {
            assertEquals(audio.getFrameLength() * audio.getFormat().getFrameSize(), audio.available());
            return audio.readAllBytes();
        }
    }
}
