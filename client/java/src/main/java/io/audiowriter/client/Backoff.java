package io.audiowriter.client;

import java.util.concurrent.ThreadLocalRandom;

/**
 * Delays between attempts, which double up to a maximum. They have jitter, so that callers that failed together do not
 * retry together.
 */
final class Backoff {
    private static final double FIRST_MS = 50;

    private final double maxMs;
    private final double minJitter;
    private final double maxJitter;
    private double nextMs = FIRST_MS;

    private Backoff(double maxMs, double minJitter, double maxJitter) {
        this.maxMs = maxMs;
        this.minJitter = minJitter;
        this.maxJitter = maxJitter;
    }

    /** After a refusal: about 1.6 s in total for all attempts. */
    static Backoff afterRefusal() {
        return new Backoff(200, 0.8, 1.2);
    }

    /** After the loss of a server. All of its streams are lost together, and each of them is work to replay. */
    static Backoff afterLoss() {
        return new Backoff(2000, 0.5, 1);
    }

    /** Returns the next delay, in ns. */
    long nextNanos() {
        double ms = nextMs * ThreadLocalRandom.current().nextDouble(minJitter, maxJitter);
        nextMs = Math.min(2 * nextMs, maxMs);
        return Math.round(ms * 1e6);
    }
}
