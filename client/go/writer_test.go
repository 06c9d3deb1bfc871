package audiowriter_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"testing"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

const wav = audiowriterv1.AudioFormat_AUDIO_FORMAT_WAV

func TestEveryFormatIsReceivedCompletely(t *testing.T) {
	conn := dial(t)
	formats, err := audiowriter.ListFormats(t.Context(), conn)
	if err != nil {
		t.Fatal(err)
	}
	for _, format := range formats {
		t.Run(format.GetName(), func(t *testing.T) {
			var dst bytes.Buffer
			w, err := audiowriter.NewWriter(limited(t), conn, &dst, mono24k(format.GetFormat()))
			if err != nil {
				t.Fatal(err)
			}
			if got := w.Started().GetFileExtension(); got != format.GetFileExtension() {
				t.Errorf("extension %q, expected %q", got, format.GetFileExtension())
			}
			pcm := tone(24000)
			for len(pcm) > 0 { // 777 cuts inside samples
				n := min(777, len(pcm))
				if _, err := w.Write(pcm[:n]); err != nil {
					t.Fatal(err)
				}
				pcm = pcm[n:]
			}
			if w.Result() != nil || w.Header() != nil {
				t.Error("result or header before Close")
			}
			if err := w.Close(); err != nil {
				t.Fatal(err)
			}
			result := w.Result()
			if result.GetInputSamples() != 24000 || result.GetFileBytes() != int64(dst.Len()) {
				t.Errorf("%d bytes written, result %v", dst.Len(), result)
			}
			file := dst.Bytes()
			copy(file, w.Header())
			if crc := crc32.Checksum(file, crc32.MakeTable(crc32.Castagnoli)); crc != result.GetFileCrc32C() {
				t.Errorf("CRC-32C %08x, expected %08x", crc, result.GetFileCrc32C())
			}
		})
	}
}

func TestEmptyStreamIsAValidFile(t *testing.T) {
	var dst bytes.Buffer
	w, err := audiowriter.NewWriter(limited(t), dial(t), &dst, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if w.Result().GetOutputSamples() != 0 || dst.Len() == 0 {
		t.Errorf("%d bytes, result %v", dst.Len(), w.Result())
	}
}

func TestHeaderIsWrittenWhereTheFileStarts(t *testing.T) {
	conn := dial(t)
	for _, before := range []string{"", "seven.."} {
		file, err := os.Create(filepath.Join(t.TempDir(), "out.wav"))
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		if _, err := file.WriteString(before); err != nil {
			t.Fatal(err)
		}
		encodeTone(t, func() (*audiowriter.Writer, error) {
			return audiowriter.NewWriter(limited(t), conn, file, mono24k(wav))
		})
		content, err := os.ReadFile(file.Name())
		if err != nil {
			t.Fatal(err)
		}
		if string(content[:len(before)]) != before {
			t.Errorf("%q before the file became %q", before, content[:len(before)])
		}
		checkWAV(t, content[len(before):])
	}
}

func TestPipeReceivesTheStreamWithoutTheHeader(t *testing.T) {
	reader, writer, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	received := make(chan []byte)
	go func() {
		content, _ := io.ReadAll(reader)
		received <- content
	}()
	w := encodeTone(t, func() (*audiowriter.Writer, error) {
		return audiowriter.NewWriter(limited(t), dial(t), writer, mono24k(wav))
	})
	writer.Close()
	content := <-received
	if size := binary.LittleEndian.Uint32(content[4:]); size != 0xFFFFFFFF {
		t.Errorf("RIFF size %d in a pipe", size)
	}
	copy(content, w.Header())
	checkWAV(t, content)
}

func TestAppendingFileIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	conn := dial(t)
	if _, err := audiowriter.NewWriter(limited(t), conn, file, mono24k(wav)); err == nil {
		t.Error("no error")
	}
	encodeTone(t, func() (*audiowriter.Writer, error) {
		return audiowriter.NewWriter(limited(t), conn, struct{ io.Writer }{file}, mono24k(wav))
	})
}

func TestFlushReturnsWhenItsBytesAreWritten(t *testing.T) {
	var dst bytes.Buffer
	w, err := audiowriter.NewWriter(limited(t), dial(t), &dst, mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_MP3))
	if err != nil {
		t.Fatal(err)
	}
	for second := range int64(3) {
		if _, err := w.Write(tone(24000)); err != nil {
			t.Fatal(err)
		}
		flushed, err := w.Flush()
		if err != nil {
			t.Fatal(err)
		}
		if flushed.GetOffset() != int64(dst.Len()) || flushed.GetInputSamples() != 24000*(second+1) {
			t.Errorf("%d bytes written, answer %v", dst.Len(), flushed)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestCopyFromReader(t *testing.T) {
	var dst bytes.Buffer
	pcm := tone(300_000) // more than two messages
	w, err := audiowriter.NewWriter(limited(t), dial(t), &dst, mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_PCM))
	if err != nil {
		t.Fatal(err)
	}
	onlyReader := struct{ io.Reader }{bytes.NewReader(pcm)} // hides WriteTo, which io.Copy would use
	if n, err := io.Copy(w, onlyReader); err != nil || n != int64(len(pcm)) {
		t.Fatal(n, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dst.Bytes(), pcm) {
		t.Error("received PCM differs")
	}
}

func TestErrorOfTheReaderIsReturned(t *testing.T) {
	w, err := audiowriter.NewWriter(limited(t), dial(t), io.Discard, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	broken := errors.New("broken microphone")
	reader, writer := io.Pipe()
	writer.CloseWithError(broken)
	if _, err := io.Copy(w, reader); !errors.Is(err, broken) {
		t.Error(err)
	}
}

func TestCloseIsFinal(t *testing.T) {
	w := encodeTone(t, func() (*audiowriter.Writer, error) {
		return audiowriter.NewWriter(limited(t), dial(t), io.Discard, mono24k(wav))
	})
	w.Abort()
	if err := w.Close(); err != nil || w.Result() == nil {
		t.Error(err, w.Result())
	}
	if _, err := w.Write(tone(1)); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
	if _, err := w.Flush(); !errors.Is(err, os.ErrClosed) {
		t.Error(err)
	}
}

// encodeTone sends one second of tone to the Writer that open returns.
func encodeTone(t *testing.T, open func() (*audiowriter.Writer, error)) *audiowriter.Writer {
	t.Helper()
	w, err := open()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tone(24000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return w
}

// checkWAV checks that content is the complete WAVE file of one second of tone.
func checkWAV(t *testing.T, content []byte) {
	t.Helper()
	if size := int(binary.LittleEndian.Uint32(content[4:])); size != len(content)-8 {
		t.Errorf("RIFF size %d in a file of %d bytes", size, len(content))
	}
	data := bytes.Index(content, []byte("data"))
	if size := binary.LittleEndian.Uint32(content[data+4:]); size != 48000 {
		t.Errorf("data size %d, expected 48000", size)
	}
	if !bytes.HasPrefix(content[data+8:], tone(24000)) {
		t.Error("received samples differ")
	}
}
