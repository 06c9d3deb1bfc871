package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.Totals;
import io.grpc.Context;
import io.grpc.Status;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Streams that are not resumed after the loss of their server, and the exceptions that say why. */
@Timeout(60)
class ResumeFailureTest {
    private static final byte[] PCM = ResumeTest.PCM;
    private static final int PART = ResumeTest.PART;

    private static final String OTHER_VERSION = """
            import sys, audiowriter_core.muxers.ogg_opus as muxer
            from audiowriter_server.__main__ import main
            comments = muxer.comments
            muxer.comments = lambda vendor, tags: comments("another version", tags)
            sys.exit(main())
            """;

    @TempDir
    Path folder;

    private final ByteArrayOutputStream live = new ByteArrayOutputStream();

    @Test
    void theLastFailureIsThrownAfterTheResumeTimeout() throws Exception {
        try (Fleet fleet = new Fleet(1);
                AudioWriterClient client = fleet.builder().resumeTimeout(Duration.ofSeconds(1)).build()) {
            AudioWriterOutputStream out = client.openStream(ResumeTest.RAW, AudioSink.of(folder.resolve("file")));
            out.write(PCM);
            out.flushEncoder();
            fleet.killHolder();
            long begin = System.nanoTime();
            AudioWriterException e = assertThrows(AudioWriterException.class, out::close);
            double seconds = (System.nanoTime() - begin) / 1e9;
            assertTrue(0.1 < seconds && seconds < 10, () -> "thrown after " + seconds + " s");
            assertEquals(Status.Code.UNAVAILABLE, e.code());
            assertTrue(e.getMessage().endsWith("; not resumed within resumeTimeout=PT1S"), e.getMessage());
        }
        try (var files = Files.list(folder)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @ParameterizedTest
    @CsvSource({"191999, 60", "0, 60", "1000000, 0"})
    void aStreamThatIsNotKeptIsNotResumed(long spoolBytes, long timeoutSeconds) throws Exception {
        try (Fleet fleet = new Fleet(2);
                AudioWriterClient client = fleet.builder()
                        .spoolBytes(spoolBytes)
                        .resumeTimeout(Duration.ofSeconds(timeoutSeconds))
                        .build()) {
            AudioWriterOutputStream out = client.openStream(ResumeTest.RAW, AudioSink.of(live));
            out.write(PCM);
            out.flushEncoder();
            fleet.killHolder();
            AudioWriterException e = assertThrows(AudioWriterException.class, out::close);
            assertEquals(Status.Code.UNAVAILABLE, e.code());
            assertEquals(PCM.length, e.bytesReceived());
            assertEquals(PCM.length / 2, e.inputSamples());
            assertEquals(timeoutSeconds > 0, e.getMessage().contains("spoolBytes"), e.getMessage());
        }
        assertArrayEquals(PCM, live.toByteArray());
    }

    @Test
    void aFailureOfTheSinkIsThrownWhileTheStreamIsResumed() throws Exception {
        IOException full = new IOException("No space left on device");
        CountDownLatch killed = new CountDownLatch(1);
        OutputStream sink = new OutputStream() {
            @Override
            public void write(int b) throws IOException {
                if (killed.getCount() == 0) {
                    throw full;
                }
            }
        };
        try (Fleet fleet = new Fleet(2); AudioWriterClient client = fleet.builder().build()) {
            AudioWriterOutputStream out = client.openStream(ResumeTest.RAW, AudioSink.of(sink));
            out.write(PCM, 0, PART);
            out.flushEncoder();
            killed.countDown();
            fleet.killHolder();
            IOException e = assertThrows(IOException.class, () -> {
                out.write(PCM, PART, PCM.length - PART);
                out.close();
            });
            assertEquals(full, e.getCause());
        }
    }

    @Test
    void anotherVersionIsRefusedForAListenerButNotForAFile() throws Exception {
        AudioWriterException e =
                assertThrows(AudioWriterException.class, () -> goOnWithAnotherVersion(AudioSink.of(live)));
        assertEquals(Status.Code.ABORTED, e.code());
        assertEquals("RESUME_MISMATCH", e.reason().orElseThrow());
        assertTrue(live.size() > 0);
        assertEquals(live.size(), e.bytesReceived());
        assertTrue(0 < e.inputSamples() && e.inputSamples() <= PART / 2, () -> e.inputSamples() + " samples");

        Path file = folder.resolve("file");
        Totals totals = goOnWithAnotherVersion(AudioSink.of(file));
        assertEquals(PCM.length / 2, totals.getInputSamples());
        assertEquals(Files.size(file), totals.getFileBytes());
    }

    private static Totals goOnWithAnotherVersion(AudioSink sink) throws Exception {
        try (Fleet fleet = new Fleet(1); AudioWriterClient client = fleet.builder().build()) {
            AudioWriterOutputStream out =
                    client.openStream(Audio.config(AudioFormat.AUDIO_FORMAT_OGG_OPUS), sink);
            out.write(PCM, 0, PART);
            out.flushEncoder();
            fleet.revive(
                    fleet.killHolder(), List.of(TestServer.command().get(0), "-c", OTHER_VERSION));
            out.write(PCM, PART, PCM.length - PART);
            out.close();
            return out.result();
        }
    }

    @Test
    void refusedPcmIsThrownAtOnce() throws Exception {
        try (Fleet fleet = new Fleet(2); AudioWriterClient client = fleet.builder().build()) {
            AudioWriterOutputStream out = client.openStream(ResumeTest.RAW, AudioSink.of(live));
            out.write(PCM, 0, PART);
            fleet.killHolder();
            // The new server refuses the incomplete sample at the end.
            AudioWriterException e = assertThrows(AudioWriterException.class, out::close);
            assertEquals(Status.Code.INVALID_ARGUMENT, e.code());
        }
    }

    /** NO_ERROR, PROTOCOL_ERROR, INTERNAL_ERROR, REFUSED_STREAM, CANCEL and ENHANCE_YOUR_CALM. RFC 9113, section 7. */
    @ParameterizedTest
    @CsvSource({"0, true", "1, true", "2, true", "7, true", "8, true", "11, false"})
    void aStreamIsResumedAfterAResetUnlessItIsALimit(int error, boolean resumed) throws Exception {
        try (TestServer server = TestServer.start();
                ResettingProxy proxy = new ResettingProxy(server);
                AudioWriterClient client =
                        AudioWriterClient.builder(proxy.target()).plaintext().build()) {
            AudioWriterOutputStream out = client.openStream(ResumeTest.RAW, AudioSink.of(live));
            out.write(PCM, 0, PART);
            out.flushEncoder();
            Thread.sleep(200); // until the server is silent
            proxy.reset(3, error);
            if (resumed) {
                out.write(PCM, PART, PCM.length - PART);
                out.close();
                assertArrayEquals(PCM, live.toByteArray());
            } else {
                AudioWriterException e = assertThrows(AudioWriterException.class, out::close);
                assertEquals(Status.Code.RESOURCE_EXHAUSTED, e.code());
            }
        }
    }

    @ParameterizedTest
    @ValueSource(strings = {"cancel", "close", "interrupt", "deadline"})
    void theCallerCanEndAStreamThatHasNoServer(String how) throws Exception {
        ScheduledExecutorService later = Executors.newSingleThreadScheduledExecutor();
        Context.CancellableContext context = how.equals("deadline")
                ? Context.current().withDeadlineAfter(5, TimeUnit.SECONDS, later)
                : Context.current().withCancellation();
        Fleet fleet = new Fleet(1);
        AudioWriterClient client = fleet.builder().build();
        try {
            AudioWriterOutputStream out =
                    context.call(() -> client.openStream(ResumeTest.RAW, AudioSink.of(folder.resolve("file"))));
            out.write(PCM);
            out.flushEncoder();
            fleet.killHolder();
            Thread writer = Thread.currentThread();
            later.schedule(() -> {
                switch (how) {
                    case "cancel" -> out.cancel();
                    case "close" -> client.close();
                    case "interrupt" -> writer.interrupt();
                    default -> {}
                }
            }, 300, TimeUnit.MILLISECONDS);
            long begin = System.nanoTime();
            IOException e = assertThrows(IOException.class, () -> {
                while (true) {
                    out.write(PCM);
                }
            });
            double seconds = (System.nanoTime() - begin) / 1e9;
            assertTrue(seconds < 10, () -> how + " took " + seconds + " s");
            if (e instanceof AudioWriterException failed) {
                assertEquals(how.equals("cancel") ? Status.Code.CANCELLED : Status.Code.UNAVAILABLE, failed.code());
            } else {
                assertEquals("interrupt", how);
                assertTrue(Thread.interrupted());
            }
            if (how.equals("cancel")) {
                out.close();
            } else {
                assertThrows(IOException.class, out::close);
            }
        } finally {
            context.cancel(null);
            later.shutdownNow();
            client.close();
            fleet.close();
        }
        try (var files = Files.list(folder)) {
            assertEquals(List.of(), files.toList());
        }
    }

    @Test
    void negativeOptionsAreRefused() {
        AudioWriterClient.Builder builder = AudioWriterClient.builder("localhost:1");
        for (Runnable each : Arrays.<Runnable>asList(
                () -> builder.resumeTimeout(Duration.ofMillis(-1)), () -> builder.spoolBytes(-1))) {
            IllegalArgumentException e = assertThrows(IllegalArgumentException.class, each::run);
            assertTrue(e.getMessage().contains("expected"), e.getMessage());
        }
    }
}
