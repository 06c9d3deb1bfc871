package proto_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/audiowriter/audiowriter/client/go/proto"
)

// The copy is made by `make generate`.
func TestTheModuleHasTheContractOfTheProject(t *testing.T) {
	const name = "audiowriter/v1/audio_writer.proto"
	published, err := proto.Files.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	original, err := os.ReadFile("../../../proto/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(published, original) {
		t.Error("the copy differs from the contract; make generate updates it")
	}
}
