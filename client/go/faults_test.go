package audiowriter_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
	"github.com/audiowriter/audiowriter/client/go/internal/testserver"
)

func TestEachFieldOfABadConfigIsNamed(t *testing.T) {
	cfg := mono24k(wav)
	cfg.Input.SampleRateHz = 0
	cfg.Output.Format = 0
	_, err := audiowriter.NewWriter(limited(t), dial(t), io.Discard, cfg)
	var refused *audiowriter.Error
	if !errors.As(err, &refused) || status.Code(err) != codes.InvalidArgument {
		t.Fatal(err)
	}
	if len(refused.Violations) != 2 {
		t.Errorf("violations %v, expected two", refused.Violations)
	}
	if errors.Is(err, audiowriter.ErrTruncated) {
		t.Error("ErrTruncated before the stream started")
	}
}

func TestNaNIsRefusedWithDetails(t *testing.T) {
	cfg := mono24k(wav)
	cfg.Input.SampleFormat = audiowriterv1.SampleFormat_SAMPLE_FORMAT_F32LE
	w, err := audiowriter.NewWriter(limited(t), dial(t), io.Discard, cfg)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(make([]byte, 4096)); err != nil {
		t.Fatal(err)
	}
	nan := binary.LittleEndian.AppendUint32(nil, math.Float32bits(float32(math.NaN())))
	for err == nil { // the refusal arrives while more is sent
		_, err = w.Write(nan)
	}
	closeErr := w.Close()
	for _, err := range []error{err, closeErr} {
		if status.Code(err) != codes.InvalidArgument || !errors.Is(err, audiowriter.ErrTruncated) {
			t.Error(err)
		}
	}
	st, _ := status.FromError(closeErr)
	var found bool
	for _, detail := range st.Details() {
		_, is := detail.(*errdetails.BadRequest)
		found = found || is
	}
	if !found {
		t.Errorf("no BadRequest in %v", st.Details())
	}
}

func TestIncompleteSampleIsAnError(t *testing.T) {
	w, err := audiowriter.NewWriter(limited(t), dial(t), io.Discard, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); status.Code(err) != codes.InvalidArgument {
		t.Error(err)
	}
	if w.Result() != nil {
		t.Error("result of a failed stream")
	}
}

func TestMessageAboveTheConnectionsLimitEndsTheStream(t *testing.T) {
	conn, err := audiowriter.Dial(os.Getenv("AUDIOWRITER_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithDefaultCallOptions(grpc.MaxCallSendMsgSize(1000)))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	w, err := audiowriter.NewWriter(limited(t), conn, io.Discard, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(tone(1000))
	for _, err := range []error{err, w.Close()} {
		if status.Code(err) != codes.ResourceExhausted || !errors.Is(err, audiowriter.ErrTruncated) {
			t.Error(err)
		}
	}
}

// blockedWriter blocks every Write until it is closed.
type blockedWriter chan struct{}

func (b blockedWriter) Write(p []byte) (int, error) {
	<-b
	return len(p), nil
}

func TestCancelUnblocksAWrite(t *testing.T) {
	conn := dial(t)
	ctx, cancel := context.WithCancelCause(limited(t))
	hungUp := errors.New("caller hung up")
	dst := make(blockedWriter)
	w, err := audiowriter.NewWriter(ctx, conn, dst, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(time.Second, func() {
		cancel(hungUp)
		close(dst)
	})
	pcm := make([]byte, 1<<20)
	for range 1000 {
		if _, err = w.Write(pcm); err != nil {
			break
		}
	}
	for _, err := range []error{err, w.Close()} {
		if status.Code(err) != codes.Canceled {
			t.Error(err)
		}
		for _, want := range []error{context.Canceled, hungUp, audiowriter.ErrTruncated} {
			if !errors.Is(err, want) {
				t.Errorf("%v is not %v", err, want)
			}
		}
	}
}

type slowWriter struct {
	bytes.Buffer
}

func (s *slowWriter) Write(p []byte) (int, error) {
	time.Sleep(5 * time.Millisecond)
	return s.Buffer.Write(p)
}

func TestSlowDestinationReceivesEverything(t *testing.T) {
	var dst slowWriter
	pcm := tone(4_000_000)
	w, err := audiowriter.NewWriter(limited(t), dial(t), &dst, mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_PCM))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(pcm); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(dst.Bytes(), pcm) {
		t.Error("received PCM differs")
	}
}

func TestFailingDestinationEndsTheStream(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	readOnly, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer readOnly.Close()
	w, err := audiowriter.NewWriter(limited(t), dial(t), readOnly, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	var denied *os.PathError
	if err := w.Close(); !errors.As(err, &denied) {
		t.Error(err)
	}
}

func TestLongStreamDoesNotDeadlock(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	w, err := audiowriter.CreateFile(limited(t), dial(t), path, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	const size = 100 << 20
	piece := tone(1 << 20)
	for range size / len(piece) {
		if _, err := w.Write(piece); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < size {
		t.Error(info, err)
	}
}

func TestKilledServerTruncatesAStreamThatIsNotResumed(t *testing.T) {
	current := goleak.IgnoreCurrent()
	server, err := testserver.Start()
	if errors.Is(err, testserver.ErrNone) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	defer server.Kill()
	conn, err := audiowriter.Dial(server.Target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	w, err := audiowriter.CreateFile(limited(t), conn, filepath.Join(folder, "out.mp3"),
		mono24k(audiowriterv1.AudioFormat_AUDIO_FORMAT_MP3), audiowriter.WithResumeTimeout(0))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tone(240_000)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	for err == nil {
		_, err = w.Write(tone(2400))
	}
	for _, err := range []error{err, w.Close()} {
		if status.Code(err) != codes.Unavailable || !errors.Is(err, audiowriter.ErrTruncated) {
			t.Error(err)
		}
	}
	if left, err := os.ReadDir(folder); err != nil || len(left) != 0 {
		t.Error(left, err)
	}
	conn.Close()
	goleak.VerifyNone(t, current)
}
