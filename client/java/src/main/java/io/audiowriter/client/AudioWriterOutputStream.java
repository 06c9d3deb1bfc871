package io.audiowriter.client;

import com.google.protobuf.ByteString;
import io.audiowriter.v1.AudioWriterServiceGrpc;
import io.audiowriter.v1.EncodeStreamRequest;
import io.audiowriter.v1.StreamConfig;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamFlushed;
import io.audiowriter.v1.StreamStarted;
import java.io.IOException;
import java.io.OutputStream;
import java.util.Objects;
import java.util.concurrent.locks.ReentrantLock;

/**
 * A stream of PCM on its way to an {@link AudioSink}: interleaved little-endian samples, cut anywhere, even inside a
 * sample. Encoded bytes reach the sink while the PCM is being written.
 *
 * <p>{@link #close} finishes the file, and only when it returns is the file there. That is also what the end of a
 * try-with-resources does after an exception in its body, which would make a shortened file look complete. Either say
 * {@link #cancel} where the PCM fails, or let {@link AudioWriterClient#encodeStream} do it.
 *
 * <p>Writing is for one thread at a time; {@link #cancel} may come from any. A thread that is interrupted while it
 * waits cancels the stream and throws {@link java.io.InterruptedIOException}.
 */
public final class AudioWriterOutputStream extends OutputStream {
    /** Well below the 1 MiB that a message may carry, and large enough that the cost of a message does not show. */
    private static final int MAX_MESSAGE_BYTES = 256 * 1024;

    private static final int GATHER_BYTES = 8 * 1024;

    private final AudioSink sink;
    private final EncodeCall call;
    private final byte[] gathered = new byte[GATHER_BYTES];
    private int gatheredBytes;
    private final ReentrantLock closing = new ReentrantLock();
    private volatile boolean closed;
    private volatile boolean cancelled;
    private volatile StreamFinished result;

    AudioWriterOutputStream(AudioSink sink) {
        this.sink = sink;
        this.call = new EncodeCall(sink);
    }

    /** Starts the call and sends the config. If that fails the stream is closed. */
    void open(AudioWriterServiceGrpc.AudioWriterServiceStub stub, StreamConfig config) throws IOException {
        EncodeStreamRequest first = EncodeStreamRequest.newBuilder().setConfig(config).build();
        stub.encodeStream(call);
        try {
            call.send(first);
        } catch (IOException e) {
            cancel();
            close();
            throw e;
        }
    }

    /**
     * Writes one byte. Such bytes are gathered and sent with the next longer write, or when they are 8 KiB.
     *
     * @throws AudioWriterException if the stream failed or was cancelled
     * @throws IOException if the sink failed or the stream is closed
     */
    @Override
    public void write(int b) throws IOException {
        requireOpen();
        gathered[gatheredBytes++] = (byte) b;
        if (gatheredBytes == gathered.length) {
            sendGathered();
        }
    }

    /**
     * Sends bytes at once, in messages of at most 256 KiB. Waits until a server has taken the stream, and while it is
     * behind.
     *
     * @throws AudioWriterException if the stream failed or was cancelled
     * @throws IOException if the sink failed or the stream is closed
     */
    @Override
    public void write(byte[] pcm, int offset, int length) throws IOException {
        Objects.checkFromIndexSize(offset, length, pcm.length);
        requireOpen();
        sendGathered();
        int end = offset + length;
        for (int from = offset; from < end; from += MAX_MESSAGE_BYTES) {
            send(pcm, from, Math.min(MAX_MESSAGE_BYTES, end - from));
        }
    }

    /**
     * Sends the bytes that {@link #write(int)} gathered. To make the encoder hand out what it holds back, see
     * {@link #flushEncoder}.
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
     * Pushes out all that the codec and the container can give without harm to the stream, and waits until the sink has
     * it.
     *
     * @return how far the file is, and how many samples are held back all the same
     * @throws AudioWriterException if the stream failed or was cancelled
     * @throws IOException if the sink failed or the stream is closed
     */
    public StreamFlushed flushEncoder() throws IOException {
        flush();
        return call.flush(EncodeStreamRequest.newBuilder().setFlush(true).build());
    }

    /**
     * Waits for the output as the server resolved it: each field that the config left open is filled in.
     *
     * @return the server's first message
     * @throws AudioWriterException if the stream failed or was cancelled, for instance with the violations of a bad
     *     config
     * @throws IOException if the sink failed
     */
    public StreamStarted started() throws IOException {
        return call.started();
    }

    /**
     * The totals of the finished file, and its header.
     *
     * @return the server's last message
     * @throws IllegalStateException unless {@link #close} has finished the file
     */
    public StreamFinished result() {
        if (result == null) {
            throw new IllegalStateException("the file has not been finished");
        }
        return result;
    }

    /**
     * Gives the stream up: the server stops encoding, writes fail from now on, and {@link #close} abandons the sink
     * without an exception. Has no effect on a file that is finished, nor when called again.
     */
    public void cancel() {
        cancelled = true;
        call.cancel();
    }

    /**
     * Finishes the file: half-closes, waits for the rest of it, checks length and SHA-256 and completes the sink. If
     * any of that fails the sink is abandoned and there is no file. Closing again has no effect, but waits for the first.
     *
     * @throws TruncatedStreamException if the server ended the stream without its last message, or bytes are missing
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
                call.awaitEnd();
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
            StreamFinished finished = call.finish();
            sink.append(finished.getTrailer().asReadOnlyByteBuffer());
            sink.complete(finished.getHeader().asReadOnlyByteBuffer());
            result = finished;
        } catch (IOException | RuntimeException | Error e) {
            call.cancel();
            call.awaitEnd();
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

    private void sendGathered() throws IOException {
        int length = gatheredBytes;
        gatheredBytes = 0;
        if (length > 0) {
            send(gathered, 0, length);
        }
    }

    private void send(byte[] pcm, int offset, int length) throws IOException {
        // A copy, for gRPC may keep the message for a retry longer than the caller keeps the array.
        call.send(EncodeStreamRequest.newBuilder()
                .setPcm(ByteString.copyFrom(pcm, offset, length))
                .build());
    }
}
