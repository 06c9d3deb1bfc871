package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.FormatInfo;
import io.audiowriter.v1.StreamConfig;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** A stream of each format has the same bytes with and without the loss of its server. */
@Timeout(120)
class ResumeFormatsTest {
    private static final byte[] PCM = ResumeTest.PCM;
    private static final int PART = ResumeTest.PART;
    private static Fleet fleet;
    private static TestServer reference;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() throws Exception {
        fleet = new Fleet(3);
        reference = TestServer.start();
    }

    @AfterAll
    static void stop() {
        fleet.close();
        reference.close();
    }

    static List<AudioFormat> formats() throws IOException {
        try (AudioWriterClient any = reference.client()) {
            return any.listFormats().stream().map(FormatInfo::getFormat).toList();
        }
    }

    @ParameterizedTest
    @MethodSource("formats")
    void fileAndLiveBytesAreThoseOfAnUndisturbedStream(AudioFormat format) throws Exception {
        fleet.reviveAll();
        Path file = folder.resolve("file");
        ByteArrayOutputStream live = new ByteArrayOutputStream();
        try (AudioWriterClient client = fleet.builder().build()) {
            AudioWriterOutputStream out = streamThatLosesItsServer(client, Audio.config(format), AudioSink.of(file));
            undisturbed(format, out).assertSame(Files.readAllBytes(file), out, true);
            out = streamThatLosesItsServer(client, Audio.config(format), AudioSink.of(live));
            undisturbed(format, out).assertSame(live.toByteArray(), out, false);
        }
        try (var files = Files.list(folder)) {
            assertEquals(List.of(file), files.toList());
        }
    }

    private static AudioWriterOutputStream streamThatLosesItsServer(
            AudioWriterClient client, StreamConfig config, AudioSink sink) throws Exception {
        AudioWriterOutputStream out = client.openStream(config, sink);
        try (out) {
            out.write(PCM, 0, PART);
            out.started();
            Thread.sleep(100); // for bytes of the formats that have some by now
            fleet.killHolder();
            out.write(PCM, PART, PCM.length - PART);
        }
        return out;
    }

    private static Undisturbed undisturbed(AudioFormat format, AudioWriterOutputStream out) throws Exception {
        return Undisturbed.encode(reference, Audio.config(format), out.started().getSerial(), PCM);
    }
}
