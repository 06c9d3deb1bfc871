package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.gson.JsonObject;
import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.StreamConfig;
import io.grpc.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** PCM for files is sent in long messages, and PCM for listeners at once. */
@Timeout(60)
class BufferTest {
    private static final StreamConfig RAW = Audio.config(AudioFormat.AUDIO_FORMAT_PCM);
    private static final int FRAME_BYTES = 960;
    private static final int FRAMES = 125;
    /** 2.5 s, in frames of 20 ms. */
    private static final byte[] PCM = Audio.speech(FRAMES * FRAME_BYTES / 2);

    private static Fleet servers;

    @TempDir
    Path folder;

    private final ByteArrayOutputStream live = new ByteArrayOutputStream();

    @BeforeAll
    static void start() throws Exception {
        servers = new Fleet(1);
    }

    @AfterAll
    static void stop() {
        servers.close();
    }

    /** The numbers of messages include the config. */
    @Test
    void aFileGetsAMessagePerSecond() throws Exception {
        assertEquals(1 + 3, messages(servers.builder(), AudioSink.of(path())));
        assertArrayEquals(PCM, Files.readAllBytes(path()));
        Path file = folder.resolve("channel");
        try (FileChannel channel = FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
            assertEquals(1 + 3, messages(servers.builder(), AudioSink.of(channel)));
        }
        assertArrayEquals(PCM, Files.readAllBytes(file));
    }

    @Test
    void aListenerGetsItsBytesAtOnce() throws Exception {
        assertEquals(1 + FRAMES, messages(servers.builder(), AudioSink.of(live)));
        assertArrayEquals(PCM, live.toByteArray());
        assertEquals(1 + FRAMES, messages(servers.builder(), AudioSink.of(Path.of("/dev/null"))));
        assertEquals(1 + FRAMES, messages(servers.builder(), new OwnSink()));
    }

    @Test
    void theBufferCanBeChosen() throws Exception {
        assertEquals(1 + FRAMES, messages(servers.builder().buffer(Duration.ZERO), AudioSink.of(path())));
        assertEquals(1 + 5, messages(servers.builder().buffer(Duration.ofMillis(500)), AudioSink.of(live)));
        assertEquals(1 + 1, messages(servers.builder().buffer(Duration.ofDays(1)), AudioSink.of(path())));
        AudioWriterClient.Builder builder = servers.builder();
        IllegalArgumentException e =
                assertThrows(IllegalArgumentException.class, () -> builder.buffer(Duration.ofMillis(-1)));
        assertEquals("buffer=PT-0.001S: expected zero or more", e.getMessage());
    }

    @Test
    void aLongArrayIsSentInTheLongestMessages() throws Exception {
        byte[] pcm = ResumeTest.repeat(PCM, 8); // 3.7 messages
        int calls = servers.calls().size();
        try (AudioWriterClient client = servers.builder().build()) {
            client.encodeStream(RAW, AudioSink.of(path()), out -> out.write(pcm));
        }
        assertEquals(1 + 4, received(calls));
        assertArrayEquals(pcm, Files.readAllBytes(path()));
    }

    @Test
    void bothFlushesSendWhatWasGathered() throws Exception {
        int calls = servers.calls().size();
        try (AudioWriterClient client = servers.builder().build();
                AudioWriterOutputStream out = client.openStream(RAW, AudioSink.of(path()))) {
            out.started();
            out.write(PCM, 0, FRAME_BYTES);
            Thread.sleep(200);
            assertEquals(0, partBytes(), "the frame waits");
            out.write(PCM[FRAME_BYTES]);
            out.write(PCM[FRAME_BYTES + 1]);
            out.flush();
            Fleet.await("the frame was not sent", () -> partBytes() == FRAME_BYTES + 2);
            out.write(PCM, FRAME_BYTES + 2, FRAME_BYTES - 2);
            assertEquals(FRAME_BYTES, out.flushEncoder().getInputSamples());
            assertEquals(2 * FRAME_BYTES, partBytes());
        }
        assertEquals(1 + 2 + 1, received(calls));
    }

    @Test
    void theConfigIsSentAtOnce() throws Exception {
        try (AudioWriterClient client = servers.builder().build();
                AudioWriterOutputStream out = client.openStream(RAW, AudioSink.of(path()))) {
            out.write(PCM, 0, FRAME_BYTES);
            assertFalse(out.started().getMimeType().isEmpty());
        }
    }

    @Test
    void whatWasGatheredIsSentAfterTheLossOfAServer() throws Exception {
        try (Fleet fleet = new Fleet(2); AudioWriterClient client = fleet.builder().build()) {
            int half = PCM.length / 2 + 1;
            try (AudioWriterOutputStream out = client.openStream(RAW, AudioSink.of(path()))) {
                writeFrames(out, PCM, 0, half);
                fleet.killHolder();
                writeFrames(out, PCM, half, PCM.length);
            }
            assertArrayEquals(PCM, Files.readAllBytes(path()));
        }
    }

