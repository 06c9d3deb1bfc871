package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// serverSpeed is how much faster than real time a server's schedule is recorded. It tells with each chunk what it had
	// taken in, so that only a backlog must be avoided.
	serverSpeed = 4
	// commandSpeed is less, for a command does not tell; and the earliest of commandRuns counts.
	commandSpeed = 2
	commandRuns  = 3
)

// schedule is what a stream on its own gives: which bytes come out after which frame. It says when the codec has enough
// input for a byte; what is later than that is the fault of whoever runs the codec. Encoders are deterministic, so that it
// holds for every stream of the same audio.
type schedule struct {
	// Emissions in the order in which they came.
	Emissions []emission `json:"emissions"`
	Total     int64      `json:"total_bytes"`
}

type emission struct {
	// Frame after which the bytes came; -1: before any audio.
	Frame int `json:"frame"`
	Bytes int `json:"bytes"`
	// End is the length of the file with them.
	End int64 `json:"end"`
}

// readSchedule reads the file, or records a schedule and writes it. A load in bulk needs none.
func (o *options) readSchedule(ctx context.Context, open opener, frames [][]byte) (*schedule, error) {
	if o.schedule == "" && o.bulk {
		return &schedule{}, nil
	}
	if o.schedule != "" {
		text, err := os.ReadFile(o.schedule)
		if err == nil {
			s := &schedule{}
			return s, json.Unmarshal(text, s)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return nil, err
		}
	}
	s, err := o.recordSchedule(ctx, open, frames)
	if err != nil {
		return nil, fmt.Errorf("recording the schedule: %w", err)
	}
	if o.schedule == "" {
		return s, nil
	}
	text, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return s, os.WriteFile(o.schedule, text, 0o644)
}

func (o *options) recordSchedule(ctx context.Context, open opener, frames [][]byte) (*schedule, error) {
	runs, pace := 1, o.frame/serverSpeed
	if len(o.command) > 0 {
		runs, pace = commandRuns, o.frame/commandSpeed
	}
	if o.bulk {
		pace = 0
	}
	recorded := make([]*schedule, runs)
	failed := make([]error, runs)
	var group sync.WaitGroup
	for i := range runs {
		group.Add(1)
		go func() {
			defer group.Done()
			recorded[i], failed[i] = record(ctx, open, frames, pace, o.frameSamples())
		}()
	}
	group.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	return earliest(recorded)
}

func record(ctx context.Context, open opener, frames [][]byte, pace time.Duration, frameSamples int) (*schedule, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := open(ctx)
	if err != nil {
		return nil, err
	}
	var sent atomic.Int64
	go func() {
		begin := time.Now()
		for i, frame := range frames {
			time.Sleep(time.Until(begin.Add(time.Duration(i) * pace)))
			sent.Store(int64(i + 1))
			if s.send(frame) != nil {
				break // receive has the reason.
			}
		}
		_ = s.end()
	}()
	result := &schedule{}
	for {
		got, err := s.receive()
		if err == io.EOF {
			return result, nil
		}
		if err != nil {
			return nil, err
		}
		if got.bytes == 0 {
			continue
		}
		taken := int(sent.Load())
		if got.samples != unknown {
			taken = (int(got.samples) + frameSamples - 1) / frameSamples
		}
		result.Total += int64(got.bytes)
		result.Emissions = append(result.Emissions, emission{taken - 1, got.bytes, result.Total})
	}
}

// earliest gives each byte the earliest frame after which it came in any run.
func earliest(runs []*schedule) (*schedule, error) {
	best := runs[0]
	for _, run := range runs[1:] {
		if run.Total != best.Total {
			return nil, fmt.Errorf("two files of the same audio have %d and %d bytes", best.Total, run.Total)
		}
		best = merge(best, run)
	}
	return best, nil
}

func merge(a, b *schedule) *schedule {
	all := slices.Concat(a.Emissions, b.Emissions)
	slices.SortFunc(all, func(x, y emission) int {
		if x.Frame != y.Frame {
			return x.Frame - y.Frame
		}
		return int(x.End - y.End)
	})
	merged := &schedule{Total: a.Total}
	var end int64
	for _, e := range all {
		if e.End > end {
			merged.Emissions = append(merged.Emissions, emission{e.Frame, int(e.End - end), e.End})
			end = e.End
		}
	}
	return merged
}
