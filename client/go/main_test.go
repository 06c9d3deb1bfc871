package audiowriter_test

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"os"
	"testing"
	"time"

	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
	"github.com/audiowriter/audiowriter/client/go/internal/testserver"
)

// Tests use the server at AUDIOWRITER_TARGET. If that is unset they start one, and set the variable for the examples.
func TestMain(m *testing.M) {
	var server *testserver.Server
	if os.Getenv("AUDIOWRITER_TARGET") == "" {
		var err error
		server, err = testserver.Start()
		if errors.Is(err, testserver.ErrNone) {
			fmt.Println("SKIP: AUDIOWRITER_TARGET is unset, and", err)
			return
		}
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		os.Setenv("AUDIOWRITER_TARGET", server.Target)
	}
	code := m.Run()
	if server != nil {
		pool = append(pool, server)
	}
	for _, server := range pool {
		server.Kill()
	}
	os.Exit(code)
}

// dial returns a live connection. The test fails if it leaves a goroutine behind other than those of the connection.
func dial(t *testing.T) *grpc.ClientConn {
	t.Helper()
	conn, err := audiowriter.Dial(os.Getenv("AUDIOWRITER_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	if _, err := audiowriter.ListFormats(t.Context(), conn); err != nil {
		t.Fatal(err)
	}
	current := goleak.IgnoreCurrent()
	t.Cleanup(func() { goleak.VerifyNone(t, current) })
	return conn
}

// limited returns a context with a timeout, so that a deadlock fails the test.
func limited(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// mono24k is a config for 16-bit mono PCM at 24 kHz.
func mono24k(format audiowriterv1.AudioFormat) *audiowriterv1.StreamConfig {
	return &audiowriterv1.StreamConfig{
		Input:  &audiowriterv1.PcmInput{SampleRateHz: 24000},
		Output: &audiowriterv1.AudioOutput{Format: format},
	}
}

// tone is a sine of 440 Hz in the format of mono24k.
func tone(samples int) []byte {
	pcm := make([]byte, 0, 2*samples)
	for i := range samples {
		sample := int16(16384 * math.Sin(2*math.Pi*440*float64(i)/24000))
		pcm = binary.LittleEndian.AppendUint16(pcm, uint16(sample))
	}
	return pcm
}
