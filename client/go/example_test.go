package audiowriter_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"os"
	"path/filepath"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// One second of silence becomes an MP3 file.
func ExampleCreateFile() {
	conn, err := audiowriter.Dial(os.Getenv("AUDIOWRITER_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	path := filepath.Join(os.TempDir(), "audiowriter-example.mp3")
	w, err := audiowriter.CreateFile(context.Background(), conn, path, &audiowriterv1.StreamConfig{
		Input:  &audiowriterv1.PcmInput{SampleRateHz: 24000},
		Output: &audiowriterv1.AudioOutput{Format: audiowriterv1.AudioFormat_AUDIO_FORMAT_MP3},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer w.Abort()
	for range 50 { // 20 ms of 16-bit samples at a time, as from a speech synthesiser
		if _, err := w.Write(make([]byte, 960)); err != nil {
			log.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		log.Fatal(err)
	}
	defer os.Remove(path)
	fmt.Println(w.Started().GetMimeType(), w.Result().GetDuration().AsDuration())
	// Output: audio/mpeg 1s
}

// An invalid config is refused, with every violation.
func ExampleError() {
	conn, err := audiowriter.Dial(os.Getenv("AUDIOWRITER_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	_, err = audiowriter.NewWriter(context.Background(), conn, io.Discard, &audiowriterv1.StreamConfig{
		Input: &audiowriterv1.PcmInput{SampleRateHz: 24000},
	})
	var refused *audiowriter.Error
	if errors.As(err, &refused) {
		for _, violation := range refused.Violations {
			fmt.Println(violation.Field)
		}
	}
	// Output: config.output.format
}

// The formats that the server supports.
func ExampleListFormats() {
	conn, err := audiowriter.Dial(os.Getenv("AUDIOWRITER_TARGET"), grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		log.Fatal(err)
	}
	defer conn.Close()

	formats, err := audiowriter.ListFormats(context.Background(), conn)
	if err != nil {
		log.Fatal(err)
	}
	for _, format := range formats {
		fmt.Println(format.GetName(), format.GetFileExtension(), format.GetMimeType())
	}
}
