package io.audiowriter.client;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Path;

/**
 * Where an encoded file goes. The three factories cover live listeners, channels and files; implement the interface for
 * anything else, such as a multi-part upload.
 *
 * <p>A sink serves one stream. It gets any number of {@link #append} calls and then either {@link #complete} or
 * {@link #abandon}, never two calls at once, on different threads. A sink that is slow slows the server, and with it
 * the writer of the PCM, so memory stays bounded.
 */
public interface AudioSink {
    /**
     * Appends bytes to the file.
     *
     * @param bytes read-only, valid during the call
     * @throws IOException cancels the stream; the writer of the PCM gets it as the cause
     */
    void append(ByteBuffer bytes) throws IOException;

    /**
     * Completes the file. Comes after everything, the trailer included, has been appended and its length and SHA-256
     * have been found right.
     *
     * @param header replaces the first {@code header.remaining()} bytes of the file; may be empty; read-only, valid
     *     during the call
     * @throws IOException fails the stream, and {@link #abandon} follows
     */
    void complete(ByteBuffer header) throws IOException;

    /**
     * Lets go of the file: the stream failed or was cancelled, and what has been appended is truncated.
     *
     * @throws IOException is added to the failure as suppressed
     */
    void abandon() throws IOException;

    /**
     * The live bytes and the trailer, each chunk flushed at once. There is no going back in such a stream, so the
     * finished header is not written: find it in {@link AudioWriterOutputStream#result}. All formats play without it.
     *
     * @param out is never closed
     * @return the sink
     */
    static AudioSink of(OutputStream out) {
        return new StreamSink(out);
    }

    /**
     * A file that starts at the channel's present position. Afterwards the position is behind the file. After a failure
     * the truncated bytes stay.
     *
     * @param channel writable, not in append mode; is never closed
     * @return the sink
     * @throws IOException if the channel has no position
     */
    static AudioSink of(SeekableByteChannel channel) throws IOException {
        return new ChannelSink(channel);
    }

    /**
     * A file that appears, or replaces the one of that name, when it is complete. Until then it has a hidden temporary
     * name in the same folder, and after a failure nothing is left.
     *
     * @param file its folder must exist
     * @return the sink
     * @throws IOException if the temporary file can't be made
     */
    static AudioSink of(Path file) throws IOException {
        return new FileSink(file);
    }
}
