package audiowriter

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"

	"google.golang.org/grpc"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// CreateFile is [NewWriter] with a file as the destination. The file gets its name only when it is complete. Until
// Close returns nil, an existing file of that name stays unchanged. After an error or Abort no file is left.
func CreateFile(
	ctx context.Context, conn grpc.ClientConnInterface, path string, cfg *audiowriterv1.StreamConfig,
) (*Writer, error) {
	file, err := createBeside(path)
	if err != nil {
		return nil, err
	}
	settle := func(err error) error { return settleFile(file, path, err) }
	w, err := newWriter(ctx, conn, file, cfg, settle)
	if err != nil {
		return nil, settle(err)
	}
	return w, nil
}

// createBeside creates a file with a new name in the folder of path, because a rename works only within one file
// system. It does not use [os.CreateTemp], which allows no other user to read the file.
func createBeside(path string) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()+".part")
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// settleFile renames file to path, or removes it if err reports that it is incomplete.
func settleFile(file *os.File, path string, err error) error {
	if err == nil {
		err = file.Sync() // otherwise a crash could leave an empty file under the name
	}
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
	}
	return err
}
