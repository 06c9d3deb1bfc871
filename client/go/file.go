package audiowriter

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"

	"google.golang.org/grpc"

	audiowriterv1 "github.com/audiowriter/audiowriter/client/go/gen/audiowriter/v1"
)

// CreateFile is [NewWriter] with a file as the destination. The file gets its name only when it is complete. Until
// Close returns nil, an existing file of that name stays unchanged. After an error or Abort no file is left. The new
// file has the permissions of the old one. When Close returns nil, file and name survive a power failure.
//
// If path is a symbolic link, it stays a link, and its target is replaced. A device or a named pipe is written directly,
// and opening a named pipe waits for a reader.
func CreateFile(
	ctx context.Context, conn grpc.ClientConnInterface, path string, cfg *audiowriterv1.StreamConfig, opts ...Option,
) (*Writer, error) {
	o, err := newOptions(opts)
	if err != nil {
		return nil, err
	}
	file, settle, err := openPath(path)
	if err != nil {
		return nil, err
	}
	w, err := newWriter(ctx, conn, file, cfg, o, settle)
	if err != nil {
		return nil, settle(err)
	}
	return w, nil
}

// openPath returns the file to write, and the function that ends it, which gets and returns the error of the stream.
func openPath(path string) (*os.File, func(error) error, error) {
	info, err := os.Stat(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, nil, err
	}
	if err == nil && !info.Mode().IsRegular() {
		// Opening a folder for writing fails.
		file, err := os.OpenFile(path, os.O_WRONLY, 0)
		return file, func(err error) error { return closeFile(file, err) }, err
	}
	target, err := followLinks(path)
	if err != nil {
		return nil, nil, err
	}
	file, err := createBeside(target, info)
	if err != nil {
		return nil, nil, withPath(err, path)
	}
	return file, func(err error) error { return withPath(settleFile(file, target, err), path) }, nil
}

// followLinks returns the path that a chain of symbolic links leads to. Nothing has to be there.
func followLinks(path string) (string, error) {
	folder, err := filepath.EvalSymlinks(filepath.Dir(path))
	if err != nil {
		return "", withPath(err, path)
	}
	path = filepath.Join(folder, filepath.Base(path))
	link, err := os.Readlink(path)
	if err != nil { // Not a link.
		return path, nil
	}
	if !filepath.IsAbs(link) {
		link = filepath.Join(folder, link)
	}
	return followLinks(link)
}

// createBeside creates a temporary file in the folder of path, because a rename works only within one file system. Its
// name is short, so that it is valid beside every valid name. old is the file to replace; nil if there is none. It does
// not use [os.CreateTemp], which allows no other user to read the file.
func createBeside(path string, old fs.FileInfo) (*os.File, error) {
	name := filepath.Join(filepath.Dir(path), ".audiowriter-"+rand.Text()+".part")
	if old == nil {
		return os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o666)
	}
	// Created with few permissions, because the old file may be private.
	file, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		_ = file.Chmod(old.Mode().Perm()) // Some file systems have no permissions.
	}
	return file, err
}

// settleFile renames file to path, or removes it if err reports that it is incomplete.
func settleFile(file *os.File, path string, err error) error {
	if err == nil {
		err = file.Sync() // otherwise a crash could leave an empty file under the name
	}
	if err = closeFile(file, err); err == nil {
		err = os.Rename(file.Name(), path)
	}
	if err != nil {
		_ = os.Remove(file.Name())
		return err
	}
	// Not every system can sync folders, and the file is complete in any case.
	if folder, err := os.Open(filepath.Dir(path)); err == nil {
		_ = folder.Sync()
		_ = folder.Close()
	}
	return nil
}

func closeFile(file *os.File, err error) error {
	if closeErr := file.Close(); err == nil {
		err = closeErr
	}
	return err
}

// withPath names the path that the caller gave in an error of the operating system, instead of the temporary one.
func withPath(err error, path string) error {
	if linkErr, ok := err.(*os.LinkError); ok {
		return &fs.PathError{Op: linkErr.Op, Path: path, Err: linkErr.Err}
	}
	if pathErr, ok := err.(*fs.PathError); ok {
		return &fs.PathError{Op: pathErr.Op, Path: path, Err: pathErr.Err}
	}
	return err
}
