package io.audiowriter.client;

import java.io.IOException;

/** Writes the PCM of one stream. For an {@link java.io.InputStream}, use {@code in::transferTo}. */
@FunctionalInterface
public interface PcmSource {
    /**
     * Writes all PCM. If this returns, the file is finished; if it throws, the stream is cancelled.
     *
     * @param out the stream; closing it is optional
     * @throws IOException if the PCM can't be read, or the stream failed
     */
    void writeTo(AudioWriterOutputStream out) throws IOException;
}
