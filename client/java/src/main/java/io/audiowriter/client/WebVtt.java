package io.audiowriter.client;

import io.audiowriter.v1.Marker;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;

/** Writes markers as WebVTT. W3C WebVTT, section 4. */
final class WebVtt {
    private WebVtt() {}

    /**
     * Returns a WebVTT file with one cue per marker, in the order of their positions. A marker without a length ends where
     * the next one begins, or with the audio.
     *
     * @param markers the markers
     * @param rateHz sample rate of the input
     * @param samples samples per channel of the input: {@code Totals.getInputSamples()}
     * @return the text of the file
     */
    static String of(List<Marker> markers, int rateHz, long samples) {
        List<Marker> ordered = markers.stream()
                .sorted(Comparator.comparingLong(Marker::getPosition))
                .toList();
        StringBuilder vtt = new StringBuilder("WEBVTT\n");
        for (int i = 0; i < ordered.size(); i++) {
            Marker marker = ordered.get(i);
            long end = samples;
            if (marker.getLength() > 0) {
                end = marker.getPosition() + marker.getLength();
            } else if (i + 1 < ordered.size()) {
                end = ordered.get(i + 1).getPosition();
            }
            String begin = time(Math.min(marker.getPosition(), samples), rateHz);
            vtt.append('\n').append(begin).append(" --> ").append(time(Math.min(end, samples), rateHz));
            vtt.append('\n').append(text(marker.getTitle())).append('\n');
        }
        return vtt.toString();
    }

    private static String time(long samples, int rateHz) {
        long ms = samples * 1000 / rateHz;
        return String.format(
                Locale.ROOT, "%02d:%02d:%02d.%03d", ms / 3_600_000, ms / 60_000 % 60, ms / 1000 % 60, ms % 1000);
    }

    private static String text(String title) {
        return title.replace("&", "&amp;")
                .replace("<", "&lt;")
                .replace(">", "&gt;")
                .replace('\r', ' ')
                .replace('\n', ' ');
    }
}
