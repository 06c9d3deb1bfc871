package io.audiowriter.client;

import java.io.IOException;
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

    /** Waits for a change, without the lock. Call it with the lock. */
    void awaitChange() throws InterruptedException {
        changed.await();
    }

    /** Like {@link #awaitChange}, and an interrupt has no effect until later. */
    void awaitChangeUninterruptibly() {
        changed.awaitUninterruptibly();
    }
}
