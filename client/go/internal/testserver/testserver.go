// Package testserver starts a real server on loopback for tests.
package testserver

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// Server is a server in its own process.
type Server struct {
	// Target is its address, host:port.
	Target string

	command []string
	log     *os.File
	process *os.Process
	exited  context.Context
}

// ErrNone means that there is no server to start.
var ErrNone = errors.New("no server to start: AUDIOWRITER_SERVER is unset and the repository has no .venv")

// Start starts the command in AUDIOWRITER_SERVER, or the server of this repository's .venv, and returns when it responds.
func Start() (*Server, error) { return StartWithLog(os.Stderr) }

// StartWithLog is Start with a file that gets the server's output, and more flags of the server.
func StartWithLog(log *os.File, flags ...string) (*Server, error) {
	command := strings.Fields(os.Getenv("AUDIOWRITER_SERVER"))
	if len(command) == 0 {
		_, here, _, _ := runtime.Caller(0)
		python := filepath.Join(filepath.Dir(here), "../../../../.venv/bin/python")
		if _, err := os.Stat(python); err != nil {
			return nil, ErrNone
		}
		command = []string{python, "-m", "audiowriter_server"}
	}
	port, err := freePort()
	if err != nil {
		return nil, err
	}
	command = append(command, "--host", "127.0.0.1", "--port", strconv.Itoa(port))
	command = append(command, flags...)
	server := &Server{Target: net.JoinHostPort("127.0.0.1", strconv.Itoa(port)), command: command, log: log}
	return server, server.Restart()
}

// Restart starts the server again on its port, after Kill.
func (s *Server) Restart() error {
	process := exec.Command(s.command[0], s.command[1:]...)
	process.Stdout, process.Stderr = s.log, s.log
	if err := process.Start(); err != nil {
		return err
	}
	exited, exit := context.WithCancelCause(context.Background())
	go func() { exit(process.Wait()) }()
	s.process, s.exited = process.Process, exited
	if err := s.wait(); err != nil {
		s.Kill()
		return fmt.Errorf("%s does not respond: %w", strings.Join(s.command, " "), err)
	}
	return nil
}

// Running reports whether the process has not been killed.
func (s *Server) Running() bool { return s.exited.Err() == nil }

// Kill kills the process without warning, like a crash.
func (s *Server) Kill() {
	_ = s.process.Kill()
	<-s.exited.Done()
}

func (s *Server) wait() error {
	conn, err := grpc.NewClient(s.Target, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		return err
	}
	defer conn.Close()
	ctx, cancel := context.WithTimeout(s.exited, 30*time.Second)
	defer cancel()
	_, err = audiowriterv1.NewAudioWriterServiceClient(conn).ListFormats(
		ctx, &audiowriterv1.ListFormatsRequest{}, grpc.WaitForReady(true))
	return errors.Join(err, context.Cause(s.exited))
}

func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	defer listener.Close()
	return listener.Addr().(*net.TCPAddr).Port, nil
}
