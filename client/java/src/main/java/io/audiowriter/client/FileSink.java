package io.audiowriter.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.UUID;

/** A sink that writes to a temporary name and renames the file when it is complete. */
final class FileSink implements AudioSink {
    private final Path file;
    private final Path temporary;
    private final FileChannel channel;
    private final ChannelSink content;

    FileSink(Path file) throws IOException {
        boolean exists = Files.exists(file);
        if (exists && !Files.isRegularFile(file)) {
            throw new FileSystemException(file.toString(), null, "not a regular file");
        }
        this.file = exists ? file.toRealPath() : file; // a symbolic link remains a link
        this.temporary = this.file.resolveSibling(".audiowriter-" + UUID.randomUUID() + ".part");
        // Not Files.createTempFile: it makes the file readable by its owner only and ignores the umask.
        this.channel = FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
        this.content = new ChannelSink(channel);
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
        content.append(bytes);
    }

    @Override
    public void complete(ByteBuffer header) throws IOException {
        content.complete(header);
        // Before the rename: otherwise a crash could leave the name without the bytes.
        channel.force(true);
        channel.close();
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
    }

    @Override
    public void abandon() throws IOException {
        try (channel) {
            Files.deleteIfExists(temporary);
        }
    }
}
