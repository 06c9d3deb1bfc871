package audiowriter

import (
	"bytes"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"
)

// takeAll returns the PCM and the positions of the flushes.
func takeAll(t *testing.T, s *spool) (pcm []byte, flushes []int) {
	t.Helper()
	buffer := make([]byte, 1000)
	for s.behind() {
		n, flush, _, err := s.take(buffer)
		if err != nil {
			t.Fatal(err)
		}
		pcm = append(pcm, buffer[:n]...)
		if flush {
			flushes = append(flushes, len(pcm))
		}
	}
	return pcm, flushes
}

func TestSpoolReturnsPCMAndFlushesAsOftenAsItIsRewound(t *testing.T) {
	for name, size := range map[string]int{"memory": 10_000, "file": spoolMemoryBytes + 10_000} {
		t.Run(name, func(t *testing.T) {
			folder := t.TempDir()
			t.Setenv("TMPDIR", folder)
			s := newSpool(1 << 30)
			defer s.close()
			pcm := bytes.Repeat([]byte("abcdefg"), size/7)
			s.add(nil, true, place{position: Next})
			s.add(pcm[:2500], true, place{position: Next})
			s.add(nil, true, place{position: Next})
			for range 2 {
				s.rewind()
				takeAll(t, s)
			}
			s.rewind()
			_, _, _, _ = s.take(make([]byte, 10))
			s.add(pcm[2500:], true, place{position: Next}) // also while it is behind
			s.rewind()
			got, flushes := takeAll(t, s)
			if !bytes.Equal(got, pcm) {
				t.Errorf("%d bytes differ from %d", len(got), len(pcm))
			}
			want := []int{0, 2500, 2500, len(pcm)}
			if len(flushes) != 4 || flushes[1] != want[1] || flushes[2] != want[2] || flushes[3] != want[3] {
				t.Errorf("flushes at %v, expected %v", flushes, want)
			}
			if left, err := os.ReadDir(folder); runtime.GOOS != "windows" && (err != nil || len(left) > 0) {
				t.Errorf("the file has a name: %v %v", left, err)
			}
		})
	}
}

func TestSpoolKeepsNothingBeyondItsLimit(t *testing.T) {
	s := newSpool(28)
	s.add(make([]byte, 20), true, place{position: Next})
	if !s.complete {
		t.Error("the limit includes 8 bytes for a flush, and no more")
	}
	s.add(make([]byte, 1), false, place{position: Next})
	if s.complete || s.behind() || s.memory != nil {
		t.Errorf("%+v", s)
	}
	s.add(make([]byte, 1), false, place{position: Next}) // does nothing
}

func TestSpoolWhoseFileIsTruncatedReturnsAnError(t *testing.T) {
	s := newSpool(1 << 30)
	defer s.close()
	s.add(make([]byte, spoolMemoryBytes+1), false, place{position: Next})
	if err := s.buffer.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.file.Truncate(10); err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := s.take(make([]byte, 100)); err == nil {
		t.Error("no error")
	}
}

func TestSpoolWhoseFileCannotBeWrittenIsClosed(t *testing.T) {
	s := newSpool(1 << 30)
	s.add(make([]byte, spoolMemoryBytes+1), false, place{position: Next})
	_ = s.file.Close()
	s.add(make([]byte, spoolWriteBytes+1), false, place{position: Next})
	if s.complete {
		t.Error("still complete")
	}
}

// run is what a message has.
type run struct {
	place
	pcm   string
	flush bool
}

func TestSpoolReturnsPlaces(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		s := newSpool(1 << 20)
		var added []run
		channel := uint32(0)
		for range random.IntN(8) {
			one := run{place: place{position: Next}, flush: true}
			if random.IntN(4) > 0 {
				one = run{place{Next, channel}, strings.Repeat("x", 1+random.IntN(20)), random.IntN(3) == 0}
				if random.IntN(2) > 0 {
					one.place = place{random.Int64N(50) - 1, random.Uint32N(3)}
					channel = one.channel
				}
			}
			added = append(added, one)
			s.add([]byte(one.pcm), one.flush, one.place)
		}
		for range 2 {
			s.rewind()
			var got []run
			for buffer := make([]byte, 7); s.behind(); {
				n, flush, to, err := s.take(buffer)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, run{to, string(buffer[:n]), flush})
			}
			if !slices.Equal(joined(got), joined(added)) {
				t.Fatalf("%v, expected %v", got, added)
			}
		}
		s.close()
	}
}

// joined joins each run with the one before it that it follows.
func joined(runs []run) (all []run) {
	for _, next := range runs {
		n := len(all)
		follows := n > 0 && (next.pcm == "" || next.place == place{Next, all[n-1].channel})
		if follows && !all[n-1].flush {
			all[n-1].pcm += next.pcm
			all[n-1].flush = next.flush
		} else {
			all = append(all, next)
		}
	}
	return all
}
