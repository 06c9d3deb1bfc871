package io.audiowriter.client;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;

/** A reentrant lock with one condition: that what it guards has changed. */
final class Monitor {
    private final ReentrantLock lock = new ReentrantLock();
    private final Condition changed = lock.newCondition();

    /** What runs with the lock. */
    interface Action<T> {
        T run() throws IOException;
    }

    <T> T locked(Action<T> action) throws IOException {
        lock.lock();
        try {
            return action.run();
        } finally {
            lock.unlock();
        }
    }

    /** Runs an action with the lock, and wakes all that wait for a change. */
    void update(Runnable change) {
        lock.lock();
        try {
            change.run();
            changed.signalAll();
        } finally {
            lock.unlock();
        }
    }

    /** Waits for a change, without the lock. Call it with the lock. An interrupt runs an action first. */
    void awaitChange(Runnable onInterrupt) throws InterruptedIOException {
        try {
            changed.await();
        } catch (InterruptedException e) {
            onInterrupt.run();
            Thread.currentThread().interrupt();
            throw new InterruptedIOException("interrupted while waiting for the server");
        }
    }

    /** Waits for a change; an interrupt has no effect until later. */
    void awaitChangeUninterruptibly() {
        changed.awaitUninterruptibly();
    }
}
