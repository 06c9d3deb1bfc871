package io.audiowriter.client;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.Marker;
import io.audiowriter.v1.Metadata;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamFlushed;
import io.audiowriter.v1.StreamStarted;
import io.audiowriter.v1.Totals;
import java.io.IOException;
import java.io.OutputStream;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A stream that sends PCM to the server and writes the file to an {@link AudioSink}. The PCM is interleaved
 * little-endian samples, cut anywhere, even inside a sample. Encoded bytes reach the sink while PCM is being written.
 *
 * <p>If its server is lost, the stream goes on with another one, and {@code write} only blocks meanwhile: see {@link
 * AudioWriterClient.Builder#resumeTimeout}.
 *
 * <p>{@link #close} finishes the file; it exists only after {@code close} has returned. At the end of a
 * try-with-resources {@code close} also runs after an exception, so a shortened file would look complete. To prevent
 * this, call {@link #cancel} if the source of the PCM fails, or use {@link AudioWriterClient#encodeStream}.
 *
 * <p>Only one thread may write at a time; {@link #cancel} may be called from any thread. If a thread is interrupted
 * while it waits, the stream is cancelled and the method throws {@link java.io.InterruptedIOException}.
 */
public final class AudioWriterOutputStream extends OutputStream {
    /** The position of PCM that follows the PCM before it, of the same channel: see {@link #writePlaced}. */
    public static final long NEXT = Place.NEXT;

    private final AudioSink sink;
    private final EncodeStream stream;
    private final PcmBuffer buffer;
    private final ReentrantLock closing = new ReentrantLock();
    private volatile boolean closed;
    private volatile boolean cancelled;
    private volatile StreamFinished finished;

    AudioWriterOutputStream(AudioSink sink, EncodeStream stream, PcmBuffer buffer) {
        this.sink = sink;
        this.stream = stream;
        this.buffer = buffer;
    }

    /** Starts the call and sends the config. If that fails, the stream is closed. */
    void open() throws IOException {
        try {
            stream.open();
        } catch (IOException e) {
            cancel();
            close();
            throw e;
        }
    }

    /**
     * Writes one byte. Single bytes are buffered until the next array, or until there are 8 KiB of them, and longer as
     * {@link AudioWriterClient.Builder#buffer} says. The exceptions are those of {@link #write(byte[], int, int)}.
     */
    @Override
    public void write(int b) throws IOException {
        requireUsable();
        follow();
        if (buffer.add((byte) b)) {
            sendGathered();
        }
        requireOpen();
    }

    /**
     * Writes bytes. For a path or a channel they are gathered until there is a second of audio; other sinks get theirs
     * at once: see {@link AudioWriterClient.Builder#buffer}. Messages have at most 256 KiB. When there is one to send,
     * this waits until a server has accepted the stream, while the server is behind, and while a lost server is replaced.
     *
     * @throws AudioWriterException if the stream failed or was cancelled
     * @throws IOException if the sink failed or the stream is closed
     */
    @Override
    public void write(byte[] pcm, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, pcm.length);
        requireUsable();
        if (length > 0) {
            follow();
        }
        append(pcm, offset, length);
    }

    /**
     * Writes PCM of one channel, or with a position. The config needs one of max_gap, max_skew and max_jitter in its
     * input. These fields and those of EncodeStreamRequest say what becomes of gaps, of PCM in another order, and of
     * channels that run at their own pace.
     *
     * @param pcm the bytes
     * @param position of the first sample, in samples per channel since the start of the stream; {@link #NEXT}: after the
     *     PCM before it, of the same channel
     * @param channel 1 to the input's channels if {@code pcm} has this channel only; 0 if it has all of them, interleaved
     * @throws IllegalArgumentException for a position or a channel that this stream can't have
     * @throws IOException as {@link #write(byte[], int, int)} does
     */
    public void writePlaced(byte[] pcm, long position, int channel) throws IOException {
        Place place = new Place(position, channel);
        buffer.lanes().check(place);
        requireUsable();
        if (pcm.length > 0) {
            begin(place);
        }
        append(pcm, 0, pcm.length);
    }

    private void append(byte[] pcm, int offset, int length) throws IOException {
        int end = offset + length;
        for (int from = offset; from < end; ) {
            from += buffer.add(pcm, from, end - from);
            if (buffer.isReady()) {
                sendGathered();
            }
        }
        requireOpen(); // another thread may have sent the last message before the bytes were there
    }

    private void begin(Place place) throws IOException {
        if (buffer.lanes().begin(place)) {
            sendGathered();
            buffer.begin(place);
        }
    }

    /** All channels after a single one: the server refuses both in one stream. */
    private void follow() throws IOException {
        if (buffer.lanes().isApart()) {
            begin(Place.FOLLOWS);
        }
    }

    /**
     * Sends the bytes that were gathered. To make the encoder write what it holds back, use {@link #flushEncoder}.
     *
     * @throws AudioWriterException if the stream failed or was cancelled
     * @throws IOException if the sink failed or the stream is closed
     */
    @Override
    public void flush() throws IOException {
        requireOpen();
        sendGathered();
    }

    /**
     * Makes the encoder write all that the codec and the container can without harming the stream, and waits until the
     * sink has received it.
     *
     * @return the current length of the file, and the number of samples that are still buffered
     * @throws IOException as {@link #flush} does
     */
    public StreamFlushed flushEncoder() throws IOException {
        flush();
        return stream.flush();
    }

    /**
     * Adds tags to the file, or replaces those of the same names (an empty value removes one), and adds markers, which
     * become chapters. The config must reserve room in {@code metadata_bytes}. Does not wait for the server: what does not
     * fit ends the stream, and a later method throws the exception, whose violations name it and the bytes that are left.
     *
     * @param metadata the tags
     * @param markers the markers
     * @throws IOException as {@link #write(byte[], int, int)} does
     */
    public void describe(Metadata metadata, List<Marker> markers) throws IOException {
        requireOpen();
        EncodeStreamRequest.Builder request = EncodeStreamRequest.newBuilder().setMetadata(metadata);
        stream.describe(request.addAllMarkers(markers).build());
    }

    /**
     * Waits for the output config as the server resolved it, with every default filled in.
     *
     * @return the server's first response
     * @throws AudioWriterException if the stream failed or was cancelled, for instance with the violations of a config
     * @throws IOException if the sink failed
     */
    public StreamStarted started() throws IOException {
        return stream.started();
    }

    /**
     * The totals of the finished file: lengths and checksums.
     *
     * @return the totals, as the server sent them
     * @throws IllegalStateException unless {@link #close} has finished the file
     */
    public Totals result() {
        return requireFinished().getTotals();
    }

    /**
     * The final header, which replaces the first {@code header().size()} bytes of the file. Only a destination that
     * receives the live bytes needs it: other sinks write it.
     *
     * @return the header; may be empty
     * @throws IllegalStateException unless {@link #close} has finished the file
     */
    public ByteString header() {
        return requireFinished().getHeader();
    }

    /**
     * The markers as a WebVTT file. A marker without a length ends where the next one begins, or with the audio.
     *
     * @return the text of the file
     * @throws IllegalStateException unless {@link #close} has finished the file
     */
    public String markersWebVtt() {
        return stream.markersWebVtt(result().getInputSamples());
    }

    private StreamFinished requireFinished() {
        if (finished == null) {
            throw new IllegalStateException("the file is not finished: close() must return first");
        }
        return finished;
    }

    /**
     * Cancels the stream: the server stops encoding, writes fail from now on, and {@link #close} abandons the sink
     * without an exception. Has no effect on a finished file, or when called again.
     */
    public void cancel() {
        cancelled = true;
        stream.cancel();
    }

    /**
     * Finishes the file: half-closes, waits for the rest of it, checks length and checksums and completes the sink. If
     * any of that fails, the sink is abandoned and no file is left. Later calls only wait for the first one.
     *
     * @throws TruncatedStreamException if the server ended the stream without its last message, or bytes are missing or
     *     wrong
     * @throws AudioWriterException if the stream failed, or was cancelled while this method ran
     * @throws IOException if the sink failed
     */
    @Override
    public void close() throws IOException {
        closing.lock();
        try {
            if (closed) {
                return;
            }
            closed = true;
            if (cancelled) {
                stream.awaitEnd();
                sink.abandon();
            } else {
                finish();
            }
        } finally {
            closing.unlock();
        }
    }

    private void finish() throws IOException {
        try {
            sendGathered();
            StreamFinished last = stream.finish();
            sink.append(last.getTrailer().asReadOnlyByteBuffer());
            sink.complete(last.getHeader().asReadOnlyByteBuffer());
            finished = last;
        } catch (IOException | RuntimeException | Error e) {
            stream.cancel();
            stream.awaitEnd();
            try {
                sink.abandon();
            } catch (IOException suppressed) {
                e.addSuppressed(suppressed);
            }
            throw e;
        }
    }

    private void requireOpen() throws IOException {
        if (closed) {
            throw new IOException("the stream is closed");
        }
    }

    /** What was only gathered must not hide that the stream has failed. */
    private void requireUsable() throws IOException {
        requireOpen();
        stream.check();
    }

    private void sendGathered() throws IOException {
        if (!buffer.isEmpty()) {
            stream.send(buffer);
        }
    }
}
