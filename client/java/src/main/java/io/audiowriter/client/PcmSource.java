package io.audiowriter.client;

import java.io.IOException;

/** Writes the PCM of one stream. An {@link java.io.InputStream} is one by its method: {@code in::transferTo}. */
@FunctionalInterface
public interface PcmSource {
    /**
     * Writes all PCM. Returning says that the file shall be finished, throwing that it shall be cancelled.
     *
     * @param out need not be closed
     * @throws IOException if there is no more PCM to be had, or the stream failed
     */
    void writeTo(AudioWriterOutputStream out) throws IOException;
}
