package main

import (
	"context"
	"fmt"
	"io"
	"math"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// grace is how long a stream may run after its planned end before it is cancelled.
	grace = 3 * time.Second
	// bulkLimit is the maximum duration of a load in bulk, which has no planned end.
	bulkLimit = 10 * time.Minute
	// goldenRatio spreads the starts of the streams evenly, so that neither starts nor frames coincide.
	goldenRatio = 0.6180339887498949
)

// report is the JSON output. Fields in ms are distributions.
type report struct {
	Streams  int `json:"streams"`
	Finished int `json:"finished"`
	Failed   int `json:"failed"`
	// Errors holds the messages of the first three failed streams.
	Errors []string `json:"errors,omitempty"`
	// WindowS is the duration of the measurement; AudioS is the audio sent in that time by all streams, in seconds.
	WindowS float64 `json:"window_s"`
	AudioS  float64 `json:"audio_s"`
	// CPUS is the CPU time of the encoding processes, and MemoryBytes their proportional set size at the end.
	CPUS        float64 `json:"cpu_s"`
	MemoryBytes int64   `json:"memory_bytes"`
	// Memory holds samples taken during a load in bulk: pairs of seconds of audio sent and memory in bytes.
	Memory [][2]float64 `json:"memory,omitempty"`
	// LatencyMs is the time from when a frame was due until the bytes arrived that it completes.
	LatencyMs *distribution `json:"latency_ms"`
	// FirstAudioMs is the latency of the first bytes of audio; FirstAudioSinceStartMs counts from the start of the stream.
	FirstAudioMs           *distribution `json:"first_audio_ms"`
	FirstAudioSinceStartMs *distribution `json:"first_audio_since_start_ms"`
	// GeneratorCPUS is this process' own CPU time, and GeneratorLatenessMs how late it sent frames that it could have sent.
	GeneratorCPUS       float64       `json:"generator_cpu_s"`
	GeneratorLatenessMs *distribution `json:"generator_lateness_ms"`
}

type load struct {
	*options
	open     opener
	frames   [][]byte
	schedule *schedule

	begin      time.Time
	framesSent atomic.Int64
	mu         sync.Mutex
	children   []int
	times      times
	report     report
}

// times are the measurements of one stream, or of all.
type times struct {
	latency, firstAudio, firstAudioSinceStart, lateness []time.Duration
}

func newLoad(o *options, open opener, frames [][]byte, schedule *schedule) *load {
	return &load{options: o, open: open, frames: frames, schedule: schedule, report: report{Streams: o.streams}}
}

func (l *load) run(ctx context.Context) (*report, error) {
	limit := bulkLimit
	if !l.bulk {
		limit = l.ramp + l.settle + l.window() + l.ramp + grace
	}
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	l.begin = time.Now()
	var group sync.WaitGroup
	done := make(chan struct{})
	measured := make(chan error, 1)
	measure := l.measureWindow
	if l.bulk {
		measure = l.measureAll
	}
	ready := make(chan struct{})
	go func() { measured <- measure(ready, done) }()
	<-ready
	for place := range l.streams {
		group.Add(1)
		go func() {
			defer group.Done()
			l.place(ctx, place)
		}()
	}
	group.Wait()
	close(done)
	if err := <-measured; err != nil {
		return nil, err
	}
	l.report.LatencyMs = distributionOf(l.times.latency)
	l.report.FirstAudioMs = distributionOf(l.times.firstAudio)
	l.report.FirstAudioSinceStartMs = distributionOf(l.times.firstAudioSinceStart)
	l.report.GeneratorLatenessMs = distributionOf(l.times.lateness)
	return &l.report, nil
}

// place runs streams one after the other. The number of places is the number of concurrent streams.
func (l *load) place(ctx context.Context, place int) {
	_, offset := math.Modf(float64(place) * goldenRatio)
	start := l.begin.Add(time.Duration(offset * float64(l.ramp)))
	for range l.rounds {
		if l.bulk {
			start = time.Now()
		}
		time.Sleep(time.Until(start))
		var t times
		err := l.stream(ctx, start, &t)
		l.add(&t, err)
		start = start.Add(time.Duration(len(l.frames)) * l.frame)
	}
}

func (l *load) add(t *times, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.times.latency = append(l.times.latency, t.latency...)
	l.times.firstAudio = append(l.times.firstAudio, t.firstAudio...)
	l.times.firstAudioSinceStart = append(l.times.firstAudioSinceStart, t.firstAudioSinceStart...)
	l.times.lateness = append(l.times.lateness, t.lateness...)
	if err == nil {
		l.report.Finished++
		return
	}
	l.report.Failed++
	if len(l.report.Errors) < 3 {
		l.report.Errors = append(l.report.Errors, err.Error())
	}
}

// stream runs one stream. It is opened at start, and its first frame is due then.
func (l *load) stream(ctx context.Context, start time.Time, t *times) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := l.open(ctx)
	if err != nil {
		return err
	}
	if pid := s.pid(); pid != 0 {
		l.mu.Lock()
		l.children = append(l.children, pid)
		l.mu.Unlock()
	}
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		l.send(s, start, t)
	}()
	err = l.receive(s, start, t)
	cancel() // unblocks a send
	<-sent
	return err
}

func (l *load) send(s stream, start time.Time, t *times) {
	free := start
	for i, frame := range l.frames {
		if !l.bulk {
			due := start.Add(time.Duration(i) * l.frame)
			time.Sleep(time.Until(due))
			// Waiting for the other side does not count as lateness of this generator.
			if free.After(due) {
				due = free
			}
			t.lateness = append(t.lateness, time.Since(due))
		}
		if s.send(frame) != nil {
			break // receive returns the reason
		}
		l.framesSent.Add(1)
		free = time.Now()
	}
	_ = s.end()
}

// receive compares arrivals with the schedule. Bytes that have not arrived when the stream ends count as arriving then.
func (l *load) receive(s stream, start time.Time, t *times) error {
	var total int64
	next := 0
	from, to := l.windowTimes()
	arrived := func(now time.Time, end int64) {
		for ; next < len(l.schedule.Emissions) && l.schedule.Emissions[next].End <= end; next++ {
			frame := l.schedule.Emissions[next].Frame
			if l.bulk || frame < 0 || frame == len(l.frames)-1 {
				continue // before any audio, or written because the stream ended
			}
			due := start.Add(time.Duration(frame) * l.frame)
			latency := max(0, now.Sub(due))
			if t.firstAudio == nil {
				t.firstAudio = append(t.firstAudio, latency)
				t.firstAudioSinceStart = append(t.firstAudioSinceStart, now.Sub(start))
			}
			if due.After(from) && due.Before(to) {
				t.latency = append(t.latency, latency)
			}
		}
	}
	for {
		got, err := s.receive()
		now := time.Now()
		if err == io.EOF {
			if l.schedule.Total != 0 && total != l.schedule.Total {
				return fmt.Errorf("file has %d bytes, expected %d as for a single stream", total, l.schedule.Total)
			}
			return nil
		}
		if err != nil {
			arrived(now, l.schedule.Total)
			return err
		}
		total += int64(got.bytes)
		arrived(now, total)
	}
}
