package io.audiowriter.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.audiowriter.v1.Marker;
import java.util.List;
import org.junit.jupiter.api.Test;

class WebVttTest {
    @Test
    void aMarkerIsACueUntilTheNextOne() {
        List<Marker> markers = List.of(
                Marker.newBuilder().setPosition(12_000).setTitle("Two <b> & 2").build(),
                Marker.newBuilder().setTitle("One").build(),
                Marker.newBuilder().setPosition(18_000).setLength(2_400).build(),
                Marker.newBuilder().setPosition(90_000).setTitle("beyond\nthe end").build());
        String expected = """
                WEBVTT

                00:00:00.000 --> 00:00:00.500
                One

                00:00:00.500 --> 00:00:00.750
                Two &lt;b&gt; &amp; 2

                00:00:00.750 --> 00:00:00.850


                00:00:01.000 --> 00:00:01.000
                beyond the end
                """;
        assertEquals(expected, WebVtt.of(markers, 24_000, 24_000));
    }

    @Test
    void withoutMarkersThereIsOnlyTheSignature() {
        assertEquals("WEBVTT\n", WebVtt.of(List.of(), 24_000, 0));
    }
}
