package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;

import io.audiowriter.v1.AudioFormat;
import io.grpc.Status;
import java.io.OutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(60)
class TargetListTest {
    private static final byte[] PCM = Audio.sine(Audio.RATE);

    @Test
    void streamsContinueWhenOneOfTwoServersDies() throws Exception {
        try (TestServer first = TestServer.start();
                TestServer second = TestServer.start();
                AudioWriterClient client =
                        AudioWriterClient.builder(first.target(), second.target()).plaintext().build()) {
            encodeFourTimes(client);
            first.kill();
            encodeFourTimes(client);
            second.kill();
            AudioWriterException e = assertThrows(AudioWriterException.class, () -> encodeFourTimes(client));
            assertEquals(Status.Code.UNAVAILABLE, e.code());
        }
    }

    @Test
    void aTargetThatDoesNotResolveIsSkipped() throws Exception {
        try (TestServer server = TestServer.get();
                AudioWriterClient client = AudioWriterClient.builder("nobody.invalid:1", server.target())
                        .plaintext()
                        .build()) {
            encodeFourTimes(client);
        }
    }

    @Test
    void targetsThatDoNotResolveAreUnavailable() {
        try (AudioWriterClient client = AudioWriterClient.builder("nobody.invalid:1", "nobody.invalid:2")
                .plaintext()
                .build()) {
            AudioWriterException e = assertThrows(AudioWriterException.class, client::listFormats);
            assertEquals(Status.Code.UNAVAILABLE, e.code());
        }
    }

    @Test
    void addressesOfBothFamiliesAreUsed() throws Exception {
        try (TestServer server = TestServer.get();
                AudioWriterClient client =
                        AudioWriterClient.builder("[::1]:1", server.target()).plaintext().build()) {
            assertFalse(client.listFormats().isEmpty());
        }
    }

    private static void encodeFourTimes(AudioWriterClient client) throws Exception {
        for (int i = 0; i < 4; i++) {
            client.encodeStream(
                    Audio.config(AudioFormat.AUDIO_FORMAT_WAV),
                    AudioSink.of(OutputStream.nullOutputStream()),
                    out -> out.write(PCM));
        }
    }
}
