package audiowriter

import (
	"bytes"
	"os"
	"runtime"
	"testing"
)

// takeAll returns the PCM and the positions of the flushes.
func takeAll(t *testing.T, s *spool) (pcm []byte, flushes []int) {
	t.Helper()
	buffer := make([]byte, 1000)
	for s.behind() {
		n, flush, err := s.take(buffer)
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
			s.add(nil, true)
			s.add(pcm[:2500], true)
			s.add(nil, true)
			for range 2 {
				s.rewind()
				takeAll(t, s)
			}
			s.rewind()
			_, _, _ = s.take(make([]byte, 10))
			s.add(pcm[2500:], true) // also while it is behind
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
	s.add(make([]byte, 20), true)
	if !s.complete {
		t.Error("the limit includes 8 bytes for a flush, and no more")
	}
	s.add(make([]byte, 1), false)
	if s.complete || s.behind() || s.memory != nil {
		t.Errorf("%+v", s)
	}
	s.add(make([]byte, 1), false) // does nothing
}

func TestSpoolWhoseFileIsTruncatedReturnsAnError(t *testing.T) {
	s := newSpool(1 << 30)
	defer s.close()
	s.add(make([]byte, spoolMemoryBytes+1), false)
	if err := s.buffer.Flush(); err != nil {
		t.Fatal(err)
	}
	if err := s.file.Truncate(10); err != nil {
		t.Fatal(err)
	}
	if _, _, err := s.take(make([]byte, 100)); err == nil {
		t.Error("no error")
	}
}

func TestSpoolWhoseFileCannotBeWrittenIsClosed(t *testing.T) {
	s := newSpool(1 << 30)
	s.add(make([]byte, spoolMemoryBytes+1), false)
	_ = s.file.Close()
	s.add(make([]byte, spoolWriteBytes+1), false)
	if s.complete {
		t.Error("still complete")
	}
}
