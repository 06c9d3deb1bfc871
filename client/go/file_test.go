package audiowriter_test

import (
	"os"
	"path/filepath"
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

func TestFileThatCannotBeRenamedIsAnError(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "out.wav")
	if err := os.MkdirAll(filepath.Join(folder, "not empty"), 0o700); err != nil {
		t.Fatal(err)
	}
	w, err := audiowriter.CreateFile(limited(t), dial(t), folder, mono24k(wav))
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err == nil || w.Result() != nil {
		t.Error(err, w.Result())
	}
	checkAlone(t, folder)
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
