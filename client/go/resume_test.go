package audiowriter_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

const (
	raw = audiowriterv1.AudioFormat_AUDIO_FORMAT_PCM
	mp3 = audiowriterv1.AudioFormat_AUDIO_FORMAT_MP3
	// part is a number of bytes that ends inside a sample.
	part = 100_001
)

// destination is a file or a live listener.
type destination struct {
	path string
	live bytes.Buffer
}

// destinations are one of each kind.
func destinations(t *testing.T) map[string]*destination {
	return map[string]*destination{"file": {path: filepath.Join(t.TempDir(), "out")}, "live": {}}
}

func (d *destination) open(
	t *testing.T, f *fleet, cfg *audiowriterv1.StreamConfig, opts ...audiowriter.Option,
) *audiowriter.Writer {
	t.Helper()
	var w *audiowriter.Writer
	var err error
	if d.path != "" {
		w, err = audiowriter.CreateFile(limited(t), f.conn, d.path, cfg, opts...)
	} else {
		w, err = audiowriter.NewWriter(limited(t), f.conn, &d.live, cfg, opts...)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.Abort)
	return w
}

// check closes w and compares what the destination has with an undisturbed stream.
func (d *destination) check(t *testing.T, w *audiowriter.Writer, cfg *audiowriterv1.StreamConfig, pcm []byte) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	got := d.live.Bytes()
	if d.path != "" {
		var err error
		if got, err = os.ReadFile(d.path); err != nil {
			t.Fatal(err)
		}
	}
	checkSame(t, cfg, w, pcm, got, d.path != "")
}

func write(t *testing.T, w *audiowriter.Writer, pcm []byte) {
	t.Helper()
	if _, err := w.Write(pcm); err != nil {
		t.Fatal(err)
	}
}

func flush(t *testing.T, w *audiowriter.Writer) *audiowriterv1.StreamFlushed {
	t.Helper()
	flushed, err := w.Flush()
	if err != nil {
		t.Fatal(err)
	}
	return flushed
}

func TestEveryFormatSurvivesTheLossOfItsOnlyServer(t *testing.T) {
	f := newFleet(t, 1)
	formats, err := audiowriter.ListFormats(t.Context(), f.conn)
	if err != nil {
		t.Fatal(err)
	}
	type stream struct {
		*destination
		*audiowriter.Writer
		cfg *audiowriterv1.StreamConfig
	}
	pcm, streams := tone(96_000), map[string]stream{}
	for _, format := range formats {
		for kind, dst := range destinations(t) {
			cfg := mono24k(format.GetFormat())
			w := dst.open(t, f, cfg)
			write(t, w, pcm[:part])
			streams[format.GetName()+" "+kind] = stream{dst, w, cfg}
		}
	}
	time.Sleep(500 * time.Millisecond) // for bytes of the formats that have some by now
	f.killHolder()
	if err := f.servers[0].Restart(); err != nil {
		t.Fatal(err)
	}
	for name, one := range streams {
		t.Run(name, func(t *testing.T) {
			write(t, one.Writer, pcm[part:])
			one.check(t, one.Writer, one.cfg, pcm)
		})
	}
	if offsets := f.offsets(); slices.Max(offsets) == 0 {
		t.Errorf("no listener had bytes: %v", offsets)
	}
}

func TestServerMayBeLostAtTheFirstByte(t *testing.T) {
	for kind, dst := range destinations(t) {
		t.Run(kind, func(t *testing.T) {
			f, pcm := newFleet(t, 2), tone(96_000)
			var once sync.Once
			f.set(hooks{onChunk: func() { once.Do(f.killHolder) }})
			w := dst.open(t, f, mono24k(wav))
			write(t, w, pcm)
			dst.check(t, w, mono24k(wav), pcm)
		})
	}
}

func TestServerMayBeLostBeforeTheFirstByte(t *testing.T) {
	f, pcm, dst := newFleet(t, 2), tone(96_000), destination{}
	w := dst.open(t, f, mono24k(raw))
	f.killHolder()
	write(t, w, pcm)
	dst.check(t, w, mono24k(raw), pcm)
}

