package audiowriter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// checkLost checks the error of a stream whose listener has "ab", and returns it.
func checkLost(t *testing.T, err error, code codes.Code, notResumed string) *audiowriter.Error {
	t.Helper()
	failed, ok := err.(*audiowriter.Error)
	if !ok {
		t.Fatalf("%v is not an *Error", err)
	}
	if status.Code(err) != code || !errors.Is(err, audiowriter.ErrTruncated) {
		t.Errorf("%v, expected %v", err, code)
	}
	if failed.BytesReceived != 2 || failed.InputSamples != 3 {
		t.Errorf("%d bytes, %d samples, expected 2 and 3", failed.BytesReceived, failed.InputSamples)
	}
	if !strings.Contains(failed.NotResumed, notResumed) || notResumed == "" && failed.NotResumed != "" {
		t.Errorf("not resumed: %q, expected %q", failed.NotResumed, notResumed)
	}
	if !strings.HasSuffix(err.Error(), failed.NotResumed) {
		t.Errorf("%q does not say %q", err.Error(), failed.NotResumed)
	}
	return failed
}

func TestStreamThatIsNotKeptIsNotResumed(t *testing.T) {
	for name, test := range map[string]struct {
		option audiowriter.Option
		reason string
	}{
		"limit passed": {audiowriter.WithSpoolBytes(19), "the spool is off, or PCM"},
		"no spool":     {audiowriter.WithSpoolBytes(0), "the spool is off, or PCM"},
		"no timeout":   {audiowriter.WithResumeTimeout(0), ""},
	} {
		t.Run(name, func(t *testing.T) {
			calls, target := serveSequence(t, loses(errLost), goesOn)
			var dst bytes.Buffer
			checkLost(t, encodeAll(limited(t), t, target, &dst, test.option), codes.Unavailable, test.reason)
			if made := calls.calls.Load(); made != 1 || dst.String() != "ab" {
				t.Errorf("%d calls, %q written", made, dst.String())
			}
		})
	}
}

func TestFinalErrorsOfAnotherServerAreReturnedAtOnce(t *testing.T) {
	for reason, code := range map[string]codes.Code{
		"RESUME_MISMATCH": codes.Aborted, "INVALID_ARGUMENT": codes.InvalidArgument, "INTERNAL": codes.Internal,
	} {
		t.Run(reason, func(t *testing.T) {
			calls, target := serveSequence(t, loses(errLost), refuses(refusal(t, code, reason, 0)))
			failed := checkLost(t, encodeAll(limited(t), t, target, &bytes.Buffer{}), code, "")
			if made := calls.calls.Load(); made != 2 || failed.Reason != reason {
				t.Errorf("%d calls, reason %s", made, failed.Reason)
			}
		})
	}
}

func TestServerThatIsTooOldToGoOnIsRefused(t *testing.T) {
	ignores := func(_ *audiowriterv1.EncodeStreamRequest, stream serverStream) error {
		if err := stream.Send(startedWith(serial + 1)); err != nil {
			return err
		}
		_, err := stream.Recv()
		return err
	}
	_, target := serveSequence(t, loses(errLost), ignores)
	failed := checkLost(t, encodeAll(limited(t), t, target, &bytes.Buffer{}), codes.Aborted, "")
	if failed.Reason != "RESUME_MISMATCH" {
		t.Errorf("reason %s", failed.Reason)
	}
}

func TestStreamThatCrashesServersIsGivenUp(t *testing.T) {
	again := func(first *audiowriterv1.EncodeStreamRequest, stream serverStream) error {
		if err := stream.Send(startedWith(serial)); err != nil {
			return err
		}
		return errLost
	}
	calls, target := serveSequence(t, loses(errLost), again)
	checkLost(t, encodeAll(limited(t), t, target, &bytes.Buffer{}), codes.Unavailable, "6 servers were lost in a row")
	if made := calls.calls.Load(); made != 6 {
		t.Errorf("%d calls, expected 6", made)
	}
}

