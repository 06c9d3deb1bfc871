package audiowriter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
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
		ab.GetChunk().InputSamples, ab.GetChunk().OutputSamples = 3, 2
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

func TestListenerGetsTheNextByteAfterEveryKindOfLoss(t *testing.T) {
	for name, lost := range map[string]error{
		"connection":      errLost,
		"drain":           refusal(t, codes.Unavailable, "DRAIN_TIMEOUT_EXCEEDED", 0),
		"reset":           status.Error(codes.Internal, "stream terminated by RST_STREAM with error code: INTERNAL_ERROR"),
		"server's stop":   status.Error(codes.Canceled, "CANCELLED"),
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
			ab := totalsOf("ab", "ab")
			want := &audiowriterv1.ResumePoint{
				Offset: 2, Sha256: ab.GetSentSha256(), Serial: serial,
				OutputSamples: 2, Crc32C: ab.GetFileCrc32C(), FirstCrc32C: ab.GetFileCrc32C(),
			}
			if !proto.Equal(resume.Load(), want) {
				t.Errorf("resumed with %v", resume.Load())
			}
		})
	}
}

func TestHashOfAServerWithOtherPacketsBeginsWhereItGoesOn(t *testing.T) {
	for name, test := range map[string]struct {
		offset int64
		sent   string // that the server has the hash of
		want   error
	}{
		"from there":      {2, "xd", nil},
		"from elsewhere":  {1, "bxd", audiowriter.ErrCorrupt},
		"of other bytes":  {2, "cd", audiowriter.ErrCorrupt},
		"of all bytes":    {2, "abxd", audiowriter.ErrCorrupt},
		"without offset":  {0, "xd", audiowriter.ErrCorrupt},
		"of the same":     {0, "abxd", nil},
		"negative offset": {-2, "xd", audiowriter.ErrCorrupt},
	} {
		t.Run(name, func(t *testing.T) {
			_, target := serveSequence(t, loses(errLost), func(_ *audiowriterv1.EncodeStreamRequest, stream serverStream) error {
				totals := totalsOf("abxd", "Abxd")
				totals.SentSha256, totals.SentSha256Offset = totalsOf(test.sent, "").GetSentSha256(), test.offset
				if err := stream.Send(startedWith(serial)); err != nil {
					return err
				}
				return play(stream, []*audiowriterv1.EncodeStreamResponse{chunk(2, "x"), finished("A", "d", totals)})
			})
			var dst bytes.Buffer
			w, err := audiowriter.NewWriter(limited(t), dialTarget(t, target), &dst, mono24k(raw))
			if err != nil {
				t.Fatal(err)
			}
			_, _ = w.Write(tone(10)) // Close has its error
			if err := w.Close(); !errors.Is(err, test.want) {
				t.Fatalf("%v, expected %v", err, test.want)
			}
			if test.want == nil && !proto.Equal(w.Result(), totalsOf("abxd", "Abxd")) {
				t.Errorf("totals are %v", w.Result())
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
