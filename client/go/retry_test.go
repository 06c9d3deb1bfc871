package audiowriter_test

import (
	"context"
	"errors"
	"io"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

const attempts = 10

// counting is a server that counts calls, and accepts each one or ends it with err.
type counting struct {
	audiowriterv1.UnimplementedAudioWriterServiceServer
	err   error
	calls atomic.Int32
}

func (c *counting) EncodeStream(stream serverStream) error {
	c.calls.Add(1)
	if c.err != nil {
		return c.err
	}
	return play(stream, whole)
}

func (c *counting) Encode(context.Context, *audiowriterv1.EncodeRequest) (*audiowriterv1.EncodeResponse, error) {
	c.calls.Add(1)
	if c.err != nil {
		return nil, c.err
	}
	return &audiowriterv1.EncodeResponse{File: []byte("file"), Totals: totalsOf("file", "file")}, nil
}

func (c *counting) ResolveConfig(
	context.Context, *audiowriterv1.ResolveConfigRequest,
) (*audiowriterv1.ResolveConfigResponse, error) {
	c.calls.Add(1)
	return &audiowriterv1.ResolveConfigResponse{}, c.err
}

func (c *counting) serve(t *testing.T) (target string) {
	t.Helper()
	return serveService(t, c)
}

func full(t *testing.T) *counting {
	t.Helper()
	st, err := status.New(codes.Unavailable, "16 streams are live").WithDetails(
		&errdetails.ErrorInfo{Domain: domain, Reason: "MAX_STREAMS_EXCEEDED"},
		&errdetails.RetryInfo{RetryDelay: durationpb.New(time.Second)})
	if err != nil {
		t.Fatal(err)
	}
	return &counting{err: st.Err()}
}

func openAndClose(ctx context.Context, conn *grpc.ClientConn) error {
	w, err := audiowriter.NewWriter(ctx, conn, io.Discard, mono24k(wav))
	if err != nil {
		return err
	}
	return w.Close()
}

func encode(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := audiowriter.Encode(ctx, conn, mono24k(wav), make([]byte, 3<<20)) // more than gRPC buffers for a retry by default
	return err
}

func resolveConfig(ctx context.Context, conn *grpc.ClientConn) error {
	_, err := audiowriter.ResolveConfig(ctx, conn, mono24k(wav))
	return err
}

var calls = map[string]func(context.Context, *grpc.ClientConn) error{
	"stream": openAndClose, "encode": encode, "resolve config": resolveConfig,
}

func TestConcurrentCallsReachTheServerWithRoom(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			refusing, taking := full(t), &counting{}
			ctx, conn := limited(t), dialTarget(t, refusing.serve(t)+","+taking.serve(t))
			// Repeat until the connection to the full server is established as well.
			for round := 0; round < 5 || refusing.calls.Load() == 0; round++ {
				var all sync.WaitGroup
				for range 20 {
					all.Add(1)
					go func() {
						defer all.Done()
						if err := call(ctx, conn); err != nil {
							t.Error(err)
						}
					}()
				}
				all.Wait()
				if t.Failed() {
					return
				}
			}
		})
	}
}

func TestRefusalIsReturnedIfAllServersAreFull(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			one, other := full(t), full(t)
			err := call(limited(t), dialTarget(t, one.serve(t)+","+other.serve(t)))
			var refused *audiowriter.Error
			if !errors.As(err, &refused) {
				t.Fatal(err)
			}
			if refused.Reason != "MAX_STREAMS_EXCEEDED" || refused.RetryAfter != time.Second {
				t.Errorf("%+v", refused)
			}
			if made := one.calls.Load() + other.calls.Load(); made != attempts {
				t.Errorf("%d attempts, expected %d", made, attempts)
			}
		})
	}
}

func TestCallThatAStoppingServerHasNotBegunIsRepeated(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			stopping := &counting{err: status.Error(codes.Canceled, "CANCELLED")}
			if err := call(limited(t), dialTarget(t, stopping.serve(t))); status.Code(err) != codes.Canceled {
				t.Error(err)
			}
			if made := stopping.calls.Load(); made != attempts {
				t.Errorf("%d attempts, expected %d", made, attempts)
			}
		})
	}
}

func TestEncodeIsNotRepeatedAfterABrokenConnection(t *testing.T) {
	dying := &counting{err: status.Error(codes.Unavailable, "connection reset")}
	if err := encode(limited(t), dialTarget(t, dying.serve(t))); status.Code(err) != codes.Unavailable {
		t.Error(err)
	}
	if made := dying.calls.Load(); made != 1 {
		t.Errorf("%d attempts", made)
	}
}

func TestDeadlineStopsTheRetries(t *testing.T) {
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
			defer cancel()
			err := call(ctx, dialTarget(t, full(t).serve(t)))
			if status.Code(err) != codes.DeadlineExceeded {
				t.Error(err)
			}
		})
	}
}
