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

// maxPCM is the maximum size of the PCM in one message, in bytes. The service accepts 1 MiB; a smaller size keeps the
// latency of a large Write low.
const maxPCM = 256 << 10

// Writer encodes the PCM written to it and writes the file to its destination while the file is being made.
//
// Every Writer must be ended by [Writer.Close], [Writer.Abort] or its context; otherwise it leaks a goroutine and a
// stream. Its methods must not be called concurrently; cancel the context to end it from another goroutine.
//
// After the stream has failed, every method returns the error that ended it: an [*Error] with [ErrTruncated] in its chain
// if the call failed, [ErrCorrupt] if length, hash or CRC are wrong, or the error of the destination.
type Writer struct {
	ctx     context.Context // the caller's: distinguishes its end from the stream's
	cancel  context.CancelFunc
	stream  grpc.BidiStreamingClient[audiowriterv1.EncodeStreamRequest, audiowriterv1.EncodeStreamResponse]
	started *audiowriterv1.StreamStarted
	settle  func(error) error // called once with the error of the stream; returns the error of the Writer

	// Owned by the receiving goroutine until it closes done.
	assembly *assembly
	finished *audiowriterv1.StreamFinished
	err      error

	done       chan struct{}
	flushed    chan *audiowriterv1.StreamFlushed
	halfClosed atomic.Bool
	ended      bool
}

// NewWriter opens a stream and returns when the server has accepted cfg. If it refuses cfg, the error is an [*Error]
// whose Violations name each invalid field.
//
// The file is written to dst from its current position. If dst is an [io.WriterAt], such as an [os.File], the header is
// written at its start when the file is finished. A pipe, or any other dst, gets a file that plays but may not contain its
// length; [Writer.Header] returns the header. A file opened with O_APPEND is refused, because its header can't be written:
// pass struct{ io.Writer }{f} to stream into it without the header.
//
// Another goroutine writes to dst until Close or Abort returns. A slow dst slows the stream, and the server ends a stream
// that makes no progress for too long. ctx applies to the whole stream; it can't interrupt a Write of dst in progress.
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

// open waits for started, so that only the config is sent again if a server refuses the stream and another accepts it.
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
		return fmt.Errorf("audiowriter: first response is %T, expected started", first.GetEvent())
	}
	w.stream, w.started = stream, first.GetStarted()
	return nil
}

// Started returns the output config as the server resolved it, with every default filled in.
func (w *Writer) Started() *audiowriterv1.StreamStarted { return w.started }

// Result returns the totals of the finished file. It returns nil until Close has returned without an error.
func (w *Writer) Result() *audiowriterv1.Totals { return w.complete().GetTotals() }

// Header returns the bytes that replace the first bytes of the file, for a destination in which the Writer could not
// replace them. It is empty if there is nothing to replace, and until Close has returned without an error.
func (w *Writer) Header() []byte { return w.complete().GetHeader() }

func (w *Writer) complete() *audiowriterv1.StreamFinished {
	if w.ended && w.err == nil {
		return w.finished
	}
	return nil
}

// Write sends interleaved little-endian samples in the input's sample format. The data may be cut anywhere, even inside a
// sample. Write blocks while the server is behind. p may be reused when it returns.
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

// ReadFrom sends data from r as soon as it is read, until r ends. [io.Copy] calls it. If the stream fails, it returns
// after the next read.
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

// Flush makes the encoder write all that codec and container can without harming the stream, and returns when these
// bytes have been written to the destination. The result contains the number of samples that are still buffered.
func (w *Writer) Flush() (*audiowriterv1.StreamFlushed, error) {
	if err := w.send(&audiowriterv1.EncodeStreamRequest{Flush: &audiowriterv1.Flush{}}); err != nil {
		return nil, err
	}
	select {
	case flushed := <-w.flushed:
		return flushed, nil
	case <-w.done:
		return nil, w.err
	}
}

// Close ends the input and waits for the rest of the file. The file is complete only if it returns nil: then length, hash
// and CRC are checked, and trailer and header are written. Later calls return the same error.
func (w *Writer) Close() error {
	if !w.ended {
		w.halfClosed.Store(true)
		w.stream.CloseSend() // fails only if the stream has failed; then receive has the error
		w.end()
	}
	return w.err
}

// Abort ends the stream without finishing the file, and waits until the destination is no longer in use. After Close it
// does nothing, so it can be deferred to clean up after errors.
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
	if err == io.EOF { // the stream has ended: receive has the error
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
	w.cancel() // unblocks a Write that waits for flow control
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
			default: // no Flush is waiting
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
	// The file is complete, so the status adds nothing, but without reading it the call would look cancelled to the server.
	_, _ = w.stream.Recv()
	return nil
}
