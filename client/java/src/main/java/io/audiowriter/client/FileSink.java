package io.audiowriter.client;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFileAttributeView;
import java.nio.file.attribute.PosixFilePermission;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Set;
import java.util.UUID;

/** A sink that writes to a temporary name and renames the file when it is complete. */
final class FileSink implements RestartableSink {
    /** Linux's limit for the length of a chain of symbolic links. */
    private static final int MAX_LINKS = 40;

    private static final Set<StandardOpenOption> NEW =
            Set.of(StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
    private static final FileAttribute<?> PRIVATE =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------"));

    private final Path file;
    private final Path temporary;
    private final FileChannel channel;
    private final ChannelSink content;

    FileSink(Path file) throws IOException {
        this.file = followLinks(file.toAbsolutePath());
        this.temporary = this.file.resolveSibling(".audiowriter-" + UUID.randomUUID() + ".part");
        this.channel = createLike(this.file);
        this.content = new ChannelSink(channel);
    }

    /** Returns the path that a chain of symbolic links leads to. Nothing has to be there. */
    private static Path followLinks(Path path) throws IOException {
        Path end = path;
        for (int links = 0; Files.isSymbolicLink(end); links++) {
            if (links == MAX_LINKS) {
                throw new FileSystemLoopException(path.toString());
            }
            end = end.getParent().toRealPath().resolve(Files.readSymbolicLink(end));
        }
        return end;
    }

    /** Creates the temporary file with the permissions of the old one, or, if there is none, of any new file. */
    private FileChannel createLike(Path old) throws IOException {
        PosixFileAttributeView view = Files.getFileAttributeView(old, PosixFileAttributeView.class);
        if (view == null || !Files.exists(old)) {
            // Not Files.createTempFile: it makes the file readable by its owner only and ignores the umask.
            return FileChannel.open(temporary, NEW);
        }
        Set<PosixFilePermission> permissions = view.readAttributes().permissions();
        // Created with few permissions, because the old file may be private.
        FileChannel created = FileChannel.open(temporary, NEW, PRIVATE);
        try {
            Files.setPosixFilePermissions(temporary, permissions);
        } catch (IOException ignored) {
            // Some file systems have no permissions.
        }
        return created;
    }

    @Override
    public void append(ByteBuffer bytes) throws IOException {
        content.append(bytes);
    }

    @Override
    public boolean restart() {
        return content.restart();
    }

    @Override
    public void complete(ByteBuffer header) throws IOException {
        content.complete(header);
        // Before the rename: otherwise a crash could leave the name without the bytes.
        channel.force(true);
        channel.close();
        Files.move(temporary, file, StandardCopyOption.ATOMIC_MOVE);
        syncFolder();
    }

    private void syncFolder() {
        try (FileChannel folder = FileChannel.open(file.getParent(), StandardOpenOption.READ)) {
            folder.force(true);
        } catch (IOException ignored) {
            // Not every system can sync folders, and the file is complete in any case.
        }
    }

    @Override
    public void abandon() throws IOException {
        try (channel) {
            Files.deleteIfExists(temporary);
        }
    }
}
