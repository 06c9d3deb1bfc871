package audiowriter

import (
	"context"
	"fmt"
	"io"
	"os"
	"sync/atomic"

	"google.golang.org/grpc"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// maxPCM is the most PCM sent in one message, in bytes. The service takes 1 MiB; less keeps the latency of a big Write low.
const maxPCM = 256 << 10

// Writer encodes the PCM written to it and writes the file to its destination while the file is being made.
//
// Every Writer must be ended by [Writer.Close], [Writer.Abort] or its context, or it leaks a goroutine and a stream.
// Its methods must not be called at the same time; cancel the context to end it from elsewhere.
//
// Once the stream has failed, every method returns the error that ended it: an [*Error] with [ErrTruncated] in its chain
// when the call failed, [ErrCorrupt] when the checks did, or the error of the destination.
type Writer struct {
	ctx     context.Context // the caller's: tells its end from the stream's
	cancel  context.CancelFunc
	stream  grpc.BidiStreamingClient[audiowriterv1.EncodeStreamRequest, audiowriterv1.EncodeStreamResponse]
	started *audiowriterv1.StreamStarted
	settle  func(error) error // called once with the end of the stream; gives the end of the Writer

	// Owned by the receiver until it closes done.
	assembly *assembly
	finished *audiowriterv1.StreamFinished
	err      error

	done       chan struct{}
	flushed    chan *audiowriterv1.StreamFlushed
	halfClosed atomic.Bool
	ended      bool
}

// NewWriter opens a stream and returns when the server has accepted cfg. A refused cfg is an [*Error] whose Violations
// name each bad field.
//
// The file goes to dst from its present position on. Where dst is an [io.WriterAt], as an [os.File] is, the header is put
// in place when the file is finished; a pipe, or any other dst, gets a file that plays but may not say its length, and
// [Writer.Result] holds the header. A file opened with O_APPEND can't take a header and is refused: pass
// struct{ io.Writer }{f} to do without.
//
// dst is written to by another goroutine until Close or Abort returns. A slow dst holds up the stream, and a server ends
// one that is held up for long. ctx bounds the whole stream; it can't call off a Write of dst that is under way.
func NewWriter(
	ctx context.Context, conn grpc.ClientConnInterface, dst io.Writer, cfg *audiowriterv1.StreamConfig,
) (*Writer, error) {
	return newWriter(ctx, conn, dst, cfg, func(err error) error { return err })
}

func newWriter(
	ctx context.Context, conn grpc.ClientConnInterface, dst io.Writer, cfg *audiowriterv1.StreamConfig,
	settle func(error) error,
) (*Writer, error) {
	assembly, err := newAssembly(dst)
	if err != nil {
		return nil, err
	}
	streamCtx, cancel := context.WithCancel(ctx)
	w := &Writer{
		ctx: ctx, cancel: cancel, settle: settle, assembly: assembly,
		done: make(chan struct{}), flushed: make(chan *audiowriterv1.StreamFlushed, 1),
	}
	if err := w.open(streamCtx, conn, cfg); err != nil {
		cancel()
		return nil, err
	}
	go w.receive()
	return w, nil
}

// open waits for started, so that nothing but the config has to be sent again when a server refuses the stream and
// another takes it.
func (w *Writer) open(ctx context.Context, conn grpc.ClientConnInterface, cfg *audiowriterv1.StreamConfig) error {
	stream, err := audiowriterv1.NewAudioWriterServiceClient(conn).EncodeStream(ctx)
	if err != nil {
		return callError(w.ctx, err)
	}
	// EOF: the status comes from Recv.
	if err := stream.Send(&audiowriterv1.EncodeStreamRequest{Config: cfg}); err != nil && err != io.EOF {
		return callError(w.ctx, err)
	}
	first, err := stream.Recv()
	if err == io.EOF {
		return ErrTruncated
	}
	if err != nil {
		return callError(w.ctx, err)
	}
	if first.GetStarted() == nil {
		return fmt.Errorf("audiowriter: first response is not started but %T", first.GetEvent())
	}
	w.stream, w.started = stream, first.GetStarted()
	return nil
}

// Started holds the output as the server resolved it, every default filled in.
func (w *Writer) Started() *audiowriterv1.StreamStarted { return w.started }

// Result holds the totals of the finished file. nil until Close has returned without an error.
func (w *Writer) Result() *audiowriterv1.StreamFinished {
	if w.ended && w.err == nil {
		return w.finished
	}
	return nil
}

// Write sends interleaved little-endian samples in the input's sample format, cut anywhere, even inside a sample. It
// blocks while the server is behind. p may be reused when it returns.
func (w *Writer) Write(p []byte) (n int, err error) {
	for len(p) > 0 {
		piece := p[:min(len(p), maxPCM)]
		if err := w.send(&audiowriterv1.EncodeStreamRequest{Pcm: piece}); err != nil {
			return n, err
		}
		n += len(piece)
		p = p[len(piece):]
	}
	return n, nil
}

// ReadFrom sends what r gives, as soon as r gives it, until r ends. [io.Copy] calls it. A failed stream is noticed at the
// next read that returns.
func (w *Writer) ReadFrom(r io.Reader) (n int64, err error) {
	buf := make([]byte, maxPCM)
	for {
		got, readErr := r.Read(buf)
		sent, err := w.Write(buf[:got])
		n += int64(sent)
		if err != nil {
			return n, err
		}
		if readErr == io.EOF {
			return n, nil
		}
		if readErr != nil {
			return n, readErr
		}
	}
}

// Flush pushes out all that codec and container can give without harming the stream, and returns when it has been written
// to the destination. The answer says how many samples are still held back.
func (w *Writer) Flush() (*audiowriterv1.StreamFlushed, error) {
	if err := w.send(&audiowriterv1.EncodeStreamRequest{Flush: true}); err != nil {
		return nil, err
	}
	select {
	case flushed := <-w.flushed:
		return flushed, nil
	case <-w.done:
		return nil, w.err
	}
}

// Close ends the input and waits for the rest of the file. Only when it returns nil is the file whole: its length and hash
// are checked and its trailer and header are in place. A later Close returns the same.
func (w *Writer) Close() error {
	if !w.ended {
		w.halfClosed.Store(true)
		w.stream.CloseSend() // Fails only when the stream has, and then the receiver has the reason.
		w.end()
	}
	return w.err
}

// Abort ends the stream without finishing the file, and waits until the destination is no longer in use. It does nothing
// after Close: defer it, to clean up after errors.
func (w *Writer) Abort() {
	if !w.ended {
		w.cancel()
		w.end()
	}
}

func (w *Writer) end() {
	<-w.done
	w.ended = true
	w.err = w.settle(w.err)
}

func (w *Writer) send(request *audiowriterv1.EncodeStreamRequest) error {
	if w.ended && w.err == nil {
		return fmt.Errorf("audiowriter: write: %w", os.ErrClosed)
	}
	err := w.stream.Send(request)
	if err == nil {
		return nil
	}
	if err == io.EOF { // The stream is over: the receiver has the reason.
		<-w.done
		return w.err
	}
	w.cancel()
	<-w.done
	w.err = callError(w.ctx, err, ErrTruncated)
	return w.err
}

func (w *Writer) receive() {
	defer close(w.done)
	w.err = w.receiveAll()
	w.cancel() // Frees a Write that is held by flow control.
}

func (w *Writer) receiveAll() error {
	for {
		response, err := w.stream.Recv()
		if err == io.EOF {
			return fmt.Errorf("%w: server ended the stream", ErrTruncated)
		}
		if err != nil {
			return callError(w.ctx, err, ErrTruncated)
		}
		switch event := response.GetEvent().(type) {
		case *audiowriterv1.EncodeStreamResponse_Chunk:
			if err := w.assembly.chunk(event.Chunk); err != nil {
				return err
			}
		case *audiowriterv1.EncodeStreamResponse_Flushed:
			select {
			case w.flushed <- event.Flushed:
			default: // Nobody asked.
			}
		case *audiowriterv1.EncodeStreamResponse_Finished:
			return w.finish(event.Finished)
		}
	}
}

func (w *Writer) finish(finished *audiowriterv1.StreamFinished) error {
	if !w.halfClosed.Load() {
		return fmt.Errorf("%w: server finished before the end of the input", ErrTruncated)
	}
	if err := w.assembly.finish(finished); err != nil {
		return err
	}
	w.finished = finished
	// The file is proven whole: the status has no more to say, but a call left before its end looks cancelled to the server.
	_, _ = w.stream.Recv()
	return nil
}
