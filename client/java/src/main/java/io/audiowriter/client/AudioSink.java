package io.audiowriter.client;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * The destination of an encoded file. The three factories cover live listeners, channels and files; implement the
 * interface for anything else, such as a multi-part upload.
 *
 * <p>If a stream goes on with another server, a file or a channel is written again from its start. Every other sink gets
 * the bytes that follow those that it has.
 *
 * <p>A sink serves one stream. It receives any number of {@link #append} calls and then either {@link #complete} or
 * {@link #abandon}, never concurrently, but possibly on different threads. A slow sink slows the server and with it
 * the writer of the PCM, so memory stays bounded.
 */
public interface AudioSink {
    /**
     * Appends bytes to the file.
     *
     * @param bytes read-only, valid during the call
     * @throws IOException if the sink failed: the stream is cancelled, and the writer of the PCM receives this as the
     *     cause
     */
    void append(ByteBuffer bytes) throws IOException;

    /**
     * Completes the file. Called after all bytes, including the trailer, have been appended and their length and
     * checksums have been verified.
     *
     * @param header replaces the first {@code header.remaining()} bytes of the file; may be empty; read-only, valid
     *     during the call
     * @throws IOException if the sink failed: the stream fails, and {@link #abandon} is called
     */
    void complete(ByteBuffer header) throws IOException;

    /**
     * Abandons the file, because the stream failed or was cancelled. The appended bytes are a truncated file.
     *
     * @throws IOException if this failed too: the exception is added to the failure as suppressed
     */
    void abandon() throws IOException;

    /**
     * A sink that writes the live bytes and the trailer, and flushes after each chunk. It can't write the finished
     * header, which replaces bytes at the start: see {@link AudioWriterOutputStream#header}. All formats play without
     * it.
     *
     * @param out the destination; never closed
     * @return the sink
     */
    static AudioSink of(OutputStream out) {
        return new StreamSink(out);
    }

    /**
     * A sink that writes the file from the channel's current position on. Afterwards the position is at the end of the
     * file. After a failure the truncated bytes remain.
     *
     * @param channel writable, not in append mode; never closed
     * @return the sink
     * @throws IOException if the channel has no position
     */
    static AudioSink of(SeekableByteChannel channel) throws IOException {
        return new ChannelSink(channel);
    }

    /**
     * A sink that creates or replaces a file when it is complete. Until then the file has a hidden temporary name in
     * the same folder, and after a failure no file is left. It has the permissions of the file that it replaces. A
     * symbolic link remains a link, and its target is replaced.
     *
     * <p>A named pipe or a device is not replaced but written directly, without the finished header. Opening a named pipe
     * waits for a reader.
     *
     * @param file its folder must exist
     * @return the sink
     * @throws IOException if the temporary file can't be created
     */
    static AudioSink of(Path file) throws IOException {
        if (Files.exists(file) && !Files.isRegularFile(file)) {
            return new PipeSink(file);
        }
        return new FileSink(file);
    }
}
