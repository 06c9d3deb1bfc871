package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.Totals;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(120)
class LoadTest {
    private static final StreamConfig WAV = Audio.config(AudioFormat.AUDIO_FORMAT_WAV);

    @TempDir
    Path folder;

    /** More than all buffers in between hold, and nearly the size of these tests' heap. */
    @Test
    void aHundredMegabytesAreEncoded() throws Exception {
        byte[] pcm = Audio.sine(500_000);
        Path file = folder.resolve("long.wav");
        try (TestServer server = TestServer.get(); AudioWriterClient client = server.client()) {
            Totals totals = client.encodeStream(WAV, AudioSink.of(file), out -> {
                for (int i = 0; i < 100; i++) {
                    out.write(pcm);
                }
            });
            assertEquals(100 * 500_000L, totals.getInputSamples());
            assertEquals(totals.getFileBytes(), Files.size(file));
        }
    }

    @Test
    void twentyConcurrentStreamsLeaveNeitherThreadsNorFiles() throws Exception {
        byte[] pcm = Audio.sine(Audio.RATE);
        Set<Long> before = threads();
        ExecutorService writers = Executors.newFixedThreadPool(20);
        try (TestServer server = TestServer.get(); AudioWriterClient client = server.client()) {
            List<Future<Totals>> streams = new ArrayList<>();
            for (int i = 0; i < 20; i++) {
                Path file = folder.resolve(i + ".flac");
                StreamConfig config = Audio.config(AudioFormat.AUDIO_FORMAT_FLAC);
                streams.add(writers.submit(() -> client.encodeStream(config, AudioSink.of(file), out -> {
                    for (int from = 0; from < pcm.length; from += 960) { // 20 ms
                        out.write(pcm, from, 960);
                    }
                })));
            }
            for (Future<Totals> stream : streams) {
                assertEquals(Audio.RATE, stream.get().getOutputSamples());
            }
        } finally {
            writers.shutdown();
        }
        try (var files = Files.list(folder)) {
            assertEquals(20, files.count());
        }
        // gRPC keeps its shared threads for one second after the last channel is closed.
        for (int tries = 0; !before.containsAll(threads()); tries++) {
            assertTrue(tries < 100, () -> "threads left: " + Thread.getAllStackTraces().keySet());
            Thread.sleep(100);
        }
    }

    private static Set<Long> threads() {
        return Thread.getAllStackTraces().keySet().stream().map(Thread::getId).collect(Collectors.toSet());
    }
}
