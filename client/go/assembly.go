package audiowriter

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"io"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// assembly writes the messages of a stream to the destination as a file and checks that no byte is missing.
type assembly struct {
	dst  io.Writer
	head io.WriterAt // nil if dst can't be written at an earlier position
	sum  hash.Hash
	size uint64
}

// newAssembly returns an error for a file opened with O_APPEND, because the header can't be written at its start.
func newAssembly(dst io.Writer) (*assembly, error) {
	a := &assembly{dst: dst, sum: sha256.New()}
	at, ok := dst.(io.WriterAt)
	if !ok {
		return a, nil
	}
	var start int64
	if seeker, ok := dst.(io.Seeker); ok {
		position, err := seeker.Seek(0, io.SeekCurrent)
		if err != nil { // a pipe or a terminal, which is an *os.File but can't seek
			return a, nil
		}
		start = position
	}
	if _, err := at.WriteAt(nil, start); err != nil {
		return nil, fmt.Errorf("audiowriter: the header can't be written to the destination: %w", err)
	}
	a.head = io.NewOffsetWriter(at, start)
	return a, nil
}

func (a *assembly) chunk(c *audiowriterv1.EncodedChunk) error {
	if c.GetOffset() != a.size {
		return fmt.Errorf("%w: chunk at offset %d, expected %d", ErrCorrupt, c.GetOffset(), a.size)
	}
	return a.append(c.GetData())
}

// finish appends the trailer, checks length and hash, and writes the header.
func (a *assembly) finish(f *audiowriterv1.StreamFinished) error {
	if err := a.append(f.GetTrailer()); err != nil {
		return err
	}
	if f.GetTotalBytes() != a.size {
		return fmt.Errorf("%w: %d bytes, expected %d", ErrCorrupt, a.size, f.GetTotalBytes())
	}
	if sum := a.sum.Sum(nil); !bytes.Equal(f.GetSha256(), sum) {
		return fmt.Errorf("%w: SHA-256 %x, expected %x", ErrCorrupt, sum, f.GetSha256())
	}
	if header := f.GetHeader(); len(header) > 0 && a.head != nil {
		if _, err := a.head.WriteAt(header, 0); err != nil {
			return fmt.Errorf("audiowriter: write header: %w", err)
		}
	}
	return nil
}

func (a *assembly) append(data []byte) error {
	if len(data) == 0 {
		return nil
	}
	n, err := a.dst.Write(data)
	if err == nil && n < len(data) {
		err = io.ErrShortWrite
	}
	if err != nil {
		return fmt.Errorf("audiowriter: write to destination: %w", err)
	}
	a.sum.Write(data)
	a.size += uint64(len(data))
	return nil
}