func TestServerMayBeLostBetweenHalfCloseAndTheEnd(t *testing.T) {
	cfg := mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_AAC_ADTS)
	cfg.Input.SampleRateHz, cfg.Output.SampleRateHz, cfg.Output.Effort = 8000, 96_000, proto.Uint32(10)
	pcm := tone(160_000)
	for kind, dst := range destinations(t) {
		t.Run(kind, func(t *testing.T) {
			f := newFleet(t, 2)
			var once sync.Once
			f.set(hooks{onHalfClose: func() { once.Do(f.killHolder) }})
			w := dst.open(t, f, cfg)
			write(t, w, pcm)
			dst.check(t, w, cfg, pcm)
			if len(f.offsets()) != 1 {
				t.Errorf("%d resumed calls, expected 1", len(f.offsets()))
			}
		})
	}
}

func TestTwoServersMayBeLost(t *testing.T) {
	for kind, dst := range destinations(t) {
		t.Run(kind, func(t *testing.T) {
			f, pcm, third := newFleet(t, 3), tone(96_000), 60_001
			w := dst.open(t, f, mono24k(mp3))
			for loss := range 2 {
				write(t, w, pcm[loss*third:(loss+1)*third])
				time.Sleep(200 * time.Millisecond)
				f.killHolder()
				f.waitForCalls(loss + 2)
			}
			write(t, w, pcm[2*third:])
			dst.check(t, w, mono24k(mp3), pcm)
		})
	}
}

func TestServerMayBeLostWhileTheStreamIsSentAgain(t *testing.T) {
	pcm := tone(1_000_000)
	for kind, dst := range destinations(t) {
		t.Run(kind, func(t *testing.T) {
			f := newFleet(t, 3)
			var sent atomic.Int32
			f.set(hooks{onSend: func(call int) {
				if call == 2 && sent.Add(1) == 4 {
					f.killHolder()
				}
			}})
			w := dst.open(t, f, mono24k(mp3))
			write(t, w, pcm)
			time.Sleep(200 * time.Millisecond)
			f.killHolder()
			dst.check(t, w, mono24k(mp3), pcm)
			if len(f.offsets()) != 2 {
				t.Errorf("resumed at %v, expected two calls", f.offsets())
			}
		})
	}
}

func TestFlushesAreSentAgainAndAnsweredOnce(t *testing.T) {
	f, pcm := newFleet(t, 2), tone(96_000)
	run := func(broken bool) []byte {
		var dst destination
		w := dst.open(t, f, mono24k(mp3))
		write(t, w, pcm[:part])
		if first := flush(t, w); first.GetInputSamples() != part/2 {
			t.Errorf("%d samples at the first flush", first.GetInputSamples())
		}
		if broken {
			f.killHolder()
		}
		write(t, w, pcm[part:150_000])
		if second := flush(t, w); second.GetInputSamples() != 75_000 || second.GetOffset() != int64(dst.live.Len()) {
			t.Errorf("second flush %v, %d bytes written", second, dst.live.Len())
		}
		write(t, w, pcm[150_000:])
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return dst.live.Bytes()
	}
	if whole := run(false); !bytes.Equal(run(true), whole) {
		t.Error("other bytes")
	}
}

func TestSpoolOfALongStreamIsAFile(t *testing.T) {
	f, pcm, dst := newFleet(t, 2), tone(6_000_000), destination{}
	w := dst.open(t, f, mono24k(raw))
	write(t, w, pcm[:len(pcm)-part])
	flush(t, w)
	f.killHolder()
	write(t, w, pcm[len(pcm)-part:])
	dst.check(t, w, mono24k(raw), pcm)
}

func TestDiskThatIsFullEndsTheSpoolAndNotTheStream(t *testing.T) {
	t.Setenv("TMPDIR", "/does/not/exist")
	f, pcm, dst := newFleet(t, 1), tone(6_000_000), destination{}
	w := dst.open(t, f, mono24k(raw))
	write(t, w, pcm)
	dst.check(t, w, mono24k(raw), pcm)
}

func TestFileThatCanSeekIsWrittenAgainFromItsStart(t *testing.T) {
	f, pcm := newFleet(t, 2), tone(96_000)
	file, err := os.Create(filepath.Join(t.TempDir(), "out.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := file.WriteString("seven.."); err != nil {
		t.Fatal(err)
	}
	w, err := audiowriter.NewWriter(limited(t), f.conn, file, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	write(t, w, pcm[:part])
	flush(t, w)
	f.killHolder()
	write(t, w, pcm[part:])
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	if string(content[:7]) != "seven.." {
		t.Errorf("%q before the file", content[:7])
	}
	checkSame(t, mono24k(wav), w, pcm, content[7:], true)
	if offsets := f.offsets(); !slices.Equal(offsets, []int64{0}) {
		t.Errorf("resumed at %v", offsets)
	}
}
