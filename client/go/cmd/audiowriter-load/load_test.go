package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/audiowriter/audiowriter/client/go/internal/testserver"
)

func TestPercentilesAreMeasuredValues(t *testing.T) {
	var values []time.Duration
	for i := 100; i > 0; i-- {
		values = append(values, time.Duration(i)*time.Millisecond)
	}
	d := distributionOf(values)
	if d.P50 != 50 || d.P99 != 99 || d.P999 != 100 || d.Max != 100 || d.Mean < 50.4 || d.Mean > 50.6 {
		t.Errorf("got %+v", d)
	}
	total := 0.0
	for _, bucket := range d.Histogram {
		total += bucket[1]
	}
	if last := d.Histogram[len(d.Histogram)-1][0]; total != 100 || last < 100 || last > 125 {
		t.Errorf("histogram holds %v, and ends at %v ms", total, last)
	}
}

func TestScheduleTakesTheEarliestFrameForEachByte(t *testing.T) {
	late := &schedule{Total: 30, Emissions: []emission{{4, 10, 10}, {9, 20, 30}}}
	early := &schedule{Total: 30, Emissions: []emission{{3, 5, 5}, {5, 20, 25}, {9, 5, 30}}}
	merged, err := earliest([]*schedule{late, early})
	if err != nil {
		t.Fatal(err)
	}
	want := []emission{{3, 5, 5}, {4, 5, 10}, {5, 15, 25}, {9, 5, 30}}
	if len(merged.Emissions) != len(want) {
		t.Fatalf("got %v, want %v", merged.Emissions, want)
	}
	for i := range want {
		if merged.Emissions[i] != want[i] {
			t.Errorf("got %v, want %v", merged.Emissions[i], want[i])
		}
	}
	if _, err := earliest([]*schedule{late, {Total: 31}}); err == nil {
		t.Error("no error for files of different lengths")
	}
}

// slow echoes each frame as one byte, and delays the answer to the first one.
type slow struct {
	frames chan struct{}
	hold   time.Duration
}

func (s *slow) send([]byte) error { s.frames <- struct{}{}; return nil }
func (s *slow) end() error        { close(s.frames); return nil }
func (s *slow) pid() int          { return 0 }
func (s *slow) receive() (arrival, error) {
	if _, more := <-s.frames; !more {
		return arrival{}, errors.New("cut") // not EOF: bytes that never arrive must count as well
	}
	time.Sleep(s.hold)
	s.hold = 0
	return arrival{1, unknown}, nil
}

func TestLatencyIncludesWaitingInABacklog(t *testing.T) {
	const frames, hold = 20, 100 * time.Millisecond
	// More seconds than frames, so that all frames are in the measured window.
	o := &options{frame: 10 * time.Millisecond, seconds: 1, rounds: 1, streams: 1, rate: 24000}
	s := &schedule{Total: frames + 5, Emissions: []emission{{0, 1, 1}}}
	for i := 1; i < frames-1; i++ {
		s.Emissions = append(s.Emissions, emission{i, 1, int64(i + 1)})
	}
	s.Emissions = append(s.Emissions, emission{frames - 2, 5, frames + 4}) // never arrives
	open := func(context.Context) (stream, error) { return &slow{make(chan struct{}, frames), hold}, nil }
	l := newLoad(o, open, make([][]byte, frames), s)
	begin := time.Now()
	l.begin = begin.Add(-time.Millisecond)
	var times times
	if err := l.stream(t.Context(), begin, &times); err == nil {
		t.Fatal("no error for a cut stream")
	}
	if len(times.latency) != len(s.Emissions) {
		t.Fatalf("%d latencies, want one per emission", len(times.latency))
	}
	for i, latency := range times.latency[:8] {
		if want := hold - time.Duration(i)*o.frame; latency < want-5*time.Millisecond {
			t.Errorf("frame %d: latency %v, expected %v of waiting behind the first", i, latency, want)
		}
	}
}

func TestLoadsServersAndCommands(t *testing.T) {
	server, err := testserver.Start()
	if errors.Is(err, testserver.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer server.Kill()
	schedule := filepath.Join(t.TempDir(), "schedule.json")
	live := []string{"-streams", "3", "-seconds", "1", "-ramp", "100ms", "-settle", "100ms"}
	for name, args := range map[string][]string{
		"server":         append(live, "-target", server.Target, "-format", "flac", "-schedule", schedule),
		"server in bulk": {"-streams", "3", "-rounds", "2", "-seconds", "5", "-bulk", "-target", server.Target, "-format", "wav"},
		"command":        append(live, "--", "cat"),
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			if err := run(t.Context(), args, &out); err != nil {
				t.Fatal(err)
			}
			var got report
			if err := json.Unmarshal(out.Bytes(), &got); err != nil {
				t.Fatal(err)
			}
			if got.Failed != 0 || got.Finished < 3 || got.AudioS <= 0 {
				t.Errorf("got %+v", got)
			}
			if name != "server in bulk" && (got.LatencyMs == nil || got.GeneratorLatenessMs == nil) {
				t.Error("no latencies")
			}
		})
	}
	if _, err := os.Stat(schedule); err != nil {
		t.Error(err)
	}
}
