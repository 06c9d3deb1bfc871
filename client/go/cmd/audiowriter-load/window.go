package main

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
	"time"
)

const memoryInterval = 250 * time.Millisecond

func (l *load) windowTimes() (from, to time.Time) {
	from = l.begin.Add(l.ramp + l.settle)
	return from, from.Add(l.window())
}

// measureWindow measures while all streams are live.
func (l *load) measureWindow(ready chan<- struct{}, done <-chan struct{}) error {
	close(ready)
	from, to := l.windowTimes()
	time.Sleep(time.Until(from))
	sent, own, began := l.framesSent.Load(), ownCPUTime(syscall.RUSAGE_SELF), time.Now()
	before, err := cpuTime(l.encoders())
	if err != nil {
		return err
	}
	select {
	case <-time.After(time.Until(to)):
	case <-done:
		return fmt.Errorf("all streams ended before the measurement: %v", l.report.Errors)
	}
	after, err := cpuTime(l.encoders())
	if err != nil {
		return err
	}
	l.setTotals(after-before, own, sent, began)
	l.report.MemoryBytes, err = memory(l.encoders())
	if errors.Is(err, fs.ErrNotExist) && len(l.command) > 0 {
		return nil // on a busy machine a process may have ended by now: no figure then
	}
	return err
}

// measureAll measures from before the first stream until after the last.
func (l *load) measureAll(ready chan<- struct{}, done <-chan struct{}) error {
	before, err := l.cpuTimeOfAll()
	own, began := ownCPUTime(syscall.RUSAGE_SELF), time.Now()
	close(ready)
	if err != nil {
		return err
	}
	ticks := time.NewTicker(memoryInterval)
	defer ticks.Stop()
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-ticks.C:
			// A child may just have ended.
			if bytes, err := memory(l.encoders()); err == nil {
				l.report.Memory = append(l.report.Memory, [2]float64{l.audioSeconds(l.framesSent.Load()), float64(bytes)})
			}
		}
	}
	after, err := l.cpuTimeOfAll()
	if err != nil {
		return err
	}
	l.setTotals(after-before, own, 0, began)
	return nil
}

func (l *load) cpuTimeOfAll() (time.Duration, error) {
	if len(l.command) > 0 {
		return ownCPUTime(syscall.RUSAGE_CHILDREN), nil
	}
	return cpuTime(l.pids)
}

func (l *load) setTotals(cpu, own time.Duration, sent int64, began time.Time) {
	l.report.WindowS = time.Since(began).Seconds()
	l.report.AudioS = l.audioSeconds(l.framesSent.Load() - sent)
	l.report.CPUS = cpu.Seconds()
	l.report.GeneratorCPUS = (ownCPUTime(syscall.RUSAGE_SELF) - own).Seconds()
}

func (l *load) audioSeconds(frames int64) float64 { return float64(frames) * l.frame.Seconds() }

// encoders returns the processes that encode: the server's, or one per stream.
func (l *load) encoders() []int {
	if len(l.command) == 0 {
		return l.pids
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]int(nil), l.children...)
}
