package audiowriter

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"

	"google.golang.org/grpc"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// CreateFile is [NewWriter] into a file that gets its name only when it is whole. Until Close returns nil a file of that
// name, if there is one, stays as it is; after an error or Abort nothing is left behind.
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

// createBeside makes a file of a new name in the folder of path, for a rename works only inside one file system. It is not
// [os.CreateTemp], whose files no other user may read.
func createBeside(path string) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+"."+rand.Text()+".part")
	return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
}

// settleFile moves file to path, or removes it where err says that it is not whole.
func settleFile(file *os.File, path string, err error) error {
	if err == nil {
		err = file.Sync() // Or a crash could leave the name on an empty file.
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
