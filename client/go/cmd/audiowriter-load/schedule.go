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
	// serverSpeed is the speed, as a multiple of real time, at which a server's schedule is recorded. Each chunk contains
	// the number of input samples read before it, so it only needs to avoid a backlog.
	serverSpeed = 4
	// commandSpeed is lower, because a command reports no such number; the earliest of commandRuns counts.
	commandSpeed = 2
	commandRuns  = 3
)

// schedule is the output of a single stream: which bytes appear after which frame. It shows when the codec has enough
// input for a byte, so any later arrival is delay added around the codec. Encoders are deterministic, so one schedule
// is valid for every stream of the same audio.
type schedule struct {
	// Emissions are in order of arrival.
	Emissions []emission `json:"emissions"`
	Total     int64      `json:"total_bytes"`
}

type emission struct {
	// Frame after which the bytes arrived; -1: before any audio.
	Frame int `json:"frame"`
	Bytes int `json:"bytes"`
	// End is the length of the file including these bytes.
	End int64 `json:"end"`
}

// readSchedule reads the file, or records a schedule and writes it. Loads in bulk need none.
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
				break // receive returns the reason
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

// earliest merges schedules: each byte gets the earliest frame after which it arrived in any run.
func earliest(runs []*schedule) (*schedule, error) {
	best := runs[0]
	for _, run := range runs[1:] {
		if run.Total != best.Total {
			return nil, fmt.Errorf("two encodings of the same audio have %d and %d bytes", best.Total, run.Total)
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
