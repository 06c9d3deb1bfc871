package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.SampleFormat;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamFlushed;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A stream survives the loss of its server: servers are ended with SIGKILL while they encode. */
@Timeout(120)
class ResumeTest {
    static final byte[] PCM = Audio.speech(96_000);
    /** Bytes; it ends inside a sample. */
    static final int PART = 100_001;

    static final StreamConfig RAW = Audio.config(AudioFormat.AUDIO_FORMAT_PCM);
    private static Fleet fleet;
    private static TestServer reference;

    @TempDir
    Path folder;

    private AudioWriterClient client;
    private final ByteArrayOutputStream live = new ByteArrayOutputStream();

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

    @BeforeEach
    void connect() throws Exception {
        fleet.reviveAll();
        client = fleet.builder().build();
    }

    @AfterEach
    void disconnect() {
        client.close();
    }

    @Test
    void theServerMayBeLostAtTheFirstByte() throws Exception {
        AudioWriterOutputStream out = open(Audio.config(AudioFormat.AUDIO_FORMAT_WAV), false);
        try (out) {
            Fleet.await("there is no header", () -> live.size() > 0);
            fleet.killHolder();
            out.write(PCM);
        }
        assertUndisturbed(Audio.config(AudioFormat.AUDIO_FORMAT_WAV), out, false, PCM);
    }

