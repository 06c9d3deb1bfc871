package audiowriter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"
	"google.golang.org/protobuf/types/known/durationpb"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

const serial = 7

var errLost = status.Error(codes.Unavailable, "connection reset")

// sequence is a server that handles each call of a stream with another script; the last one also handles those after it.
// A script gets the first request.
type sequence struct {
	scripts []script
	calls   atomic.Int32
}

type script func(*audiowriterv1.EncodeStreamRequest, serverStream) error

func serveSequence(t *testing.T, scripts ...script) (*sequence, string) {
	t.Helper()
	s := &sequence{scripts: scripts}
	return s, serve(t, func(stream serverStream) error {
		number := int(s.calls.Add(1))
		first, err := stream.Recv()
		if err != nil {
			return err
		}
		return s.scripts[min(number, len(s.scripts))-1](first, stream)
	})
}

// loses accepts a stream, sends "ab", waits for PCM and loses the stream with err.
func loses(err error) script {
	return func(_ *audiowriterv1.EncodeStreamRequest, stream serverStream) error {
		begin := startedWith(serial)
		ab := chunk(0, "ab")
		ab.GetChunk().InputSamples = 3
		for _, response := range []*audiowriterv1.EncodeStreamResponse{begin, ab} {
			if err := stream.Send(response); err != nil {
				return err
			}
		}
		if _, err := stream.Recv(); err != nil {
			return err
		}
		return err
	}
}

// refuses returns err before it accepts the stream.
func refuses(err error) script {
	return func(*audiowriterv1.EncodeStreamRequest, serverStream) error { return err }
}

// goesOn sends what is missing of "abcd" after the bytes that the listener has.
func goesOn(first *audiowriterv1.EncodeStreamRequest, stream serverStream) error {
	if err := stream.Send(startedWith(serial)); err != nil {
		return err
	}
	for {
		if _, err := stream.Recv(); err == io.EOF {
			break
		} else if err != nil {
			return err
		}
	}
	offset := first.GetResume().GetOffset()
	if err := stream.Send(chunk(offset, "abcd"[offset:])); err != nil {
		return err
	}
	return stream.Send(finished("", "", totalsOf("abcd", "abcd")))
}

func startedWith(serial uint32) *audiowriterv1.EncodeStreamResponse {
	response := started()
	response.GetStarted().Serial = serial
	return response
}

// refusal is an error of the service with details.
func refusal(t *testing.T, code codes.Code, reason string, retryAfter time.Duration) error {
	t.Helper()
	st := status.New(code, "a refusal")
	st, err := st.WithDetails(&errdetails.ErrorInfo{Domain: domain, Reason: reason})
	if err == nil && retryAfter > 0 {
		st, err = st.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(retryAfter)})
	}
	if err != nil {
		t.Fatal(err)
	}
	return st.Err()
}

// encodeAll writes some PCM and closes the stream.
func encodeAll(ctx context.Context, t *testing.T, target string, dst io.Writer, opts ...audiowriter.Option) error {
	t.Helper()
	w, err := audiowriter.NewWriter(ctx, dialTarget(t, target), dst, mono24k(raw), opts...)
	if err != nil {
		t.Fatal(err)
	}
	_, err = w.Write(tone(10))
	closeErr := w.Close()
	if err != nil && !errors.Is(closeErr, err) {
		t.Errorf("Close: %v, Write: %v", closeErr, err)
	}
	return closeErr
}

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

func TestListenerGetsTheNextByteAfterEveryKindOfLoss(t *testing.T) {
	for name, lost := range map[string]error{
		"connection":      errLost,
		"drain":           refusal(t, codes.Unavailable, "DRAIN_TIMEOUT_EXCEEDED", 0),
		"reset":           status.Error(codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR"),
		"reset by cancel": status.Error(codes.Canceled, "stream terminated by RST_STREAM with error code: CANCEL"),
	} {
		t.Run(name, func(t *testing.T) {
			var resume atomic.Pointer[audiowriterv1.ResumePoint]
			_, target := serveSequence(t, loses(lost), func(first *audiowriterv1.EncodeStreamRequest, stream serverStream) error {
				resume.Store(first.GetResume())
				return goesOn(first, stream)
			})
			var dst bytes.Buffer
			if err := encodeAll(limited(t), t, target, &dst); err != nil {
				t.Fatal(err)
			}
			if dst.String() != "abcd" {
				t.Errorf("%q written", dst.String())
			}
			want := &audiowriterv1.ResumePoint{Offset: 2, Sha256: totalsOf("ab", "").GetSentSha256(), Serial: serial}
			if !proto.Equal(resume.Load(), want) {
				t.Errorf("resumed with %v", resume.Load())
			}
		})
	}
}

func TestFileIsSentAgainWithoutAnOffset(t *testing.T) {
	var resume atomic.Pointer[audiowriterv1.ResumePoint]
	_, target := serveSequence(t, loses(errLost), func(first *audiowriterv1.EncodeStreamRequest, stream serverStream) error {
		resume.Store(first.GetResume())
		return goesOn(first, stream)
	})
	path := filepath.Join(t.TempDir(), "out")
	w, err := audiowriter.CreateFile(limited(t), dialTarget(t, target), path, mono24k(raw))
	if err != nil {
		t.Fatal(err)
	}
	write(t, w, tone(10))
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "abcd" {
		t.Error(string(content), err)
	}
	if got := resume.Load(); got == nil || !proto.Equal(got, &audiowriterv1.ResumePoint{}) {
		t.Errorf("resumed with %v", got)
	}
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

func TestRetryInfoIsRespected(t *testing.T) {
	full := refuses(refusal(t, codes.Unavailable, "MAX_STREAMS_EXCEEDED", 500*time.Millisecond))
	calls, target := serveSequence(t, loses(errLost), full, full, goesOn)
	begin := time.Now()
	if err := encodeAll(limited(t), t, target, &bytes.Buffer{}); err != nil {
		t.Fatal(err)
	}
	if made := calls.calls.Load(); made != 4 || time.Since(begin) < time.Second {
		t.Errorf("%d calls in %v, expected 4 in more than a second", made, time.Since(begin))
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

func TestFileWhoseStatusIsMissingIsComplete(t *testing.T) {
	calls, target := serveSequence(t, func(first *audiowriterv1.EncodeStreamRequest, stream serverStream) error {
		if err := goesOn(first, stream); err != nil {
			return err
		}
		return errLost
	})
	var dst bytes.Buffer
	if err := encodeAll(limited(t), t, target, &dst); err != nil || dst.String() != "abcd" {
		t.Error(dst.String(), err)
	}
	if made := calls.calls.Load(); made != 1 {
		t.Errorf("%d calls, expected 1", made)
	}
}

func TestBadOptionIsRefused(t *testing.T) {
	conn := dialTarget(t, "127.0.0.1:1")
	for want, option := range map[string]audiowriter.Option{
		"WithResumeTimeout(-1ns): expected": audiowriter.WithResumeTimeout(-1),
		"WithSpoolBytes(-1): expected":      audiowriter.WithSpoolBytes(-1),
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
