package io.audiowriter.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.Marker;
import java.io.EOFException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Keeps the PCM of a stream, its places and its flushes, so that they can be sent again to another server. The PCM is in
 * memory at first, then in a temporary file that is deleted on close. {@link #add} what is sent; {@link #rewind}, and then
 * {@link #take} while {@link #isBehind}, to get the same again. Not safe for concurrent use.
 */
final class Spool {
    /** Three hours of 48 kHz stereo in 16 bits. */
    static final long DEFAULT_LIMIT_BYTES = 1L << 30;

    private static final int MEMORY_BYTES = 4 << 20;
    /** In memory in front of the file, so that small writes cost no system call each. */
    private static final int BUFFER_BYTES = 256 << 10;
    /** Java keeps a native buffer per thread that is as large as the largest transfer. */
    private static final int TRANSFER_BYTES = 64 << 10;

    private final long limitBytes;
    private boolean complete;
    private FileChannel file;
    private long fileBytes;
    /** The PCM after that in the file. */
    private byte[] tail = new byte[0];

    private int tailBytes;
    private long length;
    private long position;
    /** Positions in the PCM, in ascending order. */
    private long[] flushes = new long[0];

    private int flushCount;
    private int nextFlush;

    /** What describes the audio. It belongs to the whole file, and may overtake PCM. */
    private final List<EncodeStreamRequest> descriptions = new ArrayList<>();

    private int nextDescription;
    /** Offset in the PCM, position and channel of each place. */
    private long[] places = new long[0];

    private int placesEnd;
    private int nextPlace;
    /** Of the last PCM that was added, and that was taken. */
    private Place added = Place.FOLLOWS;

    private Place taken = Place.FOLLOWS;

    /** A run of PCM, whether a flush follows it, and its place. */
    record Piece(ByteString pcm, boolean flush, Place place) {}

    /**
     * Creates an empty spool.
     *
     * @param limitBytes PCM, 8 bytes per flush and 24 per place; a longer stream is not kept. 0: nothing is kept
     */
    Spool(long limitBytes) {
        this.limitBytes = limitBytes;
        this.complete = limitBytes > 0;
    }

    /** Whether everything that was added is still there. False after the limit, or after an error of the disk. */
    boolean isComplete() {
        return complete;
    }

    /** Whether there is something to take. */
    boolean isBehind() {
        return nextDescription < descriptions.size() || position < length || nextFlush < flushCount;
    }

    /** Appends at most 256 KiB of PCM, and then its flush. Call it only if everything was taken. */
    void add(Piece piece) {
        if (!complete) {
            return;
        }
        if (!piece.pcm().isEmpty() && !piece.place().equals(added)) {
            addPlace(piece.place());
        }
        try {
            append(piece.pcm());
        } catch (IOException e) {
            close(); // the stream itself does not need the disk
            return;
        }
        if (piece.flush()) {
            if (flushCount == flushes.length) {
                flushes = Arrays.copyOf(flushes, Math.max(16, 2 * flushCount));
            }
            flushes[flushCount++] = length;
            nextFlush++;
        }
        if (length + (long) Long.BYTES * (flushCount + placesEnd) > limitBytes) {
            close();
        }
    }

    /** Appends what describes the audio. It is still to be taken, and kept whatever the limit is. */
    void describe(EncodeStreamRequest request) {
        descriptions.add(request);
    }

    /** The markers of all descriptions. */
    List<Marker> markers() {
        return descriptions.stream().flatMap(each -> each.getMarkersList().stream()).toList();
    }

    private void addPlace(Place place) {
        if (placesEnd == places.length) {
            places = Arrays.copyOf(places, Math.max(48, 2 * placesEnd));
        }
        places[placesEnd++] = length;
        places[placesEnd++] = place.position();
        places[placesEnd++] = place.channel();
        nextPlace = placesEnd;
        added = place.following();
        taken = added;
    }

    private void append(ByteString pcm) throws IOException {
        if (tailBytes + pcm.size() > (file == null ? MEMORY_BYTES : BUFFER_BYTES)) {
            spill();
        }
        int needed = tailBytes + pcm.size();
        if (needed > tail.length) {
            tail = Arrays.copyOf(tail, Math.max(needed, Math.min(2 * tail.length, MEMORY_BYTES)));
        }
        pcm.copyTo(tail, tailBytes);
        tailBytes = needed;
        length += pcm.size();
        position = length;
    }

    /** Moves the tail to the file. An interrupt of the thread closes the file, like an error of the disk. */
    private void spill() throws IOException {
        boolean first = file == null;
        if (first) {
            file = create(Path.of(System.getProperty("java.io.tmpdir")));
        }
        for (int from = 0; from < tailBytes; ) {
            int size = Math.min(TRANSFER_BYTES, tailBytes - from);
            from += file.write(ByteBuffer.wrap(tail, from, size), fileBytes + from);
        }
        fileBytes += tailBytes;
        tailBytes = 0;
        if (first) {
            tail = new byte[BUFFER_BYTES];
        }
    }

    /** Creates a file that only this user can read. Unix deletes its name at once. */
    private static FileChannel create(Path folder) throws IOException {
        Path path = Files.createTempFile(folder, "audiowriter-", ".pcm");
        try {
            return FileChannel.open(
                    path, StandardOpenOption.READ, StandardOpenOption.WRITE, StandardOpenOption.DELETE_ON_CLOSE);
        } catch (IOException e) {
            Files.deleteIfExists(path);
            throw e;
        }
    }

    /** Makes everything ready to be taken once more. */
    void rewind() {
        nextDescription = 0;
        position = 0;
        nextFlush = 0;
        nextPlace = 0;
        taken = Place.FOLLOWS;
    }

    /** Returns a description, or up to {@code maxBytes} of PCM of one place, up to and including a flush. */
    EncodeStreamRequest take(int maxBytes) throws IOException {
        if (nextDescription < descriptions.size()) {
            return descriptions.get(nextDescription++);
        }
        return EncodeCall.request(takePiece(maxBytes));
    }

    /** Returns up to {@code maxBytes} of PCM of one place, up to and including a flush. */
    Piece takePiece(int maxBytes) throws IOException {
        if (nextFlush < flushCount && flushes[nextFlush] == position) {
            nextFlush++;
            return new Piece(ByteString.EMPTY, true, Place.FOLLOWS);
        }
        Place place = taken;
        if (nextPlace < placesEnd && places[nextPlace] == position) {
            place = new Place(places[nextPlace + 1], (int) places[nextPlace + 2]);
            taken = place.following();
            nextPlace += 3;
        }
        long end = Math.min(position + maxBytes, nextPlace < placesEnd ? places[nextPlace] : length);
        boolean flush = nextFlush < flushCount && flushes[nextFlush] <= end;
        if (flush) {
            end = flushes[nextFlush++];
        }
        byte[] pcm = new byte[(int) (end - position)];
        int fromFile = (int) Math.max(0, Math.min(pcm.length, fileBytes - position));
        read(pcm, fromFile);
        if (fromFile < pcm.length) {
            int tailOffset = (int) (position + fromFile - fileBytes);
            System.arraycopy(tail, tailOffset, pcm, fromFile, pcm.length - fromFile);
        }
        position = end;
        return new Piece(UnsafeByteOperations.unsafeWrap(pcm), flush, place);
    }

    private void read(byte[] pcm, int count) throws IOException {
        for (int at = 0; at < count; ) {
            int size = Math.min(TRANSFER_BYTES, count - at);
            int read = file.read(ByteBuffer.wrap(pcm, at, size), position + at);
            if (read < 0) {
                throw new EOFException("the temporary file is shorter than what was written to it");
            }
            at += read;
        }
    }

    /** Forgets the PCM, its places and its flushes. */
    void close() {
        complete = false;
        length = 0;
        position = 0;
        fileBytes = 0;
        tailBytes = 0;
        flushCount = 0;
        nextFlush = 0;
        placesEnd = 0;
        nextPlace = 0;
        tail = new byte[0];
        flushes = new long[0];
        places = new long[0];
        if (file != null) {
            try {
                file.close();
            } catch (IOException ignored) {
                // Nothing in it is needed any more.
            }
            file = null;
        }
    }
}
