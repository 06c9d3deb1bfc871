package io.audiowriter.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;

/** A sink that writes a file into a channel, from the channel's initial position on. */
final class ChannelSink implements RestartableSink {
    private final SeekableByteChannel channel;
    private final long start;

    ChannelSink(SeekableByteChannel channel) throws IOException {
        this.channel = channel;
        this.start = channel.position();
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
        while (bytes.hasRemaining()) {
            channel.write(bytes);
        }
    }

    @Override
    public boolean restart() {
        try {
            if (channel.position() != channel.size()) {
                return false; // other bytes follow
            }
            channel.truncate(start).position(start);
            return true;
        } catch (IOException | UnsupportedOperationException e) {
            return false;
        }
    }

    @Override
    public void complete(ByteBuffer header) throws IOException {
        long end = channel.position();
        channel.position(start);
        append(header);
        channel.position(end);
    }

    @Override
    public void abandon() {}
}
