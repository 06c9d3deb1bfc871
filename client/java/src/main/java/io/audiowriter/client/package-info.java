/**
 * The audiowriter client: write PCM and get the finished audio file while the audio is still being made.
 *
 * <p>{@link io.audiowriter.client.AudioWriterClient} is the connection, {@link
 * io.audiowriter.client.AudioWriterOutputStream} is one stream, and an {@link io.audiowriter.client.AudioSink} is the
 * destination of the file. The messages ({@code StreamConfig}, {@code PcmInput}, {@code AudioOutput}, …) are the
 * generated ones of {@code io.audiowriter.v1}; {@code audio_writer.proto} documents each field.
 */
package io.audiowriter.client;
