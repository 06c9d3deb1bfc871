package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.audiowriter.v1.AudioFormat;
import io.audiowriter.v1.EncodeResponse;
import io.audiowriter.v1.SampleFormat;
import io.audiowriter.v1.StreamConfig;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class CommandTest {
    private static final byte[] PCM = Audio.sine(Audio.RATE);
    private static TestServer server;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() throws Exception {
        server = TestServer.get();
    }

    @AfterAll
    static void stop() {
        server.close();
    }

    @Test
    void aWavFileBecomesAnMp3() throws Exception {
        Path in = folder.resolve("in.wav");
        try (AudioWriterClient client = server.client()) {
            EncodeResponse wav = client.encode(Audio.config(AudioFormat.AUDIO_FORMAT_WAV), PCM);
            Files.write(in, wav.getFile().toByteArray());
        }
        Path out = folder.resolve("out.mp3");
        Run run = run(new byte[0], in.toString(), out.toString());
        assertEquals(0, run.status, run.output);
        assertTrue(run.output.contains("1.000 s"), run.output);
        assertTrue(Files.size(out) > 1000);
    }

    @Test
    void aWavFileOfMulawIsCopied() throws Exception {
        byte[] codes = new byte[256];
        for (int i = 0; i < codes.length; i++) {
            codes[i] = (byte) i;
        }
        Path wav = folder.resolve("out.wav");
        Run encoded = run(codes, "--rate", "8000", "--sample-format", "mulaw", "-", folder.resolve("a.ul").toString());
        assertEquals(0, encoded.status, encoded.output);
        assertArrayEquals(codes, Files.readAllBytes(folder.resolve("a.ul")));
        try (AudioWriterClient client = server.client()) {
            StreamConfig.Builder config = Audio.config(AudioFormat.AUDIO_FORMAT_WAV_MULAW).toBuilder();
            config.getInputBuilder().setSampleFormat(SampleFormat.SAMPLE_FORMAT_MULAW);
            Files.write(wav, client.encode(config.build(), codes).getFile().toByteArray());
        }
        Run copied = run(new byte[0], wav.toString(), folder.resolve("b.ul").toString());
        assertEquals(0, copied.status, copied.output);
        assertArrayEquals(codes, Files.readAllBytes(folder.resolve("b.ul")));
    }

    @Test
    void rawPcmBecomesAFlac() throws Exception {
        Path out = folder.resolve("out.flac");
        Run run = run(PCM, "--rate", "24000", "-", out.toString());
        assertEquals(0, run.status, run.output);
        assertEquals("fLaC", new String(Files.readAllBytes(out), 0, 4));
    }

    @Test
    void theResumeTimeoutIsANumberOfSeconds() throws Exception {
        Path out = folder.resolve("out.flac");
        for (String value : List.of("-1", "nan", "NaN", "soon")) {
            Run run = run(PCM, "--resume-timeout", value, "--rate", "24000", "-", out.toString());
            assertEquals(2, run.status, run.output);
            assertTrue(run.output.contains("--resume-timeout: invalid value " + value), run.output);
        }
        Run run = run(PCM, "--resume-timeout", "0.5", "--rate", "24000", "-", out.toString());
        assertEquals(0, run.status, run.output);
    }

    @Test
    void anErrorForAnUnknownExtensionListsTheKnownOnes() throws Exception {
        Path out = folder.resolve("out.txt");
        Run run = run(PCM, "--rate", "24000", "-", out.toString());
        assertEquals(2, run.status, run.output);
        assertTrue(run.output.contains(".mp3"), run.output);
        assertFalse(Files.exists(out));
    }

    @Test
    void aRefusedConfigIsAnErrorAndLeavesNoFile() throws Exception {
        Path out = folder.resolve("out.flac");
        Run run = run(PCM, "--rate", "0", "-", out.toString());
        assertEquals(1, run.status, run.output);
        assertTrue(run.output.contains("sample_rate_hz"), run.output);
        assertFalse(Files.exists(out));
    }

    @Test
    void aTerminatedProcessLeavesNoFile() throws Exception {
        Process process = command("--rate", "24000", "-", folder.resolve("out.wav").toString());
        try (OutputStream stdin = process.getOutputStream()) {
            stdin.write(PCM);
            stdin.flush();
            while (bytesIn(folder) < PCM.length) {
                Thread.sleep(10);
            }
            process.toHandle().destroy(); // Process.destroy would also close standard input and so finish the file.
            process.waitFor();
        }
        assertEquals(0, bytesIn(folder));
    }

    private record Run(int status, String output) {}

    private static Run run(byte[] stdin, String... arguments) throws Exception {
        Process process = command(arguments);
        try (OutputStream out = process.getOutputStream()) {
            out.write(stdin);
        }
        String output = new String(process.getInputStream().readAllBytes());
        return new Run(process.waitFor(), output);
    }

    private static Process command(String... arguments) throws Exception {
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp", System.getProperty("java.class.path"),
                Command.class.getName(),
                "--target", server.target()));
        command.addAll(List.of(arguments));
        return new ProcessBuilder(command).redirectErrorStream(true).start();
    }

    private static long bytesIn(Path folder) throws Exception {
        try (var files = Files.list(folder)) {
            return files.mapToLong(file -> file.toFile().length()).sum();
        }
    }
}
