package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync/atomic"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// streamsAConnection is the number of streams per connection: half of the server's default limit.
const streamsAConnection = 50

// stream encodes one file. send and receive run concurrently.
type stream interface {
	// send sends one frame; it blocks while the other side accepts no more.
	send(frame []byte) error
	// end signals that the last frame has been sent.
	end() error
	// receive waits for bytes and returns io.EOF when the file is complete.
	receive() (arrival, error)
	// pid is the process that encodes only this stream, or 0.
	pid() int
}

// arrival is a number of received bytes of the file.
type arrival struct {
	bytes int
	// Samples per channel that had been read when these bytes were written; unknown if the other side does not report it.
	samples int64
}

const unknown = -1

type opener func(context.Context) (stream, error)

// serverOpener opens streams on all targets and connections in turn.
func serverOpener(o *options) (opener, func(), error) {
	connections := o.connections
	if connections == 0 {
		connections = (o.streams + streamsAConnection*len(o.targets) - 1) / (streamsAConnection * len(o.targets))
	}
	var clients []audiowriterv1.AudioWriterServiceClient
	var closers []io.Closer
	closeAll := func() {
		for _, closer := range closers {
			_ = closer.Close()
		}
	}
	for range connections {
		for _, target := range o.targets {
			// Without the client's retries, which keep a copy of the sent messages.
			options := append(audiowriter.DialOptions(), grpc.WithDisableRetry())
			options = append(options, grpc.WithTransportCredentials(insecure.NewCredentials()))
			conn, err := grpc.NewClient(target, options...)
			if err != nil {
				closeAll()
				return nil, nil, err
			}
			clients = append(clients, audiowriterv1.NewAudioWriterServiceClient(conn))
			closers = append(closers, conn)
		}
	}
	var opened atomic.Uint64
	return func(ctx context.Context) (stream, error) {
		client := clients[(opened.Add(1)-1)%uint64(len(clients))]
		call, err := client.EncodeStream(ctx)
		if err != nil {
			return nil, err
		}
		s := &serverStream{call: call}
		return s, s.request(&audiowriterv1.EncodeStreamRequest{Config: o.config})
	}, closeAll, nil
}

type serverStream struct {
	call     grpc.BidiStreamingClient[audiowriterv1.EncodeStreamRequest, audiowriterv1.EncodeStreamResponse]
	samples  int64
	finished bool
}

func (s *serverStream) send(frame []byte) error {
	return s.request(&audiowriterv1.EncodeStreamRequest{Pcm: frame})
}

func (s *serverStream) request(request *audiowriterv1.EncodeStreamRequest) error {
	err := s.call.Send(request)
	if err == io.EOF {
		return nil // the stream has ended: receive returns the reason
	}
	return err
}

func (s *serverStream) end() error { return s.call.CloseSend() }

func (s *serverStream) receive() (arrival, error) {
	for {
		response, err := s.call.Recv()
		if err == io.EOF && !s.finished {
			return arrival{}, errors.New("the stream ended without its last message, finished")
		}
		if err != nil {
			return arrival{}, err
		}
		switch event := response.GetEvent().(type) {
		case *audiowriterv1.EncodeStreamResponse_Chunk:
			return arrival{len(event.Chunk.GetData()), event.Chunk.GetInputSamples()}, nil
		case *audiowriterv1.EncodeStreamResponse_Finished:
			s.finished = true
			return arrival{len(event.Finished.GetTrailer()), event.Finished.GetTotals().GetInputSamples()}, nil
		}
	}
}

func (s *serverStream) pid() int { return 0 }

// commandOpener starts one process per stream.
func commandOpener(command []string) opener {
	return func(ctx context.Context) (stream, error) {
		process := exec.CommandContext(ctx, command[0], command[1:]...)
		process.Stderr = os.Stderr
		stdin, err := process.StdinPipe()
		if err != nil {
			return nil, err
		}
		stdout, err := process.StdoutPipe()
		if err != nil {
			return nil, err
		}
		if err := process.Start(); err != nil {
			return nil, err
		}
		return &commandStream{process: process, stdin: stdin, stdout: stdout, buffer: make([]byte, 64<<10)}, nil
	}
}

type commandStream struct {
	process *exec.Cmd
	stdin   io.WriteCloser
	stdout  io.Reader
	buffer  []byte
}

func (s *commandStream) send(frame []byte) error {
	_, err := s.stdin.Write(frame)
	return err
}

func (s *commandStream) end() error { return s.stdin.Close() }

func (s *commandStream) receive() (arrival, error) {
	n, err := s.stdout.Read(s.buffer)
	if err == nil {
		return arrival{n, unknown}, nil
	}
	if waitErr := s.process.Wait(); waitErr != nil {
		return arrival{}, fmt.Errorf("%s: %w", s.process.Path, waitErr)
	}
	return arrival{}, err
}

func (s *commandStream) pid() int { return s.process.Process.Pid }