    @Test
    void aWriteThrowsSoonAfterTheStreamHasFailed() throws Exception {
        try (AudioWriterClient client = servers.builder().buffer(Duration.ofDays(1)).build()) {
            StreamConfig invalid = RAW.toBuilder().clearOutput().build();
            AudioWriterOutputStream refused = client.openStream(invalid, AudioSink.of(path()));
            assertFails(Status.Code.INVALID_ARGUMENT, refused, () -> refused.write(PCM, 0, 2));
            AudioWriterOutputStream single = client.openStream(invalid, AudioSink.of(path()));
            assertFails(Status.Code.INVALID_ARGUMENT, single, () -> single.write(0));

            AudioWriterOutputStream cancelled = client.openStream(RAW, AudioSink.of(path()));
            cancelled.write(PCM, 0, 2);
            cancelled.cancel();
            AudioWriterException e = assertThrows(AudioWriterException.class, () -> cancelled.write(PCM, 0, 2));
            assertEquals(Status.Code.CANCELLED, e.code());
            cancelled.close();
        }
        try (Fleet fleet = new Fleet(1);
                AudioWriterClient client = fleet.builder().resumeTimeout(Duration.ZERO).build()) {
            AudioWriterOutputStream lost = client.openStream(RAW, AudioSink.of(path()));
            lost.write(PCM, 0, 2);
            fleet.killHolder();
            assertFails(Status.Code.UNAVAILABLE, lost, () -> lost.write(PCM, 0, 2));
        }
        assertEquals(0, partFiles().size());
    }

    @Test
    void nothingThatWasWrittenIsLostIfAnotherThreadClosesTheStream() throws Exception {
        ExecutorService writer = Executors.newSingleThreadExecutor();
        try (AudioWriterClient client = servers.builder().build()) {
            for (int round = 0; round < 30; round++) {
                AudioWriterOutputStream out = client.openStream(RAW, AudioSink.of(path()));
                AtomicLong written = new AtomicLong();
                Future<?> writing = writer.submit(() -> {
                    while (true) {
                        out.write(PCM, 0, FRAME_BYTES);
                        written.addAndGet(FRAME_BYTES);
                    }
                });
                Thread.sleep(round);
                out.close();
                assertInstanceOf(
                        IOException.class, assertThrows(ExecutionException.class, writing::get).getCause());
                assertTrue(Files.size(path()) >= written.get(), () -> written + " bytes were written");
            }
        } finally {
            writer.shutdownNow();
        }
    }

    private interface Write {
        void run() throws IOException;
    }

    /** Writes until that throws, but less than a message, and expects the same of close. */
    private static void assertFails(Status.Code code, AudioWriterOutputStream out, Write write) {
        AudioWriterException e = assertThrows(AudioWriterException.class, () -> {
            for (int writes = 0; writes < 1000; writes++) {
                write.run();
                Thread.sleep(10);
            }
        });
        assertEquals(code, e.code());
        assertEquals(code, assertThrows(AudioWriterException.class, out::close).code());
    }

    /** Writes the frames, and returns how many messages the server received. */
    private static int messages(AudioWriterClient.Builder builder, AudioSink sink) throws Exception {
        int calls = servers.calls().size();
        try (AudioWriterClient client = builder.build()) {
            client.encodeStream(RAW, sink, out -> writeFrames(out, PCM, 0, PCM.length));
        }
        return received(calls);
    }

    private static void writeFrames(AudioWriterOutputStream out, byte[] pcm, int from, int end) throws IOException {
        byte[] frame = new byte[FRAME_BYTES]; // the same array each time, as producers do
        for (int at = from; at < end; at += FRAME_BYTES) {
            int size = Math.min(FRAME_BYTES, end - at);
            System.arraycopy(pcm, at, frame, 0, size);
            out.write(frame, 0, size);
        }
        Arrays.fill(frame, (byte) -1);
    }

    private static int received(int callsBefore) throws Exception {
        Fleet.await("the call has no log line", () -> servers.calls().size() > callsBefore);
        List<JsonObject> calls = servers.calls();
        return calls.get(calls.size() - 1).get("received").getAsInt();
    }

    private Path path() {
        return folder.resolve("file");
    }

    private List<Path> partFiles() throws IOException {
        try (var files = Files.list(folder)) {
            return files.filter(file -> file.toString().endsWith(".part")).toList();
        }
    }

    /** How many bytes of the file have arrived. */
    private long partBytes() throws IOException {
        List<Path> files = partFiles();
        assertEquals(1, files.size());
        return Files.size(files.get(0));
    }

    private static final class OwnSink implements AudioSink {
        @Override
        public void append(ByteBuffer bytes) {}

        @Override
        public void complete(ByteBuffer header) {}

        @Override
        public void abandon() {}
    }
}
