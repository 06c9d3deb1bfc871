package audiowriter_test

import (
	"errors"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
)

func TestEncodeReturnsTheFinishedFile(t *testing.T) {
	response, err := audiowriter.Encode(limited(t), dial(t), mono24k(wav), tone(24000))
	if err != nil {
		t.Fatal(err)
	}
	checkWAV(t, response.GetFile())
}

func TestEncodeSendsMoreThanTheDefaultRetryBuffer(t *testing.T) {
	const samples = 1_500_000 // 3 MB
	response, err := audiowriter.Encode(limited(t), dial(t), mono24k(wav), tone(samples))
	if err != nil {
		t.Fatal(err)
	}
	if got := response.GetFinished().GetInputSamples(); got != samples {
		t.Errorf("%d samples, expected %d", got, samples)
	}
}

func TestEncodeErrorsHaveDetails(t *testing.T) {
	_, err := audiowriter.Encode(limited(t), dial(t), mono24k(0), tone(1))
	var refused *audiowriter.Error
	if !errors.As(err, &refused) || status.Code(err) != codes.InvalidArgument || len(refused.Violations) != 1 {
		t.Error(err)
	}
}
