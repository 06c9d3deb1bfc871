package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class ProtoTest {
    private static final String NAME = "audiowriter/v1/audio_writer.proto";

    @Test
    void theJarHasTheContractOfTheProject() throws Exception {
        try (InputStream published = AudioWriterClient.class.getClassLoader().getResourceAsStream(NAME)) {
            assertArrayEquals(Files.readAllBytes(Path.of("../../proto", NAME)), published.readAllBytes());
        }
    }
}
