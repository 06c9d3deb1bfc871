package audiowriter_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	"github.com/audiowriter/audiowriter/client/go/internal/testserver"
)

// frameBytes is 20 ms.
const frameBytes = 960

// logged is a server whose log is read.
type logged struct {
	t    *testing.T
	path string
	conn *grpc.ClientConn
}

func newLogged(t *testing.T) *logged {
	t.Helper()
	log, err := os.Create(filepath.Join(t.TempDir(), "log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	server, err := testserver.StartWithLog(log, "--log-format=json")
	if errors.Is(err, testserver.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Kill)
	current := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, current) })
	// A message has at most 256 KiB of PCM.
	conn, err := audiowriter.Dial(server.Target, grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(256<<10+16)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return &logged{t: t, path: log.Name(), conn: conn}
}

// received returns for each stream that has ended how many messages the server received, the config included.
func (l *logged) received() []int {
	l.t.Helper()
	content, err := os.ReadFile(l.path)
	if err != nil {
		l.t.Fatal(err)
	}
	var streams []int
	for line := range bytes.Lines(content) {
		var entry struct {
			Message, Method string
			Received        int
		}
		if json.Unmarshal(line, &entry) == nil && entry.Message == "call" && entry.Method == "EncodeStream" {
			streams = append(streams, entry.Received)
		}
	}
	return streams
}

// receivedOf returns how many messages the server received of the stream with this number, from 1.
func (l *logged) receivedOf(number int) int {
	l.t.Helper()
	for range 2000 {
		if streams := l.received(); len(streams) >= number {
			return streams[number-1]
		}
		time.Sleep(10 * time.Millisecond)
	}
	l.t.Fatalf("stream %d has no log line", number)
	return 0
}

// writePieces writes pcm in pieces that are overwritten after each Write.
func writePieces(t *testing.T, w *audiowriter.Writer, pcm []byte, size int) {
	t.Helper()
	piece := make([]byte, size)
	for len(pcm) > 0 {
		n := copy(piece, pcm)
		write(t, w, piece[:n])
		clear(piece)
		pcm = pcm[n:]
	}
}

func TestFilesGetLongMessagesAndListenersTheirBytesAtOnce(t *testing.T) {
	server := newLogged(t)
	for name, test := range map[string]struct {
		samples, piece int
		live           bool
		opts           []audiowriter.Option
		want           int // messages of PCM
	}{
		"file":               {60_000, frameBytes, false, nil, 3},
		"live":               {60_000, frameBytes, true, nil, 125},
		"file without":       {60_000, frameBytes, false, []audiowriter.Option{audiowriter.WithBuffer(0)}, 125},
		"live with":          {60_000, frameBytes, true, []audiowriter.Option{audiowriter.WithBuffer(500 * time.Millisecond)}, 5},
		"file in odd pieces": {60_000, 777, false, nil, 3},
		"file with an hour":  {300_000, frameBytes, false, []audiowriter.Option{audiowriter.WithBuffer(time.Hour)}, 3},
		"file in one piece":  {524_288, 1 << 20, false, nil, 4},
		"file in big pieces": {524_288 + 480, 1 << 19, false, nil, 5},
		"less than a second": {480, frameBytes, false, nil, 1},
		"nothing":            {0, frameBytes, false, nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			dst, pcm, before := &destination{}, tone(test.samples), len(server.received())
			if !test.live {
				dst.path = filepath.Join(t.TempDir(), "out")
			}
			w := dst.open(t, &fleet{conn: server.conn}, mono24k(raw), test.opts...)
			writePieces(t, w, pcm, test.piece)
			dst.check(t, w, mono24k(raw), pcm)
			if got := server.receivedOf(before+1) - 1; got != test.want {
				t.Errorf("%d messages of PCM, expected %d", got, test.want)
			}
		})
	}
}

