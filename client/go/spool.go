package audiowriter

import (
	"bufio"
	"os"
)

const (
	spoolMemoryBytes = 4 << 20
	spoolWriteBytes  = 256 << 10
	flushBytes       = 8
	placeBytes       = 24
)

// spool keeps the PCM that a stream has sent, its places and the offsets of its flushes, so that they can be sent again. They are
// in memory at first, then in a temporary file that has no name.
type spool struct {
	limit   int64
	length  int64   // of the PCM, in bytes
	flushes []int64 // offsets in the PCM
	places  []placeAt
	channel uint32 // of the last PCM that was added

	memory []byte
	file   *os.File // nil as long as memory has the PCM
	buffer *bufio.Writer

	// The next PCM, flush and place to take, and the channel of the PCM before them.
	position    int64
	next        int
	nextPlace   int
	lastChannel uint32

	// complete reports whether everything that was added is still there. It is false after the limit, or after an error of
	// the disk.
	complete bool
}

// placeAt is the place of the PCM after an offset.
type placeAt struct {
	offset int64
	place  place
}

// newSpool returns a spool for limit bytes of PCM, of which a flush takes 8 and a place 24. If limit is 0, nothing is kept.
func newSpool(limit int64) *spool { return &spool{limit: limit, complete: limit > 0} }

// add appends PCM at a place, and then a flush. It copies pcm.
func (s *spool) add(pcm []byte, flush bool, to place) {
	if !s.complete {
		return
	}
	if len(pcm) > 0 && to != (place{Next, s.channel}) {
		s.places = append(s.places, placeAt{s.length, to})
		s.channel = to.channel
	}
	length, flushes := s.length+int64(len(pcm)), len(s.flushes)
	if flush {
		flushes++
	}
	marks := flushBytes*int64(flushes) + placeBytes*int64(len(s.places))
	if length+marks > s.limit || s.write(pcm) != nil {
		s.close() // the stream itself needs neither the spool nor the disk
		return
	}
	s.length = length
	if flush {
		s.flushes = append(s.flushes, length)
	}
}

func (s *spool) write(pcm []byte) error {
	if s.file == nil && len(s.memory)+len(pcm) > spoolMemoryBytes {
		if err := s.moveToFile(); err != nil {
			return err
		}
	}
	if s.file == nil {
		s.memory = append(s.memory, pcm...)
		return nil
	}
	_, err := s.buffer.Write(pcm)
	return err
}

func (s *spool) moveToFile() error {
	file, err := os.CreateTemp("", "audiowriter-*.pcm")
	if err != nil {
		return err
	}
	_ = os.Remove(file.Name()) // Windows can't remove an open file: close tries again
	s.file, s.buffer = file, bufio.NewWriterSize(file, spoolWriteBytes)
	memory := s.memory
	s.memory = nil
	_, err = s.buffer.Write(memory)
	return err
}

// rewind makes everything ready to be taken once more.
func (s *spool) rewind() { s.position, s.next, s.nextPlace, s.lastChannel = 0, 0, 0, 0 }

// behind reports whether there is something to take.
func (s *spool) behind() bool { return s.position < s.length || s.next < len(s.flushes) }

// take copies PCM of one place into dst, up to the next flush. It returns how much it copied, whether a flush follows, and
// the place.
func (s *spool) take(dst []byte) (n int, flush bool, to place, err error) {
	end := min(s.position+int64(len(dst)), s.length)
	to = place{Next, s.lastChannel}
	if s.next < len(s.flushes) && s.flushes[s.next] == s.position {
		s.next++
		return 0, true, place{position: Next}, nil
	}
	if s.nextPlace < len(s.places) && s.places[s.nextPlace].offset == s.position {
		to = s.places[s.nextPlace].place
		s.lastChannel = to.channel
		s.nextPlace++
	}
	if s.nextPlace < len(s.places) {
		end = min(end, s.places[s.nextPlace].offset)
	}
	if s.next < len(s.flushes) && s.flushes[s.next] <= end {
		end, flush = s.flushes[s.next], true
		s.next++
	}
	dst = dst[:end-s.position]
	if s.file == nil {
		copy(dst, s.memory[s.position:end])
	} else if err := s.read(dst); err != nil {
		return 0, false, to, err
	}
	s.position = end
	return len(dst), flush, to, nil
}

func (s *spool) read(dst []byte) error {
	if err := s.buffer.Flush(); err != nil || len(dst) == 0 {
		return err
	}
	_, err := s.file.ReadAt(dst, s.position)
	return err
}

// close forgets everything.
func (s *spool) close() {
	if s.file != nil {
		_ = s.file.Close()
		_ = os.Remove(s.file.Name())
	}
	*s = spool{}
}
