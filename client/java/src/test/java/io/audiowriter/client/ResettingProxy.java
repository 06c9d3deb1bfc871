package io.audiowriter.client;

import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.util.ArrayList;
import java.util.List;

/** Passes connections on to a server, and can reset a stream like a proxy that has lost the server behind it. */
final class ResettingProxy implements AutoCloseable {
    private final ServerSocket listener = new ServerSocket(0, 10, InetAddress.getLoopbackAddress());
    private final int port;
    private final List<Socket> sockets = new ArrayList<>();
    private volatile OutputStream toClient;

    ResettingProxy(TestServer server) throws IOException {
        this.port = server.port();
        start(this::accept);
    }

    String target() {
        return "127.0.0.1:" + listener.getLocalPort();
    }

    /** Sends RST_STREAM to the client. RFC 9113, section 6.4. Call it while the server sends nothing. */
    void reset(int stream, int error) throws IOException {
        toClient.write(new byte[] {0, 0, 4, 3, 0, 0, 0, 0, (byte) stream, 0, 0, 0, (byte) error});
    }

    private interface Work {
        void run() throws IOException;
    }

    private static void start(Work work) {
        Thread thread = new Thread(() -> {
            try {
                work.run();
            } catch (IOException e) {
                // A socket was closed.
            }
        });
        thread.setDaemon(true);
        thread.start();
    }

    private void accept() throws IOException {
        while (true) {
            Socket client = listener.accept();
            Socket server = new Socket(InetAddress.getLoopbackAddress(), port);
            synchronized (this) {
                sockets.addAll(List.of(client, server));
                toClient = client.getOutputStream();
            }
            start(() -> pass(server.getInputStream(), client.getOutputStream()));
            start(() -> pass(client.getInputStream(), server.getOutputStream()));
        }
    }

    private void pass(InputStream in, OutputStream out) throws IOException {
        byte[] buffer = new byte[64 * 1024];
        for (int count = in.read(buffer); count >= 0; count = in.read(buffer)) {
            out.write(buffer, 0, count);
        }
        out.close();
    }

    @Override
    public synchronized void close() throws IOException {
        listener.close();
        for (Socket socket : sockets) {
            socket.close();
        }
    }
}
