package audiowriter

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"hash"
	"hash/crc32"
	"io"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// assembly writes the messages of a stream to the destination as a file and checks that no byte is missing.
type assembly struct {
	dst   io.Writer
	head  io.WriterAt // nil if dst can't be written at an earlier position
	file  file        // nil if dst can't be written again from start
	start int64
	sum   hash.Hash // of the bytes as they are sent, without the header
	crc   uint32    // of the same bytes
	size  int64

	outputSamples int64     // of the last chunk
	resumedAt     int64     // size when the last call began; 0 if it began with the file
	resumedSum    hash.Hash // of the bytes from there on

	// first is the first run of bytes. The header is never longer, so it is enough to compute the CRC of the file with the
	// header in place, also if dst can't be read or written at its start.
	first []byte
}

// file is a destination that can be written again from a position.
type file interface {
	io.Seeker
	Truncate(size int64) error
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
	a.file, _ = dst.(file)
	a.start = start
	return a, nil
}

// live reports whether somebody may listen to the bytes as they arrive. Nobody listens to a file that gets its header at the
// end.
func (a *assembly) live() bool { return a.head == nil }

func (a *assembly) chunk(c *audiowriterv1.EncodedChunk) error {
	if c.GetOffset() != a.size {
		return fmt.Errorf("%w: chunk at offset %d, expected %d", ErrCorrupt, c.GetOffset(), a.size)
	}
	if err := a.append(c.GetData()); err != nil {
		return err
	}
	a.outputSamples = c.GetOutputSamples()
	return nil
}

// resumePoint says what dst has. It is empty for a file that is written again from its start.
func (a *assembly) resumePoint(serial uint32) *audiowriterv1.ResumePoint {
	a.resumedAt, a.resumedSum = a.size, sha256.New()
	if a.size == 0 {
		return &audiowriterv1.ResumePoint{}
	}
	return &audiowriterv1.ResumePoint{
		Offset: a.size, Sha256: a.sum.Sum(nil), Serial: serial,
		OutputSamples: a.outputSamples, Crc32C: a.crc, FirstCrc32C: crc32.Checksum(a.first, castagnoli),
	}
}

// finish appends the trailer, checks length, hash and CRC, and writes the header. If the server has gone on with other packets
// than those of an earlier call, it adds the hash of these to the totals.
func (a *assembly) finish(f *audiowriterv1.StreamFinished) error {
	if err := a.append(f.GetTrailer()); err != nil {
		return err
	}
	header := f.GetHeader()
	if len(header) > len(a.first) {
		return fmt.Errorf("%w: header of %d bytes, expected at most %d", ErrCorrupt, len(header), len(a.first))
	}
	crc := crcWithHeader(a.crc, a.size, a.first, header)
	totals, sum := f.GetTotals(), a.sum.Sum(nil)
	checked := sum
	if at := totals.GetSentSha256Offset(); at > 0 && at == a.resumedAt {
		checked = a.resumedSum.Sum(nil)
	}
	if err := checkFile(totals, a.size, checked, crc); err != nil {
		return err
	}
	totals.SentSha256, totals.SentSha256Offset = sum, 0
	if len(header) > 0 && a.head != nil {
		if _, err := a.head.WriteAt(header, 0); err != nil {
			return fmt.Errorf("audiowriter: write header: %w", err)
		}
	}
	return nil
}

// restart removes what was written, so that the file can be written again. It does nothing if that is not possible: dst
// can't seek or be truncated, or other bytes follow.
func (a *assembly) restart() error {
	if a.file == nil || a.size == 0 {
		return nil
	}
	end := a.start + a.size
	last, err := a.file.Seek(0, io.SeekEnd)
	if err == nil && last == end && a.file.Truncate(a.start) == nil {
		end = a.start
		a.first, a.crc, a.size = nil, 0, 0
		a.sum.Reset()
	}
	if _, err := a.file.Seek(end, io.SeekStart); err != nil {
		return fmt.Errorf("audiowriter: seek in destination: %w", err)
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
	if a.size == 0 {
		a.first = data
	}
	a.sum.Write(data)
	if a.resumedAt > 0 {
		a.resumedSum.Write(data)
	}
	a.crc = crc32.Update(a.crc, castagnoli, data)
	a.size += int64(len(data))
	return nil
}

// checkFile returns ErrCorrupt if the received bytes do not match totals. crc is that of the file with its header in place.
func checkFile(totals *audiowriterv1.Totals, size int64, sum []byte, crc uint32) error {
	if totals.GetFileBytes() != size {
		return fmt.Errorf("%w: %d bytes, expected %d", ErrCorrupt, size, totals.GetFileBytes())
	}
	if !bytes.Equal(totals.GetSentSha256(), sum) {
		return fmt.Errorf("%w: SHA-256 %x, expected %x", ErrCorrupt, sum, totals.GetSentSha256())
	}
	if totals.GetFileCrc32C() != crc {
		return fmt.Errorf("%w: CRC-32C %08x, expected %08x", ErrCorrupt, crc, totals.GetFileCrc32C())
	}
	return nil
}
