package main

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"slices"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// distribution summarises durations in ms. Percentiles are exact, because all values are kept until then.
type distribution struct {
	Count int     `json:"count"`
	Mean  float64 `json:"mean"`
	P50   float64 `json:"p50"`
	P90   float64 `json:"p90"`
	P99   float64 `json:"p99"`
	P999  float64 `json:"p999"`
	Max   float64 `json:"max"`
	// Histogram holds pairs of a bucket's upper bound in ms and its count; each bound is bucketRatio times the one before.
	Histogram [][2]float64 `json:"histogram"`
}

const (
	firstBucketMs = 0.05
	bucketRatio   = 1.25
)

func distributionOf(values []time.Duration) *distribution {
	if len(values) == 0 {
		return nil
	}
	slices.Sort(values)
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	// The nearest-rank percentile: the smallest value that at least this share of values does not exceed.
	at := func(share float64) float64 { return ms(values[int(math.Ceil(share*float64(len(values))))-1]) }
	d := &distribution{
		Count: len(values), P50: at(0.5), P90: at(0.9), P99: at(0.99), P999: at(0.999), Max: ms(values[len(values)-1]),
	}
	bound := firstBucketMs
	inBucket := 0
	for _, value := range values {
		d.Mean += ms(value) / float64(len(values))
		for ms(value) > bound {
			d.addBucket(bound, inBucket)
			bound, inBucket = bound*bucketRatio, 0
		}
		inBucket++
	}
	d.addBucket(bound, inBucket)
	return d
}

func (d *distribution) addBucket(bound float64, count int) {
	if count > 0 {
		d.Histogram = append(d.Histogram, [2]float64{bound, float64(count)})
	}
}

// cpuTime is the CPU time that these processes have used so far, from the kernel's accounting.
func cpuTime(pids []int) (time.Duration, error) {
	var sum time.Duration
	for _, pid := range pids {
		// clock_getcpuclockid(3): the CPU clock of a whole process in ns, including threads that have ended.
		const cpuClockSched = 2
		var now unix.Timespec
		if err := unix.ClockGettime(int32(^pid<<3|cpuClockSched), &now); err != nil {
			return 0, fmt.Errorf("CPU clock of process %d: %w", pid, err)
		}
		sum += time.Duration(now.Nano())
	}
	return sum, nil
}

// ownCPUTime is the CPU time of this process, or of its ended children.
func ownCPUTime(who int) time.Duration {
	var usage syscall.Rusage
	if syscall.Getrusage(who, &usage) != nil {
		return 0
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// memory is the proportional set size of these processes in bytes, so that shared pages count once.
func memory(pids []int) (int64, error) {
	var sum int64
	for _, pid := range pids {
		text, err := os.ReadFile(fmt.Sprintf("/proc/%d/smaps_rollup", pid))
		if err != nil {
			return 0, err
		}
		_, rest, found := bytes.Cut(text, []byte("\nPss:"))
		fields := bytes.Fields(rest)
		if !found || len(fields) == 0 {
			return 0, fmt.Errorf("no Pss in smaps_rollup of process %d", pid)
		}
		kib, err := strconv.ParseInt(string(fields[0]), 10, 64)
		if err != nil {
			return 0, err
		}
		sum += kib << 10
	}
	return sum, nil
}

// hum is one second of audio that is not trivial for any codec.
func hum(rate int) []byte {
	pcm := make([]byte, 0, rate*sampleBytes)
	noise := uint32(1)
	for i := range rate {
		noise = noise*1664525 + 1013904223
		tone := 8000*math.Sin(2*math.Pi*220*float64(i)/float64(rate)) + float64(int32(noise))/(1<<31)*500
		pcm = append(pcm, byte(int16(tone)), byte(int16(tone)>>8))
	}
	return pcm
}