    @Test
    void theServerMayBeLostBeforeTheFirstByte() throws Exception {
        try (AudioWriterOutputStream out = open(RAW, false)) {
            out.started();
            fleet.killHolder();
            out.write(PCM);
        }
        assertEquals(ByteString.copyFrom(PCM), ByteString.copyFrom(live.toByteArray()));
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theServerMayBeLostBetweenHalfCloseAndTheEnd(boolean toFile) throws Exception {
        StreamConfig.Builder config = StreamConfig.newBuilder();
        config.getInputBuilder().setSampleFormat(SampleFormat.SAMPLE_FORMAT_U8).setSampleRateHz(8_000);
        config.getOutputBuilder().setFormat(AudioFormat.AUDIO_FORMAT_AAC_ADTS).setSampleRateHz(96_000);
        int resumed = fleet.resumedAt("OK").size();
        ExecutorService killer = Executors.newSingleThreadExecutor();
        Future<TestServer> killed;
        AudioWriterOutputStream out = open(config.build(), toFile);
        try (out) {
            out.write(PCM); // the server encodes it for two seconds
            out.started();
            killed = killer.submit(() -> {
                Thread.sleep(300);
                return fleet.killHolder();
            });
        } finally {
            killer.shutdown();
        }
        killed.get();
        Fleet.await("no stream was resumed", () -> fleet.resumedAt("OK").size() == resumed + 1);
        assertUndisturbed(config.build(), out, toFile, PCM);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void twoServersMayBeLost(boolean toFile) throws Exception {
        StreamConfig config = Audio.config(AudioFormat.AUDIO_FORMAT_MP3);
        AudioWriterOutputStream out = open(config, toFile);
        try (out) {
            out.write(PCM, 0, PART);
            out.flushEncoder();
            fleet.killHolder();
            out.write(PCM, PART, 150_000 - PART);
            out.flushEncoder();
            fleet.killHolder();
            out.write(PCM, 150_000, PCM.length - 150_000);
        }
        assertUndisturbed(config, out, toFile, PCM, PART, 150_000);
    }

    @ParameterizedTest
    @ValueSource(booleans = {true, false})
    void theServerMayBeLostWhileItEncodesTheStreamAgain(boolean toFile) throws Exception {
        StreamConfig config = slow();
        byte[] pcm = repeat(PCM, 25);
        AudioWriterOutputStream out = open(config, toFile);
        try (out) {
            out.write(pcm);
            out.flushEncoder();
            TestServer first = fleet.killHolder();
            Thread.sleep(200);
            assertTrue(first != fleet.killHolder());
        }
        assertEquals(pcm.length / 2, out.result().getInputSamples());
        assertUndisturbed(config, out, toFile, pcm, pcm.length);
    }

    @Test
    void flushesAreSentAgainAndAnsweredOnce() throws Exception {
        StreamConfig config = Audio.config(AudioFormat.AUDIO_FORMAT_WEBM_OPUS);
        AudioWriterOutputStream out = open(config, false);
        try (out) {
            out.write(PCM, 0, PART);
            assertEquals(PART / 2, out.flushEncoder().getInputSamples());
            fleet.killHolder();
            out.write(PCM, PART, 150_000 - PART);
            StreamFlushed second = out.flushEncoder();
            assertEquals(75_000, second.getInputSamples());
            assertEquals(live.size(), second.getOffset());
            out.write(PCM, 150_000, PCM.length - 150_000);
        }
        assertUndisturbed(config, out, false, PCM, PART, 150_000);
    }

    @Test
    void theListenerGetsTheNextBytesWithoutFurtherPcm() throws Exception {
        try (AudioWriterOutputStream out = open(Audio.config(AudioFormat.AUDIO_FORMAT_MP3), false)) {
            out.write(PCM);
            out.flushEncoder();
            fleet.killHolder();
            fleet.holder();
        }
    }

    @Test
    void aDrainingServerHandsTheStreamOver() throws Exception {
        try (Fleet own = new Fleet(2, "--drain-timeout=0.2"); AudioWriterClient ownClient = own.builder().build()) {
            try (AudioWriterOutputStream out = ownClient.openStream(RAW, AudioSink.of(live))) {
                out.write(PCM, 0, PART);
                out.flushEncoder();
                TestServer drained = own.holder();
                drained.terminate();
                Fleet.await("the server has not drained", () -> !drained.isAlive());
                out.write(PCM, PART, PCM.length - PART);
            }
            assertEquals(List.of((long) PART - 1), own.resumedAt("OK"));
        }
        assertEquals(ByteString.copyFrom(PCM), ByteString.copyFrom(live.toByteArray()));
    }

    @Test
    void aStreamGoesOnWhenItsOnlyServerIsThereAgain() throws Exception {
        try (Fleet own = new Fleet(1); AudioWriterClient ownClient = own.builder().build()) {
            try (AudioWriterOutputStream out = ownClient.openStream(RAW, AudioSink.of(live))) {
                out.write(PCM, 0, PART);
                out.flushEncoder();
                own.revive(own.killHolder(), TestServer.command());
                out.write(PCM, PART, PCM.length - PART);
            }
            Fleet.await("the stream was not resumed", () -> own.resumedAt("OK").equals(List.of((long) PART - 1)));
        }
        assertEquals(ByteString.copyFrom(PCM), ByteString.copyFrom(live.toByteArray()));
    }

    @Test
    void aChannelIsWrittenAgainFromItsStart() throws Exception {
        Path path = folder.resolve("channel");
        AudioWriterOutputStream out;
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            channel.write(ByteBuffer.wrap("before".getBytes()));
            out = client.openStream(Audio.config(AudioFormat.AUDIO_FORMAT_FLAC), AudioSink.of(channel));
            try (out) {
                out.write(PCM, 0, PART);
                out.flushEncoder();
                fleet.killHolder();
                out.write(PCM, PART, PCM.length - PART);
            }
        }
        Undisturbed expected = Undisturbed.encode(
                reference, Audio.config(AudioFormat.AUDIO_FORMAT_FLAC), out.started().getSerial(), PCM, PART);
        assertEquals(
                ByteString.copyFromUtf8("before").concat(expected.file()),
                ByteString.copyFrom(Files.readAllBytes(path)));
    }

    @Test
    void theSpoolOfALongStreamIsATemporaryFile() throws Exception {
        String before = System.setProperty("java.io.tmpdir", folder.toString());
        byte[] pcm = repeat(PCM, 60);
        Path file = folder.resolve("file");
        try (AudioWriterOutputStream out = client.openStream(RAW, AudioSink.of(file))) {
            out.write(pcm);
            out.flushEncoder();
            fleet.killHolder();
            out.write(PCM);
        } finally {
            System.setProperty("java.io.tmpdir", before);
        }
        assertEquals(ByteString.copyFrom(pcm).concat(ByteString.copyFrom(PCM)),
                ByteString.copyFrom(Files.readAllBytes(file)));
        assertEquals(List.of("file"), names());
    }

    @Test
    void aFullDiskEndsTheSpoolAndNotTheStream() throws Exception {
        String before = System.setProperty("java.io.tmpdir", folder.resolve("none").toString());
        byte[] pcm = repeat(PCM, 30);
        Path file = folder.resolve("file");
        try (AudioWriterOutputStream out = client.openStream(RAW, AudioSink.of(file))) {
            out.write(pcm);
        } finally {
            System.setProperty("java.io.tmpdir", before);
        }
        assertEquals(pcm.length, Files.size(file));
        assertFalse(Files.exists(folder.resolve("none")));
    }

    private AudioWriterOutputStream open(StreamConfig config, boolean toFile) throws IOException {
        return client.openStream(config, toFile ? AudioSink.of(folder.resolve("file")) : AudioSink.of(live));
    }

    /** Compares with what one server sends for the same PCM, flushes and serial. */
    private void assertUndisturbed(
            StreamConfig config, AudioWriterOutputStream out, boolean toFile, byte[] pcm, int... flushes)
            throws Exception {
        byte[] received = toFile ? Files.readAllBytes(folder.resolve("file")) : live.toByteArray();
        Undisturbed.encode(reference, config, out.started().getSerial(), pcm, flushes)
                .assertSame(received, out, toFile);
    }

    /** A config with which the servers need about 3 s of CPU time for 100 s of PCM. */
    private static StreamConfig slow() {
        StreamConfig.Builder config = Audio.config(AudioFormat.AUDIO_FORMAT_AAC_ADTS).toBuilder();
        config.getOutputBuilder().setEffort(10);
        return config.build();
    }

    static byte[] repeat(byte[] pcm, int times) {
        ByteBuffer all = ByteBuffer.allocate(times * pcm.length);
        for (int i = 0; i < times; i++) {
            all.put(pcm);
        }
        return all.array();
    }

    private List<String> names() throws IOException {
        try (var files = Files.list(folder)) {
            return files.map(file -> file.getFileName().toString()).toList();
        }
    }
}
