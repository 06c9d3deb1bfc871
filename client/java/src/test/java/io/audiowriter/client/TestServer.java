package io.audiowriter.client;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A real server as a child process on a free port of the loopback interface. AUDIOWRITER_SERVER sets another command to
 * start it with; AUDIOWRITER_TARGET sets a running server, for the tests that do not kill it.
 */
final class TestServer implements AutoCloseable {
    private static final String RUNNING = System.getenv("AUDIOWRITER_TARGET");
    private static final Path MODULE = Path.of(System.getProperty("basedir", "")).toAbsolutePath();

    private final Process process;
    private final String target;
    private final Path log;

    private TestServer(Process process, String target, Path log) {
        this.process = process;
        this.target = target;
        this.log = log;
    }

    /** Returns the running server, or starts one. */
    static TestServer get() throws IOException, InterruptedException {
        return RUNNING != null ? new TestServer(null, RUNNING, null) : start();
    }

    /** Starts a server that the test may kill. */
    static TestServer start(String... flags) throws IOException, InterruptedException {
        return start(freePort(), command(), flags);
    }

    /** Starts a server on a port with a command to which the flags are added. */
    static TestServer start(int port, List<String> program, String... flags) throws IOException, InterruptedException {
        List<String> command = new ArrayList<>(program);
        command.addAll(List.of("--host", "127.0.0.1", "--port", Integer.toString(port)));
        command.addAll(List.of(flags));
        Path log = Files.createTempFile(MODULE.resolve("target"), "server-" + port + "-", ".log");
        Process process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(log.toFile())
                .start();
        TestServer server = new TestServer(process, "127.0.0.1:" + port, log);
        for (int tries = 0; tries < 200 && process.isAlive(); tries++) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress("127.0.0.1", port));
                return server;
            } catch (IOException e) {
                Thread.sleep(100);
            }
        }
        server.close();
        throw new IOException("the server did not start: " + command + ", see " + log);
    }

    /** A port on which no server listens. */
    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    static List<String> command() {
        String command = System.getenv("AUDIOWRITER_SERVER");
        if (command != null) {
            return List.of(command.split(" "));
        }
        return List.of(MODULE.resolve("../../.venv/bin/python").toString(), "-m", "audiowriter_server");
    }

    String target() {
        return target;
    }

    int port() {
        return Integer.parseInt(target.substring(target.lastIndexOf(':') + 1));
    }

    boolean isAlive() {
        return process.isAlive();
    }

    /** Asks the server to drain. */
    void terminate() {
        process.destroy();
    }

    /** The lines that the server has logged so far. */
    List<String> log() throws IOException {
        return Files.readAllLines(log);
    }

    AudioWriterClient client() {
        return AudioWriterClient.builder(target).plaintext().build();
    }

    /** Kills the server without warning, like a crash. */
    void kill() {
        process.destroyForcibly().onExit().join();
    }

    @Override
    public void close() {
        if (process != null) {
            kill();
        }
    }
}