func TestLastErrorIsReturnedAfterTheTimeout(t *testing.T) {
	_, target := serveSequence(t, loses(errLost), refuses(errLost))
	begin := time.Now()
	err := encodeAll(limited(t), t, target, &bytes.Buffer{}, audiowriter.WithResumeTimeout(time.Second))
	checkLost(t, err, codes.Unavailable, "not resumed within the timeout of 1s")
	if took := time.Since(begin); took < 100*time.Millisecond || took > 10*time.Second {
		t.Errorf("after %v", took)
	}
}

func TestNoFileIsLeftIfThereIsNoOtherServer(t *testing.T) {
	f, folder := newFleet(t, 1), t.TempDir()
	dst := destination{path: filepath.Join(folder, "out.wav")}
	w := dst.open(t, f, mono24k(wav), audiowriter.WithResumeTimeout(time.Second))
	write(t, w, tone(24_000))
	flush(t, w)
	f.killHolder()
	err := w.Close()
	if failed, ok := err.(*audiowriter.Error); !ok || status.Code(err) != codes.Unavailable || failed.NotResumed == "" {
		t.Error(err)
	}
	checkEmpty(t, folder)
}

func TestCallerCanEndAStreamThatHasNoServer(t *testing.T) {
	for name, want := range map[string]codes.Code{"cancel": codes.Canceled, "deadline": codes.Unavailable} {
		t.Run(name, func(t *testing.T) {
			_, target := serveSequence(t, loses(errLost), refuses(errLost))
			ctx, cancel := context.WithCancel(limited(t))
			if name == "deadline" {
				ctx, cancel = context.WithTimeout(ctx, 500*time.Millisecond)
			}
			defer cancel()
			w, err := audiowriter.NewWriter(ctx, dialTarget(t, target), &bytes.Buffer{}, mono24k(raw))
			if err != nil {
				t.Fatal(err)
			}
			time.AfterFunc(300*time.Millisecond, func() {
				if name == "cancel" {
					cancel()
				}
			})
			begin := time.Now()
			for err == nil {
				_, err = w.Write(tone(1000))
			}
			if got := status.Code(err); got != want && got != codes.DeadlineExceeded {
				t.Errorf("%v, expected %v", err, want)
			}
			if took := time.Since(begin); took > 10*time.Second {
				t.Errorf("after %v", took)
			}
			w.Abort()
		})
	}
}

func TestAbortEndsAStreamThatHasNoServer(t *testing.T) {
	_, target := serveSequence(t, loses(errLost), refuses(errLost))
	w, err := audiowriter.NewWriter(limited(t), dialTarget(t, target), io.Discard, mono24k(raw))
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, tone(10))
	time.Sleep(200 * time.Millisecond)
	begin := time.Now()
	w.Abort()
	if took := time.Since(begin); took > time.Second || status.Code(w.Close()) != codes.Canceled {
		t.Errorf("%v after %v", w.Close(), took)
	}
}

// failingWriter fails after the first write.
type failingWriter struct{ written bool }

var errFull = errors.New("no space left")

func (f *failingWriter) Write(p []byte) (int, error) {
	if f.written {
		return 0, errFull
	}
	f.written = true
	return len(p), nil
}

func TestErrorOfTheDestinationIsReturnedWhileTheStreamIsResumed(t *testing.T) {
	calls, target := serveSequence(t, loses(errLost), goesOn)
	if err := encodeAll(limited(t), t, target, &failingWriter{}); !errors.Is(err, errFull) {
		t.Error(err)
	}
	if made := calls.calls.Load(); made != 2 {
		t.Errorf("%d calls, expected 2", made)
	}
}

func TestBadOptionIsRefused(t *testing.T) {
	conn := dialTarget(t, "127.0.0.1:1")
	for want, option := range map[string]audiowriter.Option{
		"WithResumeTimeout(-1ns): expected": audiowriter.WithResumeTimeout(-1),
		"WithSpoolBytes(-1): expected":      audiowriter.WithSpoolBytes(-1),
		"WithBuffer(-1ns): expected":        audiowriter.WithBuffer(-1),
	} {
		_, writerErr := audiowriter.NewWriter(limited(t), conn, io.Discard, mono24k(wav), option)
		_, fileErr := audiowriter.CreateFile(limited(t), conn, filepath.Join(t.TempDir(), "out"), mono24k(wav), option)
		for _, err := range []error{writerErr, fileErr} {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%v, expected %s", err, want)
			}
		}
	}
}
