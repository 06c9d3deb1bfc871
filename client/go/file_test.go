package audiowriter_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	audiowriter "github.com/audiowriter/audiowriter/client/go"
)

func TestFileAppearsOnlyWhenComplete(t *testing.T) {
	conn := dial(t)
	path := filepath.Join(t.TempDir(), "out.wav")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	w, err := audiowriter.CreateFile(limited(t), conn, path, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tone(24000)); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Flush(); err != nil {
		t.Fatal(err)
	}
	if content, err := os.ReadFile(path); err != nil || string(content) != "old" {
		t.Errorf("%q %v before Close", content, err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	checkWAV(t, content)
	checkAlone(t, path)
}

func TestAbortLeavesNoFile(t *testing.T) {
	folder := t.TempDir()
	w, err := audiowriter.CreateFile(limited(t), dial(t), filepath.Join(folder, "out.wav"), mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tone(24000)); err != nil {
		t.Fatal(err)
	}
	w.Abort()
	if err := w.Close(); err == nil {
		t.Error("no error from Close after Abort")
	}
	if _, err := w.Write(tone(1)); err == nil {
		t.Error("no error from Write after Abort")
	}
	checkEmpty(t, folder)
}

func TestRefusedConfigLeavesNoFile(t *testing.T) {
	folder := t.TempDir()
	if _, err := audiowriter.CreateFile(limited(t), dial(t), filepath.Join(folder, "out.wav"), mono24k(0)); err == nil {
		t.Error("no error")
	}
	checkEmpty(t, folder)
}

func TestFolderIsRefusedAtOnce(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "out.wav")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := audiowriter.CreateFile(limited(t), dial(t), folder, mono24k(wav)); err == nil {
		t.Error("no error")
	}
	checkAlone(t, folder)
	checkEmpty(t, folder)
}

func TestFileThatCannotBeRenamedIsAnErrorThatNamesThePath(t *testing.T) {
	path := filepath.Join(t.TempDir(), "out.wav")
	w, err := audiowriter.CreateFile(limited(t), dial(t), path, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	err = w.Close()
	var pathErr *fs.PathError
	if !errors.As(err, &pathErr) || pathErr.Path != path || w.Result() != nil {
		t.Error(err, w.Result())
	}
	checkAlone(t, path)
}

func TestMissingFolderIsNamed(t *testing.T) {
	path := filepath.Join(t.TempDir(), "missing", "out.wav")
	_, err := audiowriter.CreateFile(limited(t), dial(t), path, mono24k(wav))
	var pathErr *fs.PathError
	if !errors.As(err, &pathErr) || pathErr.Path != path || !errors.Is(err, fs.ErrNotExist) {
		t.Error(err)
	}
}

func TestReplacedFileKeepsItsPermissionsFromTheStart(t *testing.T) {
	for _, mode := range []fs.FileMode{0o600, 0o644, 0o777} {
		path := filepath.Join(t.TempDir(), "out.wav")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		w, err := audiowriter.CreateFile(limited(t), dial(t), path, mono24k(wav))
		if err != nil {
			t.Fatal(err)
		}
		entries, err := os.ReadDir(filepath.Dir(path))
		if err != nil || len(entries) != 2 {
			t.Fatal(entries, err)
		}
		for _, entry := range entries {
			checkMode(t, filepath.Join(filepath.Dir(path), entry.Name()), mode)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		checkMode(t, path, mode)
	}
}

func TestNameMayHave255Bytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), strings.Repeat("x", 255))
	writeFile(t, path)
	checkAlone(t, path)
}

func TestLinkStaysALinkAndItsTargetIsReplaced(t *testing.T) {
	for _, exists := range []bool{true, false} {
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "a"), 0o700); err != nil {
			t.Fatal(err)
		}
		target, link := filepath.Join(folder, "a", "target"), filepath.Join(folder, "link")
		if exists {
			if err := os.WriteFile(target, []byte("old"), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		for from, to := range map[string]string{"link": "between", "between": "a/target"} {
			if err := os.Symlink(to, filepath.Join(folder, from)); err != nil {
				t.Fatal(err)
			}
		}
		writeFile(t, link)
		if info, err := os.Lstat(link); err != nil || info.Mode().Type() != fs.ModeSymlink {
			t.Error(info, err)
		}
		checkAlone(t, target)
		content, err := os.ReadFile(target)
		if err != nil {
			t.Fatal(err)
		}
		checkWAV(t, content)
		if exists {
			checkMode(t, target, 0o600)
		}
	}
}

func TestNamedPipeGetsTheLiveBytes(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	received := make(chan []byte, 1)
	go func() {
		content, _ := os.ReadFile(path)
		received <- content
	}()
	writeFile(t, path)
	if info, err := os.Stat(path); err != nil || info.Mode().Type() != fs.ModeNamedPipe {
		t.Fatal(info, err)
	}
	checkAlone(t, path)
	if content := <-received; len(content) < 48000 || string(content[:4]) != "RIFF" {
		t.Errorf("%d bytes", len(content))
	}
}

func TestDeviceIsNotReplaced(t *testing.T) {
	writeFile(t, os.DevNull)
	if info, err := os.Stat(os.DevNull); err != nil || info.Mode()&fs.ModeCharDevice == 0 {
		t.Error(info, err)
	}
}

func writeFile(t *testing.T, path string) {
	t.Helper()
	w, err := audiowriter.CreateFile(limited(t), dial(t), path, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write(tone(24000)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
}

func checkMode(t *testing.T, path string, mode fs.FileMode) {
	t.Helper()
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != mode {
		t.Errorf("%s: %v %v, expected %v", path, info, err, mode)
	}
}

func checkAlone(t *testing.T, path string) {
	t.Helper()
	if entries, err := os.ReadDir(filepath.Dir(path)); err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
}

func checkEmpty(t *testing.T, folder string) {
	t.Helper()
	if entries, err := os.ReadDir(folder); err != nil || len(entries) != 0 {
		t.Error(entries, err)
	}
}
