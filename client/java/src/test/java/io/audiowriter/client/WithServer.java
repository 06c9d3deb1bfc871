package io.audiowriter.client;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.io.TempDir;

/** Tests that share one real server and a client of it. */
abstract class WithServer {
    static TestServer server;
    static AudioWriterClient client;

    @TempDir
    Path folder;

    @BeforeAll
    static void start() throws Exception {
        server = TestServer.get();
        client = server.client();
    }

    @AfterAll
    static void stop() {
        client.close();
        server.close();
    }

    /** The files in the folder. */
    List<Path> list() throws IOException {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }
}
