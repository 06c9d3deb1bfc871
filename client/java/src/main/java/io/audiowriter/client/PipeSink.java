package io.audiowriter.client;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;

/** A named pipe or a device: it gets the live bytes, is closed at the end, and is never replaced. */
final class PipeSink implements AudioSink {
    private final OutputStream out;
    private final StreamSink content;

    PipeSink(Path path) throws IOException {
        this.out = Files.newOutputStream(path, StandardOpenOption.WRITE);
        this.content = new StreamSink(out);
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
        content.append(bytes);
    }

    @Override
    public void complete(ByteBuffer header) throws IOException {
        out.close();
    }

    @Override
    public void abandon() throws IOException {
        out.close();
    }
}
