package audiowriter_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/peer"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
	"github.com/audiowriter/audiowriter/client/go/internal/testserver"
)

// fleet is several servers behind one connection that observes the calls of a stream.
type fleet struct {
	t       *testing.T
	servers []*testserver.Server
	conn    *grpc.ClientConn

	mu       sync.Mutex
	holder   string                       // the server of the last call that was accepted
	accepted int                          // number of such calls
	resumed  []*audiowriterv1.ResumePoint // of the calls that were accepted after the first
	hooks
}

// pool are the servers of all fleets. Those that a test has killed are started again by the next one.
var pool []*testserver.Server

func newFleet(t *testing.T, servers int) *fleet {
	t.Helper()
	for len(pool) < servers {
		server, err := testserver.Start()
		if errors.Is(err, testserver.ErrNone) {
			t.Skip(err)
		}
		if err != nil {
			t.Fatal(err)
		}
		pool = append(pool, server)
	}
	f := &fleet{t: t, servers: pool[:servers]}
	var targets []string
	for _, server := range f.servers {
		targets = append(targets, server.Target)
		if server.Running() {
			continue
		}
		if err := server.Restart(); err != nil {
			t.Fatal(err)
		}
	}
	current := goleak.IgnoreCurrent()
	waiting := goleak.IgnoreAnyFunction("github.com/audiowriter/audiowriter/client/go/internal/testserver.(*Server).Restart.func1")
	t.Cleanup(func() { goleak.VerifyNone(t, current, waiting) })
	conn, err := audiowriter.Dial(strings.Join(targets, ","), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStreamInterceptor(f.observe))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	f.conn = conn
	return f
}

func (f *fleet) observe(
	ctx context.Context, desc *grpc.StreamDesc, conn *grpc.ClientConn, method string, streamer grpc.Streamer, opts ...grpc.CallOption,
) (grpc.ClientStream, error) {
	stream, err := streamer(ctx, desc, conn, method, opts...)
	return &observed{ClientStream: stream, fleet: f}, err
}

// hooks are called by the client.
type hooks struct {
	onChunk     func()         // before it gets a chunk
	onSend      func(call int) // before it sends PCM in the call of this number, from 1
	onHalfClose func()         // after it has ended the input
}

type observed struct {
	grpc.ClientStream
	fleet  *fleet
	resume *audiowriterv1.ResumePoint
	number int
}

func (o *observed) SendMsg(message any) error {
	request := message.(*audiowriterv1.EncodeStreamRequest)
	if request.GetConfig() != nil {
		o.resume = request.GetResume()
	}
	if onSend := o.fleet.now().onSend; onSend != nil && request.GetConfig() == nil {
		onSend(o.number)
	}
	return o.ClientStream.SendMsg(message)
}

func (o *observed) RecvMsg(message any) error {
	err := o.ClientStream.RecvMsg(message)
	if err != nil {
		return err
	}
	response := message.(*audiowriterv1.EncodeStreamResponse)
	if response.GetStarted() != nil {
		o.fleet.accept(o)
	}
	if onChunk := o.fleet.now().onChunk; onChunk != nil && response.GetChunk() != nil {
		onChunk()
	}
	return nil
}

func (o *observed) CloseSend() error {
	err := o.ClientStream.CloseSend()
	if onHalfClose := o.fleet.now().onHalfClose; onHalfClose != nil {
		onHalfClose()
	}
	return err
}

func (f *fleet) now() hooks {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.hooks
}

func (f *fleet) set(h hooks) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.hooks = h
}

func (f *fleet) accept(o *observed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	server, _ := peer.FromContext(o.Context())
	f.holder = server.Addr.String()
	if f.accepted++; f.accepted > 1 {
		f.resumed = append(f.resumed, o.resume)
	}
	o.number = f.accepted
}

// killHolder kills the server that has accepted the last call.
func (f *fleet) killHolder() {
	f.mu.Lock()
	holder := f.holder
	f.mu.Unlock()
	for _, server := range f.servers {
		if server.Target == holder {
			server.Kill()
		}
	}
}

// waitForCalls returns when so many calls were accepted.
func (f *fleet) waitForCalls(number int) {
	f.t.Helper()
	for range 2000 {
		f.mu.Lock()
		accepted := f.accepted
		f.mu.Unlock()
		if accepted >= number {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	f.t.Fatalf("the stream did not get %d calls", number)
}

// offsets are the offsets of the resumed calls.
func (f *fleet) offsets() []int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	var offsets []int64
	for _, resume := range f.resumed {
		offsets = append(offsets, resume.GetOffset())
	}
	return offsets
}

// undisturbed returns the bytes of a stream with a serial as they are sent, and the final header. The call has no faults.
func undisturbed(
	ctx context.Context, conn *grpc.ClientConn, cfg *audiowriterv1.StreamConfig, serial uint32, pcm []byte,
) (sent, header []byte, err error) {
	stream, err := audiowriterv1.NewAudioWriterServiceClient(conn).EncodeStream(ctx)
	if err != nil {
		return nil, nil, err
	}
	request := &audiowriterv1.EncodeStreamRequest{Config: cfg, Resume: &audiowriterv1.ResumePoint{Serial: serial}}
	go func() { // an error is that of Recv, too
		_ = stream.Send(request)
		for len(pcm) > 0 {
			n := min(len(pcm), 100_000)
			_ = stream.Send(&audiowriterv1.EncodeStreamRequest{Pcm: pcm[:n]})
			pcm = pcm[n:]
		}
		_ = stream.CloseSend()
	}()
	for {
		response, err := stream.Recv()
		if err == io.EOF {
			return sent, header, nil
		}
		if err != nil {
			return nil, nil, err
		}
		sent = append(sent, response.GetChunk().GetData()...)
		sent = append(sent, response.GetFinished().GetTrailer()...)
		header = append(header, response.GetFinished().GetHeader()...)
	}
}

// checkSame compares a destination with an undisturbed stream of the same serial. The header is in its place in a file.
func checkSame(
	t *testing.T, cfg *audiowriterv1.StreamConfig, w *audiowriter.Writer, pcm, got []byte, file bool,
) {
	t.Helper()
	sent, header, err := undisturbed(limited(t), dialTarget(t, os.Getenv("AUDIOWRITER_TARGET")), cfg, w.Started().GetSerial(), pcm)
	if err != nil {
		t.Fatal(err)
	}
	if file {
		copy(sent, header)
	}
	if !bytes.Equal(got, sent) {
		t.Errorf("%d bytes differ from the %d of an undisturbed stream", len(got), len(sent))
	}
}
