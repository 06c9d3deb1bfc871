package io.audiowriter.client;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.Channels;
import java.nio.channels.WritableByteChannel;

/** A sink that writes the live bytes and the trailer to a stream. */
final class StreamSink implements AudioSink {
    private final OutputStream out;
    private final WritableByteChannel channel;

    StreamSink(OutputStream out) {
        this.out = out;
        this.channel = Channels.newChannel(out);
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
        channel.write(bytes);
        out.flush();
    }

    @Override
    public void complete(ByteBuffer header) {}

    @Override
    public void abandon() {}
}
