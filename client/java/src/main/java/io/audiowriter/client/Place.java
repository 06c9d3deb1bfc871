package io.audiowriter.client;

/**
 * Where the PCM of a message belongs.
 *
 * @param position of its first sample, in samples per channel; {@link #NEXT}: after the PCM of the channel before it
 * @param channel 1 to the number of channels; 0: all channels, interleaved
 */
record Place(long position, int channel) {
    static final long NEXT = -1;

    /** After the PCM before it, with all channels. */
    static final Place FOLLOWS = new Place(NEXT, 0);

    /** The place of PCM that follows PCM at this one. */
    Place following() {
        return new Place(NEXT, channel);
    }
}
