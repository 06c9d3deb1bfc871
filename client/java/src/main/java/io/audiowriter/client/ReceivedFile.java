package io.audiowriter.client;

import io.audiowriter.v1.EncodedChunk;
import io.audiowriter.v1.ResumePoint;
import io.audiowriter.v1.StreamFinished;
import io.audiowriter.v1.StreamStarted;
import io.audiowriter.v1.Totals;
import java.io.IOException;

/**
 * What a stream has received, in one call or in several. Passes the bytes on to the sink. Only the thread of gRPC's
 * callbacks changes it.
 */
final class ReceivedFile {
    private final AudioSink sink;
    private FileTotals totals = new FileTotals();
    private volatile StreamStarted started;
    private volatile StreamFinished finished;
    private volatile long length;
    private volatile long inputSamples;

    ReceivedFile(AudioSink sink) {
        this.sink = sink;
    }

    /** Null before a server has accepted the stream. */
    StreamStarted started() {
        return started;
    }

    /** Null before the last message. */
    StreamFinished finished() {
        return finished;
    }

    /** Bytes that the sink has received, without the trailer. */
    long length() {
        return length;
    }

    /** Samples per channel that the server had received when it sent the last of these bytes. */
    long inputSamples() {
        return inputSamples;
    }

    /** Takes the first response of a call. In the middle of a file, that of the earlier call stays. */
    void start(StreamStarted started) {
        if (length == 0) {
            this.started = started;
        }
    }

    void append(EncodedChunk chunk) throws IOException {
        if (chunk.getOffset() != length) {
            throw new TruncatedStreamException("chunk at byte " + chunk.getOffset() + ", expected " + length);
        }
        totals.add(chunk);
        sink.append(chunk.getData().asReadOnlyByteBuffer());
        inputSamples = chunk.getInputSamples();
        length = totals.length();
    }

    void finish(StreamFinished finished) {
        this.finished = finished;
    }

    /** Verifies the file after the end of the call. Call it once. */
    void check(boolean halfClosed) throws TruncatedStreamException {
        if (!halfClosed) {
            throw new TruncatedStreamException("the server ended the stream before the client did");
        }
        if (finished == null) {
            throw new TruncatedStreamException("the last message is missing after byte " + length);
        }
        totals.add(finished.getTrailer());
        Totals checked = totals.check(finished.getTotals(), finished.getHeader());
        finished = finished.toBuilder().setTotals(checked).build();
    }

    /**
     * Prepares the sink for the bytes of another call. A file is written again from its start; another sink goes on
     * where it is.
     *
     * @return what the call has to begin with; null if it cannot go on in the middle of this file
     */
    ResumePoint resume() {
        if (sink instanceof RestartableSink file && file.restart()) {
            totals = new FileTotals();
            length = 0;
            inputSamples = 0;
        }
        if (length == 0) {
            return ResumePoint.getDefaultInstance();
        }
        // A server that is older than the serial cannot go on.
        return started.getSerial() == 0 ? null : totals.resume(started.getSerial());
    }
}
