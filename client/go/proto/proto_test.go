package proto_test

import (
	"bytes"
	"os"
	"testing"

	"github.com/audiowriter/audiowriter/client/go/proto"
)

// The copies are made by `make generate`.
func TestTheModuleHasTheContractOfTheProject(t *testing.T) {
	for _, name := range []string{"audiowriter/v1/audio_writer.proto", "google/api/field_behavior.proto"} {
		published, err := proto.Files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		original, err := os.ReadFile("../../../proto/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(published, original) {
			t.Errorf("%s differs from the project's; make generate updates it", name)
		}
	}
}
