package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.EncodeStreamRequest;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class SpoolTest {
    private static final int MESSAGE_BYTES = 256 * 1024;

    @TempDir
    Path folder;

    private String temporary;

    @BeforeEach
    void setFolder() {
        temporary = System.setProperty("java.io.tmpdir", folder.toString());
    }

    @AfterEach
    void theFolderIsEmpty() throws IOException {
        System.setProperty("java.io.tmpdir", temporary);
        try (var files = Files.list(folder)) {
            assertEquals(List.of(), files.toList());
        }
    }

    /** The sizes end in memory, at the limit of the memory, and in the file with its buffer. */
    @Test
    void theSameIsTakenTwice() throws Exception {
        for (int pieces : new int[] {0, 1, 30, 60, 100, 300}) {
            Random random = new Random(pieces);
            Spool spool = new Spool(Spool.DEFAULT_LIMIT_BYTES);
            List<ByteString> runs = new ArrayList<>(); // a flush follows each but the last
            ByteString run = ByteString.EMPTY;
            for (int i = 0; i < pieces; i++) {
                byte[] pcm = new byte[random.nextInt(MESSAGE_BYTES)];
                random.nextBytes(pcm);
                boolean flush = i % 4 == 0;
                spool.add(ByteString.copyFrom(pcm), flush);
                run = run.concat(ByteString.copyFrom(pcm));
                if (flush) {
                    spool.add(ByteString.EMPTY, true); // twice at one position
                    runs.addAll(List.of(run, ByteString.EMPTY));
                    run = ByteString.EMPTY;
                }
            }
            runs.add(run);
            assertFalse(spool.isBehind());
            for (int time = 0; time < 2; time++) {
                spool.rewind();
                assertEquals(runs, takeAll(spool));
            }
            assertTrue(spool.isComplete());
            spool.close();
        }
    }

    @Test
    void whatIsAddedAfterAReplayFollowsIt() throws Exception {
        Spool spool = new Spool(Spool.DEFAULT_LIMIT_BYTES);
        ByteString pcm = ByteString.copyFrom(new byte[MESSAGE_BYTES]);
        ByteString all = ByteString.EMPTY;
        for (int i = 0; i < 40; i++) {
            spool.add(pcm, false);
            all = all.concat(pcm);
            spool.rewind();
            assertEquals(List.of(all), takeAll(spool));
        }
        spool.close();
    }

    @Test
    void nothingIsKeptBeyondTheLimit() {
        Spool spool = new Spool(100);
        spool.add(ByteString.copyFrom(new byte[84]), true);
        spool.add(ByteString.EMPTY, true);
        assertTrue(spool.isComplete());
        spool.add(ByteString.EMPTY, true); // 84 + 3 * 8 bytes
        assertFalse(spool.isComplete());
        spool.add(ByteString.copyFrom(new byte[1]), true);
        spool.rewind();
        assertFalse(spool.isBehind());
        assertFalse(new Spool(0).isComplete());
    }

    @Test
    void anErrorOfTheDiskClosesTheSpool() {
        System.setProperty("java.io.tmpdir", folder.resolve("none").toString());
        Spool spool = new Spool(Spool.DEFAULT_LIMIT_BYTES);
        for (int i = 0; i < 17; i++) {
            assertTrue(spool.isComplete(), "4 MiB fit into memory");
            spool.add(ByteString.copyFrom(new byte[MESSAGE_BYTES]), false);
        }
        assertFalse(spool.isComplete());
        assertFalse(spool.isBehind());
    }

    /** Returns the PCM up to each flush, and the rest. */
    private static List<ByteString> takeAll(Spool spool) throws IOException {
        List<ByteString> runs = new ArrayList<>();
        ByteString run = ByteString.EMPTY;
        while (spool.isBehind()) {
            EncodeStreamRequest piece = spool.take(MESSAGE_BYTES);
            run = run.concat(piece.getPcm());
            if (piece.hasFlush()) {
                runs.add(run);
                run = ByteString.EMPTY;
            }
        }
        runs.add(run);
        return runs;
    }
}
