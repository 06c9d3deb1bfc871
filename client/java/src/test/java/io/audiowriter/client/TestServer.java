package io.audiowriter.client;

import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A real server as a child process on a free port of the loopback interface. AUDIOWRITER_SERVER is another command to
 * start it with; AUDIOWRITER_TARGET is one that runs already, for the tests that need not kill theirs.
 */
final class TestServer implements AutoCloseable {
    private static final String RUNNING = System.getenv("AUDIOWRITER_TARGET");
    private static final Path MODULE = Path.of(System.getProperty("basedir", "")).toAbsolutePath();

    private final Process process;
    private final String target;

    private TestServer(Process process, String target) {
        this.process = process;
        this.target = target;
    }

    /** The running one, or a new one. */
    static TestServer get() throws IOException, InterruptedException {
        return RUNNING != null ? new TestServer(null, RUNNING) : start();
    }

    /** A new one, whose death harms nobody. */
    static TestServer start() throws IOException, InterruptedException {
        int port = freePort();
        List<String> command = new ArrayList<>(command());
        command.addAll(List.of("--host", "127.0.0.1", "--port", Integer.toString(port)));
        Path log = MODULE.resolve("target/server-" + port + ".log");
        Process process = new ProcessBuilder(command)
                .redirectOutput(ProcessBuilder.Redirect.DISCARD)
                .redirectError(log.toFile())
                .start();
        TestServer server = new TestServer(process, "127.0.0.1:" + port);
        for (int tries = 0; tries < 200 && process.isAlive(); tries++) {
            try (Socket socket = new Socket()) {
                socket.connect(new InetSocketAddress("127.0.0.1", port));
                return server;
            } catch (IOException e) {
                Thread.sleep(100);
            }
        }
        server.close();
        throw new IOException("no server: " + command + ", see " + log);
    }

    /** A port where nobody listens. */
    static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            return socket.getLocalPort();
        }
    }

    private static List<String> command() {
        String command = System.getenv("AUDIOWRITER_SERVER");
        if (command != null) {
            return List.of(command.split(" "));
        }
        return List.of(MODULE.resolve("../../.venv/bin/python").toString(), "-m", "audiowriter_server");
    }

    String target() {
        return target;
    }

    AudioWriterClient client() {
        return AudioWriterClient.builder(target).plaintext().build();
    }

    /** As a crash does. */
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
