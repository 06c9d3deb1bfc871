/**
 * The audiowriter client: write PCM, get a finished audio file while the audio is still being made.
 *
 * <p>{@link io.audiowriter.client.AudioWriterClient} holds the connection,
 * {@link io.audiowriter.client.AudioWriterOutputStream} is one stream of it, and an
 * {@link io.audiowriter.client.AudioSink} is where the file goes. The messages ({@code StreamConfig}, {@code PcmInput},
 * {@code AudioOutput}, …) are the generated ones of {@code io.audiowriter.v1}; {@code audio_writer.proto} documents
 * each field.
 */
package io.audiowriter.client;
