package io.audiowriter.client;

import com.google.protobuf.ByteString;
import com.google.protobuf.UnsafeByteOperations;
import io.audiowriter.v1.PcmInput;
import java.time.Duration;
import java.util.Arrays;

/**
 * Joins the PCM of a stream into messages: {@link #add}, and {@link #take} when it is ready. Safe for concurrent use,
 * because a stream may be closed by another thread than the one that writes.
 */
final class PcmBuffer {
    /** Well below the limit of 1 MiB per message, and large enough that the overhead per message is negligible. */
    static final int MAX_MESSAGE_BYTES = 256 * 1024;

    /** For files that nobody listens to: a recording in 20 ms frames then costs the server a third to a tenth. */
    private static final Duration FILE_DURATION = Duration.ofSeconds(1);

    /** Single bytes wait for this many, whoever listens: a message for each would be too expensive. */
    private static final int SINGLE_BYTES = 8 * 1024;

    private static final byte[] NONE = new byte[0];

    /** PCM waits for this much; 0: it does not wait. */
    private final int gatherBytes;

    private final Lanes lanes;
    private byte[] pcm = NONE;
    private int length;
    /** Of the PCM, or of the PCM to come. */
    private Place place = Place.FOLLOWS;

    /**
     * Creates an empty buffer.
     *
     * @param duration how much PCM is gathered for a message, at most {@link #MAX_MESSAGE_BYTES}
     */
    PcmBuffer(PcmInput input, Duration duration) {
        double seconds = duration.getSeconds() + duration.getNano() / 1e9;
        double secondBytes = (double) Integer.toUnsignedLong(input.getSampleRateHz()) * frameBytes(input);
        this.gatherBytes = (int) Math.min(seconds * secondBytes, MAX_MESSAGE_BYTES);
        this.lanes = new Lanes(input);
    }

    /** Returns how much PCM is gathered by default: none if somebody may listen to the bytes as they arrive. */
    static Duration defaultDuration(AudioSink sink) {
        return sink instanceof RestartableSink ? FILE_DURATION : Duration.ZERO;
    }

    /** Bytes per frame, which is one sample of every channel. */
    static long frameBytes(PcmInput input) {
        int sampleBytes =
                switch (input.getSampleFormat()) {
                    case SAMPLE_FORMAT_UNSPECIFIED, SAMPLE_FORMAT_S16LE -> 2;
                    case SAMPLE_FORMAT_S24LE -> 3;
                    case SAMPLE_FORMAT_S32LE, SAMPLE_FORMAT_F32LE -> 4;
                    case SAMPLE_FORMAT_F64LE -> 8;
                    default -> 1; // U8, and what this client does not know: less is gathered then
                };
        return sampleBytes * Math.max(1, Integer.toUnsignedLong(input.getChannels()));
    }

    /** Where the PCM that was added ends. */
    Lanes lanes() {
        return lanes;
    }

    /** Sets the place of the PCM that is added from now on. Call it only if nothing is gathered. */
    synchronized void begin(Place place) {
        this.place = place;
    }

    /** Appends as much as fits into a message, and returns how much that is. */
    synchronized int add(byte[] source, int offset, int count) {
        int size = Math.min(count, MAX_MESSAGE_BYTES - length);
        reserve(size, 0);
        System.arraycopy(source, offset, pcm, length, size);
        length += size;
        lanes.add(size);
        return size;
    }

    /** Appends one byte to a buffer that is not ready. Returns whether there are enough of them for a message. */
    synchronized boolean add(byte b) {
        reserve(1, SINGLE_BYTES);
        pcm[length++] = b;
        lanes.add(1);
        return isReady() && length >= SINGLE_BYTES;
    }

    private void reserve(int bytes, int capacity) {
        int needed = length + bytes;
        if (needed > pcm.length) {
            pcm = Arrays.copyOf(pcm, Math.max(needed, Math.max(capacity, gatherBytes)));
        }
    }

    synchronized boolean isEmpty() {
        return length == 0;
    }

    /** Whether there is enough for a message. */
    synchronized boolean isReady() {
        return length > 0 && length >= gatherBytes;
    }

    /** Returns what was added, which may be empty, and forgets it. */
    synchronized Spool.Piece take() {
        // Not copied: gRPC may keep the message for a retry, so the next one gets an array of its own.
        ByteString bytes = UnsafeByteOperations.unsafeWrap(pcm, 0, length);
        Spool.Piece taken = new Spool.Piece(bytes, false, place);
        if (length > 0) {
            place = place.following();
        }
        pcm = NONE;
        length = 0;
        return taken;
    }
}