func TestFileThatIsOpenGetsLongMessages(t *testing.T) {
	server := newLogged(t)
	file, err := os.Create(filepath.Join(t.TempDir(), "out.wav"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	w, err := audiowriter.NewWriter(limited(t), server.conn, file, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Abort()
	onlyReader := struct{ io.Reader }{bytes.NewReader(tone(24_000))}
	if n, err := io.CopyBuffer(struct{ io.Writer }{w}, onlyReader, make([]byte, frameBytes)); err != nil || n != 48_000 {
		t.Fatal(n, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file.Name())
	if err != nil {
		t.Fatal(err)
	}
	checkWAV(t, content)
	if got := server.receivedOf(1); got != 2 {
		t.Errorf("%d messages, expected the config and one of PCM", got)
	}
}

func TestFlushSendsWhatWasGathered(t *testing.T) {
	server := newLogged(t)
	dst := destination{path: filepath.Join(t.TempDir(), "out")}
	w := dst.open(t, &fleet{conn: server.conn}, mono24k(raw))
	pcm := tone(1440)
	for n := range 2 {
		write(t, w, pcm[n*frameBytes:(n+1)*frameBytes])
		flushed := flush(t, w)
		if want := int64(n+1) * frameBytes; flushed.GetInputSamples() != want/2 || flushed.GetOffset() != want {
			t.Errorf("flush %d: %v", n, flushed)
		}
	}
	write(t, w, pcm[2*frameBytes:])
	dst.check(t, w, mono24k(raw), pcm)
	if got := server.receivedOf(1); got != 1+3 {
		t.Errorf("%d messages, expected the config, two with a flush, and one", got)
	}
}

func TestErrorOfTheStreamEndsAWriteThatOnlyGathers(t *testing.T) {
	target := serve(t, func(stream serverStream) error {
		if _, err := stream.Recv(); err != nil {
			return err
		}
		if err := stream.Send(started()); err != nil {
			return err
		}
		return status.Error(codes.Internal, "encoder failed")
	})
	folder := t.TempDir()
	w, err := audiowriter.CreateFile(limited(t), dialTarget(t, target), filepath.Join(folder, "out.wav"), mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	for range 5000 { // much less than a message
		if _, err = w.Write(tone(1)); err != nil {
			break
		}
		time.Sleep(time.Millisecond)
	}
	_, flushErr := w.Flush()
	for _, err := range []error{err, flushErr, w.Close()} {
		if status.Code(err) != codes.Internal || !errors.Is(err, audiowriter.ErrTruncated) {
			t.Error(err)
		}
	}
	checkEmpty(t, folder)
}

func TestCancelEndsTheNextWriteThatOnlyGathers(t *testing.T) {
	folder, hungUp := t.TempDir(), errors.New("caller hung up")
	ctx, cancel := context.WithCancelCause(limited(t))
	w, err := audiowriter.CreateFile(ctx, dial(t), filepath.Join(folder, "out.wav"), mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, tone(10))
	cancel(hungUp)
	n, err := w.Write(tone(10))
	for _, err := range []error{err, w.Close()} {
		if n != 0 || status.Code(err) != codes.Canceled || !errors.Is(err, hungUp) {
			t.Error(n, err)
		}
	}
	checkEmpty(t, folder)
}

func TestFileThatIsClosedGathersNoMore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	w := encodeTone(t, func() (*audiowriter.Writer, error) {
		return audiowriter.CreateFile(limited(t), dial(t), path, mono24k(wav))
	})
	if n, err := w.Write(tone(1)); n != 0 || !errors.Is(err, os.ErrClosed) {
		t.Error(n, err)
	}
}

func TestAbortDropsWhatWasGathered(t *testing.T) {
	folder := t.TempDir()
	w, err := audiowriter.CreateFile(limited(t), dial(t), filepath.Join(folder, "out.wav"), mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, tone(10))
	w.Abort()
	if err := w.Close(); status.Code(err) != codes.Canceled {
		t.Error(err)
	}
	checkEmpty(t, folder)
}

func TestServerMayBeLostWhilePCMIsGathered(t *testing.T) {
	f, pcm := newFleet(t, 2), tone(96_000)
	for name, size := range map[string]int{"after a message": 100 * frameBytes, "before the first message": frameBytes} {
		t.Run(name, func(t *testing.T) {
			dst := destination{path: filepath.Join(t.TempDir(), "out.wav")}
			w := dst.open(t, f, mono24k(wav))
			writePieces(t, w, pcm[:size], 777)
			f.killHolder()
			writePieces(t, w, pcm[size:], 777)
			dst.check(t, w, mono24k(wav), pcm)
			for _, server := range f.servers {
				if !server.Running() {
					if err := server.Restart(); err != nil {
						t.Fatal(err)
					}
				}
			}
		})
	}
}
