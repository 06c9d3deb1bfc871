package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.FileSystemLoopException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

@Timeout(value = 60, threadMode = Timeout.ThreadMode.SEPARATE_THREAD)
class PathSinkTest {
    @TempDir
    Path folder;

    @ParameterizedTest
    @ValueSource(strings = {"rw-------", "rw-r--r--", "rwxrwxrwx"})
    void aReplacedFileKeepsItsPermissionsFromTheStart(String permissions) throws Exception {
        Path file = Files.createFile(folder.resolve("a.wav"));
        Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(permissions));
        AudioSink sink = AudioSink.of(file);
        assertEquals(2, list(folder).size());
        for (Path path : list(folder)) {
            assertEquals(permissions, permissionsOf(path));
        }
        sink.complete(ByteBuffer.allocate(0));
        assertEquals(permissions, permissionsOf(file));
        assertEquals(List.of(file), list(folder));
    }

    @Test
    void aNewFileHasThePermissionsOfAnyNewFile() throws Exception {
        write(folder.resolve("a.wav"));
        assertEquals(
                permissionsOf(Files.createFile(folder.resolve("b"))), permissionsOf(folder.resolve("a.wav")));
    }

    @Test
    void aNameMayHave255Bytes() throws Exception {
        Path file = folder.resolve("x".repeat(255));
        write(file);
        assertEquals("HEadbody", Files.readString(file));
    }

    @Test
    void aLinkStaysALinkAndItsTargetIsReplaced() throws Exception {
        Path target = Files.createDirectory(folder.resolve("a")).resolve("target");
        Path link = Files.createSymbolicLink(folder.resolve("link"), Path.of("between"));
        Files.createSymbolicLink(folder.resolve("between"), Path.of("a/target"));
        for (String content : List.of("missing", "old")) {
            if (content.equals("old")) {
                Files.writeString(target, content);
            }
            write(link);
            assertTrue(Files.isSymbolicLink(link), content);
            assertTrue(Files.isSymbolicLink(folder.resolve("between")), content);
            assertEquals("HEadbody", Files.readString(target));
            assertEquals(List.of(target), list(target.getParent()));
        }
    }

    @Test
    void aLoopOfLinksIsRefused() throws Exception {
        Path link = Files.createSymbolicLink(folder.resolve("a"), Path.of("b"));
        Files.createSymbolicLink(folder.resolve("b"), Path.of("a"));
        assertThrows(FileSystemLoopException.class, () -> AudioSink.of(link));
        assertEquals(2, list(folder).size());
    }

    @Test
    void aNamedPipeGetsTheLiveBytes() throws Exception {
        Path pipe = folder.resolve("pipe");
        assertEquals(0, new ProcessBuilder("mkfifo", pipe.toString()).start().waitFor());
        CompletableFuture<String> received = CompletableFuture.supplyAsync(() -> {
            try {
                return Files.readString(pipe);
            } catch (IOException e) {
                return e.toString();
            }
        });
        write(pipe);
        assertEquals("headbody", received.get(30, TimeUnit.SECONDS));
        assertTrue(Files.readAttributes(pipe, "isOther").containsValue(true));
        assertEquals(List.of(pipe), list(folder));
    }

    @Test
    void aDeviceIsNotReplaced() throws Exception {
        write(Path.of("/dev/null"));
        assertFalse(Files.isRegularFile(Path.of("/dev/null")));
    }

    @Test
    void aFolderIsRefusedAtOnce() {
        assertThrows(IOException.class, () -> AudioSink.of(folder));
    }

    private static void write(Path path) throws IOException {
        AudioSink sink = AudioSink.of(path);
        sink.append(ByteBuffer.wrap("headbo".getBytes()));
        sink.append(ByteBuffer.wrap("dy".getBytes()));
        sink.complete(ByteBuffer.wrap("HE".getBytes()));
    }

    private static String permissionsOf(Path path) throws IOException {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path));
    }

    private static List<Path> list(Path folder) throws IOException {
        try (var files = Files.list(folder)) {
            return files.toList();
        }
    }
}
