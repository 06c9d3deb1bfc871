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
                spool.add(piece(ByteString.copyFrom(pcm), flush));
                run = run.concat(ByteString.copyFrom(pcm));
                if (flush) {
                    spool.add(piece(ByteString.EMPTY, true)); // twice at one position
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
            spool.add(piece(pcm, false));
            all = all.concat(pcm);
            spool.rewind();
            assertEquals(List.of(all), takeAll(spool));
        }
        spool.close();
    }

    @Test
    void nothingIsKeptBeyondTheLimit() {
        Spool spool = new Spool(100);
        spool.add(piece(ByteString.copyFrom(new byte[84]), true));
        spool.add(piece(ByteString.EMPTY, true));
        assertTrue(spool.isComplete());
        spool.add(piece(ByteString.EMPTY, true)); // 84 + 3 * 8 bytes
        assertFalse(spool.isComplete());
        spool.add(piece(ByteString.copyFrom(new byte[1]), true));
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
            spool.add(piece(ByteString.copyFrom(new byte[MESSAGE_BYTES]), false));
        }
        assertFalse(spool.isComplete());
        assertFalse(spool.isBehind());
    }

    @Test
    void placesAreTakenAgain() throws Exception {
        Random random = new Random(1);
        for (int round = 0; round < 200; round++) {
            Spool spool = new Spool(Spool.DEFAULT_LIMIT_BYTES);
            List<Spool.Piece> added = new ArrayList<>();
            int channel = 0;
            for (int i = random.nextInt(8); i > 0; i--) {
                Spool.Piece piece = piece(ByteString.EMPTY, true);
                if (random.nextInt(4) > 0) {
                    Place place = new Place(Place.NEXT, channel);
                    if (random.nextBoolean()) {
                        place = new Place(random.nextInt(50) - 1, random.nextInt(3));
                        channel = place.channel();
                    }
                    ByteString pcm = ByteString.copyFrom(new byte[1 + random.nextInt(20)]);
                    piece = new Spool.Piece(pcm, random.nextInt(3) == 0, place);
                }
                added.add(piece);
                spool.add(piece);
            }
            for (int time = 0; time < 2; time++) {
                spool.rewind();
                List<Spool.Piece> taken = new ArrayList<>();
                while (spool.isBehind()) {
                    taken.add(spool.takePiece(7));
                }
                assertEquals(joined(added), joined(taken));
            }
            spool.close();
        }
    }

    /** Joins each piece with the one before it that it follows. */
    private static List<Spool.Piece> joined(List<Spool.Piece> pieces) {
        List<Spool.Piece> all = new ArrayList<>();
        for (Spool.Piece next : pieces) {
            Spool.Piece last = all.isEmpty() ? null : all.get(all.size() - 1);
            boolean follows = last != null
                    && !last.flush()
                    && (next.pcm().isEmpty() || next.place().equals(last.place().following()));
            if (follows) {
                all.set(all.size() - 1, new Spool.Piece(last.pcm().concat(next.pcm()), next.flush(), last.place()));
            } else {
                all.add(next);
            }
        }
        return all;
    }

    private static Spool.Piece piece(ByteString pcm, boolean flush) {
        return new Spool.Piece(pcm, flush, Place.FOLLOWS);
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
