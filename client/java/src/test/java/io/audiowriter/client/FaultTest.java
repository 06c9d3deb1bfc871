package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.StreamConfig;
import io.grpc.Status;
import java.io.IOException;
import java.io.InterruptedIOException;
import java.io.UncheckedIOException;
import java.nio.ByteBuffer;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class FaultTest extends WithServer {
    private static final byte[] SECOND = Audio.sine(Audio.RATE);
    private static final StreamConfig WAV = Audio.config(AudioFormat.AUDIO_FORMAT_WAV);

    /** No test of this class leaves a file. */
    @AfterEach
    void theFolderIsEmpty() throws IOException {
        assertEquals(List.of(), list());
    }

    @Test
    void aKilledServerFailsWriteAndCloseOfAStreamThatIsNotResumed() throws Exception {
        try (TestServer own = TestServer.start();
                AudioWriterClient ownClient = AudioWriterClient.builder(own.target())
                        .plaintext()
                        .resumeTimeout(Duration.ZERO)
                        .build()) {
            AudioWriterException e = assertThrows(AudioWriterException.class, () -> {
                try (AudioWriterOutputStream out = ownClient.openStream(WAV, file())) {
                    out.write(SECOND);
                    out.started();
                    own.kill();
                    while (true) {
                        out.write(SECOND);
                    }
                }
            });
            assertEquals(Status.Code.UNAVAILABLE, e.code());
            assertEquals(1, e.getSuppressed().length);
        }
    }

    @Test
    void withoutAServerAStreamFails() throws Exception {
        try (AudioWriterClient nowhere =
                AudioWriterClient.builder("127.0.0.1:" + TestServer.freePort()).plaintext().build()) {
            AudioWriterException e =
                    assertThrows(AudioWriterException.class, () -> nowhere.openStream(WAV, file()));
            assertEquals(Status.Code.UNAVAILABLE, e.code());
            assertThrows(AudioWriterException.class, nowhere::listFormats);
        }
    }

    @Test
    void closingTheClientFailsItsStreams() throws Exception {
        AudioWriterClient own = server.client();
        AudioWriterOutputStream out = own.openStream(WAV, file());
        out.write(SECOND);
        own.close();
        AudioWriterException e = assertThrows(AudioWriterException.class, out::close);
        assertEquals(Status.Code.UNAVAILABLE, e.code());
    }

    @Test
    void aCancelledStreamRejectsWritesAndClosesWithoutAnException() throws Exception {
        AudioWriterOutputStream out = client.openStream(WAV, file());
        out.write(SECOND);
        out.cancel();
        out.cancel();
        AudioWriterException e = assertThrows(AudioWriterException.class, () -> out.write(SECOND));
        assertEquals(Status.Code.CANCELLED, e.code());
        out.close();
        assertThrows(IllegalStateException.class, out::result);
    }

    @Test
    void aFailingSourceCancelsTheStream() {
        IllegalStateException failure = new IllegalStateException("microphone unplugged");
        Exception e = assertThrows(IllegalStateException.class, () -> client.encodeStream(WAV, file(), out -> {
            out.write(SECOND);
            throw failure;
        }));
        assertSame(failure, e);
        assertEquals(0, e.getSuppressed().length);
    }

    @Test
    void aFailingSinkCancelsTheStream() {
        IOException failure = new IOException("disk full");
        TestSink sink = new TestSink() {
            @Override
            public void append(ByteBuffer bytes) throws IOException {
                throw failure;
            }
        };
        IOException e = assertThrows(
                IOException.class, () -> client.encodeStream(WAV, sink, out -> out.write(SECOND)));
        assertSame(failure, rootOf(e));
        assertTrue(sink.abandoned);
    }

    @Test
    void aSinkThatFailsToCompleteIsAbandoned() {
        IOException failure = new IOException("disk full");
        TestSink sink = new TestSink() {
            @Override
            public void complete(ByteBuffer header) throws IOException {
                throw failure;
            }
        };
        assertSame(failure, assertThrows(
                IOException.class, () -> client.encodeStream(WAV, sink, out -> out.write(SECOND))));
        assertTrue(sink.abandoned);
    }

    @Test
    void aSlowSinkBlocksTheWriterAndReceivesEverything() throws Exception {
        StuckSink sink = new StuckSink();
        AtomicLong written = new AtomicLong();
        AudioWriterOutputStream out = client.openStream(WAV, sink);
        Thread writer = writer(out, written, 1000);
        assertStalls(written);
        sink.release.countDown();
        writer.join();
        out.close();
        assertEquals(1000L * SECOND.length, written.get());
        assertEquals(out.result().getFileBytes(), sink.length);
    }

    @Test
    void aBlockedWriterCanBeCancelled() throws Exception {
        StuckSink sink = new StuckSink();
        AtomicLong written = new AtomicLong();
        AudioWriterOutputStream out = client.openStream(WAV, sink);
        Thread writer = writer(out, written, 1000);
        assertStalls(written);
        out.cancel();
        writer.join();
        sink.release.countDown();
        out.close();
        assertTrue(sink.abandoned);
        assertTrue(written.get() < 1000L * SECOND.length);
    }

    @Test
    void anInterruptCancelsTheStream() throws Exception {
        AudioWriterOutputStream out = client.openStream(WAV, file());
        out.write(SECOND);
        Thread.currentThread().interrupt();
        assertThrows(InterruptedIOException.class, out::close);
        assertTrue(Thread.interrupted());
    }

    @Test
    void aMissingFolderOrAPathThatIsNoFileFailsAtOnce() {
        assertThrows(IOException.class, () -> AudioSink.of(folder.resolve("none").resolve("a.wav")));
        assertThrows(IOException.class, () -> AudioSink.of(folder));
    }

    private AudioSink file() throws IOException {
        return AudioSink.of(folder.resolve("out"));
    }

    private static Thread writer(AudioWriterOutputStream out, AtomicLong written, int seconds) {
        Thread thread = new Thread(() -> {
            try {
                for (int i = 0; i < seconds; i++) {
                    out.write(SECOND);
                    written.addAndGet(SECOND.length);
                }
            } catch (AudioWriterException e) {
                assertEquals(Status.Code.CANCELLED, e.code());
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        });
        thread.start();
        return thread;
    }

    private static void assertStalls(AtomicLong written) throws InterruptedException {
        long before = -1;
        for (int tries = 0; written.get() != before; tries++) {
            assertTrue(tries < 20, "write did not block within 20 s");
            before = written.get();
            Thread.sleep(1000);
        }
        assertFalse(before == 1000L * SECOND.length, "write never blocked");
    }

    private static Throwable rootOf(Throwable thrown) {
        return thrown.getCause() == null ? thrown : rootOf(thrown.getCause());
    }

    private static class TestSink implements AudioSink {
        long length;
        volatile boolean abandoned;

        @Override
        public void append(ByteBuffer chunk) throws IOException {
            length += chunk.remaining();
        }

        @Override
        public void complete(ByteBuffer header) throws IOException {}

        @Override
        public void abandon() {
            abandoned = true;
        }
    }

    private static final class StuckSink extends TestSink {
        final CountDownLatch release = new CountDownLatch(1);

        @Override
        public void append(ByteBuffer chunk) {
            try {
                release.await();
            } catch (InterruptedException e) {
                throw new IllegalStateException(e);
            }
            length += chunk.remaining();
        }
    }
}
