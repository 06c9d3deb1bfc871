package io.audiowriter.client;

import io.audiowriter.v1.StreamFlushed;

/** The flushes of a stream. One that is sent again, in another call, is answered again. */
final class Flushes {
    private int asked;
    private int answered;
    private StreamFlushed latest;

    /** Counts a flush, and returns its number. */
    int ask() {
        return ++asked;
    }

    boolean isAnswered(int number) {
        return answered >= number;
    }

    /** The latest answer; null before the first one. */
    StreamFlushed latest() {
        return latest;
    }

    /** Takes an answer with its number in the current call. */
    void answer(int number, StreamFlushed answer) {
        if (number > answered) {
            answered = number;
            latest = answer;
        }
    }
}
