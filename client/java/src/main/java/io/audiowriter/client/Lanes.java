package io.audiowriter.client;

import io.audiowriter.v1.PcmInput;

/** Knows where the PCM of each channel ends, so that what follows it needs no place of its own. */
final class Lanes {
    private final int channels;
    private final long frameBytes;
    private final boolean announced;
    /** In bytes of a channel; 0: of all channels. */
    private final long[] ends;

    private int last;

    Lanes(PcmInput input) {
        this.channels = Math.max(1, input.getChannels());
        this.frameBytes = PcmBuffer.frameBytes(input);
        this.announced = input.hasMaxGap() || input.hasMaxSkew() || input.hasMaxJitter();
        this.ends = new long[announced ? 1 + Math.min(channels, 255) : 1];
    }

    /** Throws IllegalArgumentException for a place that the stream can't have. */
    void check(Place place) {
        if (!announced) {
            throw new IllegalArgumentException("position, channel: the config needs max_gap, max_skew or max_jitter");
        }
        if (place.position() < Place.NEXT || place.position() > Long.MAX_VALUE / 64) {
            throw new IllegalArgumentException(
                    "position=" + place.position() + ": expected 0 or more samples, or NEXT");
        }
        if (place.channel() < 0 || place.channel() >= ends.length) {
            throw new IllegalArgumentException("channel=" + place.channel() + ": expected 1 to " + channels
                    + ", or 0 for all channels, interleaved");
        }
    }

    /** Whether the last PCM was that of a single channel. */
    boolean isApart() {
        return last > 0;
    }

    /** Begins PCM at a place. Returns whether it does not follow the PCM before it. */
    boolean begin(Place place) {
        int channel = place.channel();
        long laneBytes = channel == 0 ? frameBytes : frameBytes / channels;
        long start = place.position() == Place.NEXT ? ends[channel] : place.position() * laneBytes;
        boolean begins = channel != last || start != ends[channel];
        ends[channel] = start;
        last = channel;
        return begins;
    }

    /** Counts PCM after the place of the last {@link #begin}. */
    void add(int bytes) {
        ends[last] += bytes;
    }
}
