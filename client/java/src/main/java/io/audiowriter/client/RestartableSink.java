package io.audiowriter.client;

/**
 * A file: nobody listens to it before it has its final header. It can be written again from its start, so that a stream
 * can go on with any server of any version.
 */
interface RestartableSink extends AudioSink {
    /**
     * Removes what was appended.
     *
     * @return false if that is not possible; then nothing has changed
     */
    boolean restart();
}
